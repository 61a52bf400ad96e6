"""Memory and CPU time of `plan`, `prep` and `verify` by the number of files, which are empty."""

import os
import shutil
from pathlib import Path

from .drives import ACCOUNT
from .measure import AZSEED, record, spent


def empty(count):
    """So many empty files below `source`, 1000 a folder, names of 21 letters."""
    shutil.rmtree("source", ignore_errors=True)
    for first in range(0, count, 1000):
        folder = Path("source") / f"folder-{first // 1000:05}"
        folder.mkdir(parents=True)
        handle = os.open(folder, os.O_RDONLY)
        for number in range(first, min(first + 1000, count)):
            os.close(os.open(f"document-{number:08}.txt", os.O_CREAT | os.O_WRONLY, dir_fd=handle))
        os.close(handle)


def files(most):
    """A row for each power of ten from 1000 on."""
    rows, count = [], 1000
    while count <= most:
        empty(count)
        Path("dataset.csv").write_text("BasePath,DstItemPathOrPrefix,ItemType,Disposition,MetadataFile,PropertiesFile\n"
                                       f'"{Path("source").resolve()}/",bench/in/,BlockBlob,rename,None,None\n')
        shutil.rmtree("state", ignore_errors=True)
        Path("drive.img").unlink(missing_ok=True)
        seed, job = [AZSEED, "--state", "state"], ["--dataset", "dataset.csv", "--job", "bench"]
        drive = f"image:drive.img,serial=BENCH-0,size={300 + 4 * count // 1000}M"
        rows.append({
            "files": count,
            "plan": spent([*seed, "plan", *job, "--drive-size", "20T"]),
            "prep": spent([*seed, "prep", *job, "--storage-account", "bench1", *ACCOUNT, "--offline", "--drive", drive]),
            "verify": spent([*seed, "verify", "image:drive.img,serial=BENCH-0"]),
        })
        print(rows[-1], flush=True)
        count *= 10
    record("files", 1, rows)
