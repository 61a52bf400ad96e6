"""The calls of a disk's backup by Microsoft's client for Python. What came of each is a line
`CALL<TAB>ok` or `CALL<TAB>no …`. Told by the environment: ACCOUNT, KEY, URL (of the account).
"""

import datetime
import os

from azure.storage.blob import BlobSasPermissions, BlobServiceClient, generate_blob_sas

from told import call, expect, refused

ACCOUNT, KEY, URL = (os.environ[name] for name in ("ACCOUNT", "KEY", "URL"))
SERVICE = BlobServiceClient(URL, credential={"account_name": ACCOUNT, "account_key": KEY})
CONTAINER = SERVICE.get_container_client("pythonpages")
PAGE = 512
PAGES = 64


def opened(blob, snapshot):
    """The address of a snapshot with what opens it."""
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    sas = generate_blob_sas(
        ACCOUNT, CONTAINER.container_name, blob.blob_name, snapshot=snapshot, account_key=KEY,
        permission=BlobSasPermissions(read=True), expiry=end,
    )
    return f"{blob.url}?snapshot={snapshot}&{sas}"


def at(snapshot, blob=None):
    return CONTAINER.get_blob_client((blob or disk).blob_name, snapshot=snapshot)


disk = CONTAINER.get_blob_client("disk.vhd")
model = bytearray(PAGES * PAGE)
points = []


def write(page, content):
    disk.upload_page(content, offset=page * PAGE, length=len(content), validate_content=True)
    model[page * PAGE:page * PAGE + len(content)] = content


def clear(page, pages):
    disk.clear_page(offset=page * PAGE, length=pages * PAGE)
    model[page * PAGE:(page + pages) * PAGE] = bytes(pages * PAGE)


def create():
    CONTAINER.create_container()
    disk.create_page_blob(PAGES * PAGE)
    for page in range(0, PAGES, 4):
        write(page, bytes([page + 1]) * (2 * PAGE))


def snapshot():
    points.append((disk.create_snapshot(metadata={"bk_owner": "me"})["snapshot"], bytes(model)))


def ranges():
    expected = [(page * PAGE, page * PAGE + 2 * PAGE - 1) for page in range(0, PAGES, 4)]
    for found in (disk.get_page_ranges()[0], list(disk.list_page_ranges(results_per_page=5))):
        expect([(own["start"], own["end"]) for own in found] == expected, found)


def change():
    clear(4, 2)
    write(0, b"x" * PAGE)
    write(2, bytes(PAGE))
    clear(62, 1)


def old_difference():
    # This call gives written and cleared ranges apart, and nothing of the next part.
    written, cleared = disk.get_page_ranges(previous_snapshot_diff=points[0][0])
    expect([own["start"] // PAGE for own in written] == [0, 2], written)
    expect([own["start"] // PAGE for own in cleared] == [4, 62], cleared)


def difference():
    for parts in (2, 100):
        found = disk.list_page_ranges(previous_snapshot=points[0][0], results_per_page=parts)
        found = [(own.start // PAGE, own.cleared) for own in found]
        expect(sorted(found) == [(0, False), (2, False), (4, True), (62, True)], found)


def managed_difference():
    snapshot()
    url = f"{disk.url}?snapshot={points[0][0]}"
    written, cleared = at(points[1][0]).get_page_range_diff_for_managed_disk(url)
    expect(([own["start"] // PAGE for own in written], [own["start"] // PAGE for own in cleared])
           == ([0, 2], [4, 62]), (written, cleared))


def points_read():
    for snapshot_id, content in points:
        expect(at(snapshot_id).download_blob().readall() == content, "not what it was")


def from_url():
    copy = CONTAINER.get_blob_client("pages.vhd")
    copy.create_page_blob(PAGES * PAGE)
    source = opened(disk, points[0][0])
    copy.upload_pages_from_url(source, offset=8 * PAGE, length=2 * PAGE, source_offset=8 * PAGE)
    content = copy.download_blob().readall()
    expect(content[8 * PAGE:10 * PAGE] == points[0][1][8 * PAGE:10 * PAGE], "at another place")
    expect(content[:8 * PAGE] == bytes(8 * PAGE), "at the start too")


def copied():
    copy = CONTAINER.get_blob_client("copy.vhd")
    copy.start_copy_from_url(opened(disk, points[0][0]))
    expect(copy.get_blob_properties().copy.status == "success")
    expect(copy.download_blob().readall() == points[0][1], "another content")
    return copy


def alone():
    copy = copied()
    copy.clear_page(offset=0, length=PAGE)
    expect(at(points[0][0]).download_blob().readall() == points[0][1], "the source changed too")


def incremental():
    copy = CONTAINER.get_blob_client("incremental.vhd")
    made = []
    for snapshot_id, _ in points:
        copy.start_copy_from_url(opened(disk, snapshot_id), incremental_copy=True)
        known = copy.get_blob_properties()
        expect(known.copy.incremental_copy and known.copy.status == "success", known.copy)
        made.append(known.copy.destination_snapshot)
    for own, (_, content) in zip(made, points):
        own = own if isinstance(own, str) else own.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
        expect(at(own, copy).download_blob().readall() == content, "another content")


def limits():
    refused(lambda: disk.upload_page(bytes(PAGE), offset=PAGES * PAGE, length=PAGE), "InvalidPageRange")
    large = CONTAINER.get_blob_client("large.vhd")
    large.create_page_blob(8 << 20)
    length = (4 << 20) + PAGE
    refused(lambda: large.upload_page(bytes(length), offset=0, length=length), "RequestBodyTooLarge")


def sequence():
    disk.set_sequence_number("update", "7")
    refused(lambda: disk.upload_page(bytes(PAGE), offset=0, length=PAGE, if_sequence_number_lt=7),
            "SequenceNumberConditionNotMet")
    expect(disk.get_blob_properties().page_blob_sequence_number == 7)


def resize():
    disk.resize_blob(PAGES // 2 * PAGE)
    expect(disk.get_blob_properties().size == PAGES // 2 * PAGE)
    disk.resize_blob(PAGES * PAGE)


def lease():
    held = disk.acquire_lease(lease_duration=15)
    refused(lambda: disk.clear_page(offset=0, length=PAGE), "LeaseIdMissing")
    disk.clear_page(offset=0, length=PAGE, lease=held)
    held.release()


def listed():
    found = CONTAINER.list_blobs(name_starts_with="disk", include=["snapshots", "metadata", "copy"])
    found = [(own.snapshot, (own.metadata or {}).get("bk_owner")) for own in found]
    expect(found == [(points[0][0], "me"), (points[1][0], "me"), (None, None)], found)


def delete():
    refused(disk.delete_blob, "SnapshotsPresent")
    at(points[0][0]).delete_blob()
    disk.delete_blob(delete_snapshots="include")


call("a page blob", create)
call("page ranges", ranges)
call("a snapshot", snapshot)
call("writes and clears", change)
call("a difference, old call", old_difference)
call("a difference, in parts", difference)
call("a difference, by address", managed_difference)
call("points are read", points_read)
call("pages from an address", from_url)
call("a copy of a snapshot", copied)
call("a copy stands alone", alone)
call("incremental copies", incremental)
call("limits", limits)
call("sequence numbers", sequence)
call("another length", resize)
call("a lease", lease)
call("a list with snapshots", listed)
call("deleted with snapshots", delete)
