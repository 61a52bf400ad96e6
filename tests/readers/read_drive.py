"""What a drive image holds, in the words of one reader that shares no code with azseed.

    read_drive.py READER IMAGE --password-file FILE

Prints one JSON object. Readers:

  partitions   sfdisk: the table, and its verdict on both copies
  cryptsetup   the BitLocker metadata and that the recovery password yields the volume key
  ntfs-3g      unlocked by dislocker, files through a FUSE mount; ntfsfix and ntfsinfo agree
  sleuthkit    unlocked by dislocker, files through fls and tsk_recover; fsstat agrees
  7z           unlocked by dislocker, files extracted by 7-Zip
  libfsntfs    unlocked by libbde, files through libfsntfs
  dissect      unlocked by dissect.fve, files through dissect.ntfs
  descriptors  unlocked by dislocker; the security descriptors of "System Volume Information" and
               what is in it through ntfs-3g, and ntfssecaudit's verdict on the whole volume
  layout       the clusters of every file and of BitLocker's own, as dissect.ntfs tells

A reader of files prints {"files": {path: {"size", "mtime_ns", "sha256"}}, "precision_ns": n},
without NTFS's own files and "System Volume Information". Anything unexpected is an exception:
nothing is skipped.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import files
import partitions
import unlock


def read(reader: str, image: Path, password: str, scratch: Path) -> dict:
    table = partitions.read(image)
    if reader == "partitions":
        return table
    volume = partitions.data_volume(table)
    if reader == "cryptsetup":
        return unlock.cryptsetup(image, volume, password, scratch)
    if reader == "libfsntfs":
        return files.libfsntfs(unlock.libbde(image, volume, password))
    if reader == "layout":
        return files.layout(unlock.dissect(image, volume, password))
    if reader == "dissect":
        return files.dissect(unlock.dissect(image, volume, password))
    with unlock.dislocker(image, volume, password, scratch) as view:
        return {
            "ntfs-3g": files.ntfs_3g,
            "sleuthkit": files.sleuthkit,
            "7z": files.seven_zip,
            "descriptors": files.descriptors,
        }[reader](view, scratch)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("reader")
    parser.add_argument("image", type=Path)
    parser.add_argument("--password-file", type=Path)
    given = parser.parse_args()
    password = given.password_file.read_text().strip() if given.password_file else ""
    with tempfile.TemporaryDirectory(prefix="read-drive-", dir=given.image.resolve().parent) as scratch:
        json.dump(read(given.reader, given.image, password, Path(scratch)), sys.stdout)


main()
