"""A managed disk's snapshots by Microsoft's client for Python, at the addresses that open them. What
came of each is a line `CALL<TAB>ok` or `CALL<TAB>no …`. Told by the environment: EARLIER and LATER
(addresses), CHANGED (first and last page that changed, `A-B`), MODEL (a file with all bytes).
"""

import os

from azure.storage.blob import BlobClient

from told import call, expect, refused

EARLIER, LATER, CHANGED, MODEL = (
    os.environ[name] for name in ("EARLIER", "LATER", "CHANGED", "MODEL")
)
PAGE = 512
with open(MODEL, "rb") as file:
    MODEL = file.read()
later = BlobClient.from_blob_url(LATER)


def length():
    expect(later.get_blob_properties().size == len(MODEL), "another length")


def content():
    expect(later.download_blob().readall() == MODEL, "not what it was")


def difference():
    first, last = (int(page) * PAGE for page in CHANGED.split("-"))
    written, cleared = later.get_page_range_diff_for_managed_disk(EARLIER)
    found = [(own["start"], own["end"]) for own in written]
    expect((found, cleared) == ([(first, last + PAGE - 1)], []), (written, cleared))


def only_read():
    refused(lambda: later.upload_page(bytes(PAGE), offset=0, length=PAGE), "AuthorizationPermissionMismatch")
    refused(later.delete_blob, "AuthorizationPermissionMismatch")


call("its length", length)
call("its bytes", content)
call("a difference of a managed disk", difference)
call("it is only read", only_read)
