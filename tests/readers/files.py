"""Five ways through an NTFS volume, none of them ours. Each gives every file's path, size, time
of last change and SHA-256."""

import hashlib
import os
from pathlib import Path

import programs
from programs import run

# Seconds from 1601 to 1970, for Windows' file times of 100 ns.
EPOCH_SECONDS = 11_644_473_600
PIECE = 1 << 20
OF_THE_SYSTEM = "System Volume Information"


def ours(path: str) -> bool:
    """Not one of NTFS's own files, nor what BitLocker keeps beside the data."""
    first = path.split("/", 1)[0]
    return first != OF_THE_SYSTEM and not first.startswith("$")


def digest(stream) -> str:
    sha256 = hashlib.sha256()
    while piece := stream.read(PIECE):
        sha256.update(piece)
    return sha256.hexdigest()


def listing(found: dict, precision_ns: int) -> dict:
    return {"files": {path: entry for path, entry in found.items() if ours(path)}, "precision_ns": precision_ns}


def walk(root: Path) -> dict:
    """The files below a folder of this machine."""
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            relative = path.relative_to(root).as_posix()
            if ours(relative):
                status = path.stat()
                with open(path, "rb") as stream:
                    found[relative] = {
                        "size": status.st_size,
                        "mtime_ns": status.st_mtime_ns,
                        "sha256": digest(stream),
                    }
    return found


def ntfs_3g(view: Path, scratch: Path) -> dict:
    fixed = run("ntfsfix", "--no-action", view)
    if "processed successfully" not in fixed:
        raise ValueError(f"ntfsfix: {fixed}")
    if "Volume Version: 3.1" not in run("ntfsinfo", "--mft", view):
        raise ValueError("ntfsinfo: not an NTFS 3.1 volume")
    mounted = scratch / "mounted"
    mounted.mkdir()
    run("ntfs-3g", "-o", "ro,norecover", view, mounted)
    try:
        return listing(walk(mounted), 100)
    finally:
        programs.unmount(mounted)


def descriptors(view: Path, scratch: Path) -> dict:
    audit = run("ntfssecaudit", "-a", view)
    if "No errors were found" not in audit:
        raise ValueError(f"ntfssecaudit: {audit}")
    mounted = scratch / "mounted"
    mounted.mkdir()
    run("ntfs-3g", "-o", "ro,norecover,streams_interface=xattr", view, mounted)
    try:
        own = mounted / OF_THE_SYSTEM
        paths = [mounted, own, *sorted(own.iterdir())]
        found = {
            path.relative_to(mounted).as_posix(): os.getxattr(path, "system.ntfs_acl").hex() for path in paths
        }
        return {"descriptors": found, "audit": audit}
    finally:
        programs.unmount(mounted)


def sleuthkit(view: Path, scratch: Path) -> dict:
    """fls has whole seconds only, and tsk_recover leaves empty files out."""
    if "File System Type: NTFS" not in run("fsstat", view):
        raise ValueError("fsstat: not NTFS")
    recovered = scratch / "recovered"
    run("tsk_recover", "-a", view, recovered)
    contents = walk(recovered)
    empty = hashlib.sha256().hexdigest()
    found = {}
    for line in run("fls", "-r", "-p", "-F", "-u", "-m", "/", view).splitlines():
        head, _, _, _, size, _, modified, _, _ = line.rsplit("|", 8)
        path = head.split("|")[1].removeprefix("/")
        if ours(path) and not path.endswith(" ($FILE_NAME)"):
            sha256 = contents[path]["sha256"] if int(size) else empty
            found[path] = {"size": int(size), "mtime_ns": int(modified) * 10**9, "sha256": sha256}
    return listing(found, 10**9)


def seven_zip(view: Path, scratch: Path) -> dict:
    extracted = scratch / "extracted"
    run("7z", "x", "-y", "-tntfs", "-x![SYSTEM]", f"-o{extracted}", view)
    return listing(walk(extracted), 100)


def libfsntfs(unlocked) -> dict:
    import pyfsntfs

    volume = pyfsntfs.volume()
    volume.open_file_object(unlocked)
    found = {}
    pending = [("", volume.get_root_directory())]
    while pending:
        prefix, folder = pending.pop()
        for entry in folder.sub_file_entries:
            path = prefix + entry.name
            if not ours(path):
                continue
            if entry.has_directory_entries_index():
                pending.append((path + "/", entry))
            else:
                found[path] = {
                    "size": entry.size,
                    "mtime_ns": since_1970(entry.get_modification_time_as_integer()),
                    "sha256": digest_entry(entry),
                }
    return listing(found, 100)


def since_1970(file_time: int) -> int:
    return (file_time - EPOCH_SECONDS * 10**7) * 100


def digest_entry(entry) -> str:
    sha256 = hashlib.sha256()
    left = entry.size
    while left:
        piece = entry.read_buffer(min(PIECE, left))
        if not piece:
            raise ValueError(f"{entry.name} ends {left} bytes early")
        sha256.update(piece)
        left -= len(piece)
    return sha256.hexdigest()


def records(unlocked):
    """Path and record of every file but NTFS's own, those of the system included."""
    from dissect.ntfs import NTFS

    pending = [("", NTFS(unlocked).mft.root)]
    while pending:
        prefix, folder = pending.pop()
        for index in folder.iterdir(dereference=False, ignore_dos=True):
            name = index.attribute.file_name
            path = prefix + name
            if name == "." or path.startswith("$"):
                continue
            record = index.dereference()
            if record.is_dir():
                pending.append((path + "/", record))
            else:
                yield path, record


def dissect(unlocked) -> dict:
    found = {}
    for path, record in records(unlocked):
        if not ours(path):
            continue
        times = record.attributes.STANDARD_INFORMATION[0].attribute
        with record.open() as stream:
            sha256 = digest(stream)
        found[path] = {"size": record.size(), "mtime_ns": times.last_modification_time_ns, "sha256": sha256}
    return listing(found, 100)


def layout(unlocked) -> dict:
    """Runs as (first cluster, count) of each non-resident file."""
    runs = {path: record.dataruns() for path, record in records(unlocked) if not record.resident}
    pinned = {path: found for path, found in runs.items() if not ours(path)}
    return {"runs": {path: found for path, found in runs.items() if ours(path)}, "pinned": pinned}
