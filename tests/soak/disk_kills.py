#!/usr/bin/env python3
"""Kills `azseed disk-backup` again and again, at moments that are drawn, and counts what was lost.

    tests/soak/disk_kills.py [--kills 200] [--hours H] [--seed 1] [--at-once 1] [--dir DIR]

At the end it prints how many kills hit which command of which kind of disk.

Each round: an emulator, and a disk that is a page blob, a managed disk or an image file of this machine,
with a model of it beside, backed up by an engine and a way of transfer that are drawn. Somebody writes to it,
`run`, `prune`, `restore` (to a page blob or an image file) or `promote` is killed (SIGKILL) somewhere, again and
again, now and then with the log of the round lost as on another machine; then the same commands once more.
Lost is a point that the disk never was, a newest point that is not the disk as it is, a baseline that is gone,
more than one snapshot of the disk too many, one that is left in the end, an access that stays open, or a
restored disk, image or promoted disk that is not its point. Ends after so many kills or hours. Needs the program built; AZSEED_BIN names another one.
"""

import collections
import hashlib
import json
import os
import random
import ssl
import subprocess
import sys
import time
import urllib.request

from program import azseed, lines, play

PAGE, BYTES = 512, 12 << 20
MANNERS = {
    "image": [["--vhd", "none"]],
    "page-blob": [[], ["--transfer", "server"], ["--engine", "incremental-copy"], ["--engine", "full-copy"]],
    "managed-disk": [[], ["--transfer", "server"], ["--engine", "full-copy"]],
}
# Kills that hit a running program, by the disk, its manner and the command.
HITS = collections.Counter()
DEEDS = {"blob": "restore to a blob", "image": "restore to an image"}
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"


class Azure:
    """The emulator in a folder, and what is said to its blobs."""

    def __init__(self, folder):
        self.folder = folder
        words = ["emulator", "--data", str(folder / "azure"), "--account", "account1", "--subscription", SUBSCRIPTION]
        self.process = subprocess.Popen(azseed(folder, *words), stdout=subprocess.PIPE, text=True)
        facts = json.loads(self.process.stdout.readline())
        self.facts, self.trust = facts, ssl.create_default_context(cafile=facts["ca_file"])
        self.environment = os.environ | {
            "AZSEED_CA_FILE": facts["ca_file"], "AZSEED_TOKEN": facts["token"],
            "AZSEED_ARM_ENDPOINT": facts["arm"], "AZSEED_AUTHORITY": facts["authority"],
            "AZSEED_BLOB_ENDPOINT": facts["blob"],
        }

    def call(self, method, path, body=None, **headers):
        names = {name.replace("_", "-"): str(value) for name, value in headers.items()}
        names |= {"x-ms-version": "2025-11-05", "Authorization": f"Bearer {self.facts['token']}"}
        if body is not None or method == "PUT":
            names["Content-Length"] = str(len(body or b""))
        asked = urllib.request.Request(f"{self.facts['blob']}/account1/{path}", body, names, method=method)
        with urllib.request.urlopen(asked, context=self.trust) as told:
            return told.read()

    def run(self, *words):
        return subprocess.run(azseed(self.folder, *words), env=self.environment, capture_output=True, text=True)

    def told(self, kind, *words):
        said = self.run(*words)
        if said.returncode != 0:
            raise RuntimeError(f"{' '.join(words)} ended with {said.returncode}: {said.stdout[-400:]}{said.stderr[-400:]}")
        return [line for line in lines(said) if line["type"] == kind]

    def end(self):
        self.process.kill()
        self.process.wait()


class Disk:
    """What somebody writes to, and what it should hold."""

    def __init__(self, azure, kind):
        self.azure, self.kind, self.model = azure, kind, bytearray(BYTES)
        self.path = azure.folder / "os.raw"
        azure.call("PUT", "disks?restype=container")
        if kind == "image":
            self.path.write_bytes(self.model)
            self.source = f"image:{self.path}"
        elif kind == "managed-disk":
            self.emulated("set", "os", "--size", f"{BYTES >> 20}Mi")
            self.source = f"managed-disk:/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/disks/os"
        else:
            azure.call("PUT", "disks/os.vhd", x_ms_blob_type="PageBlob", x_ms_blob_content_length=BYTES)
            self.source = "page-blob:account1/disks/os.vhd"

    def emulated(self, *words):
        said = self.azure.run("emulator", "disk", *words, "--data", str(self.azure.folder / "azure"))
        if said.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: {said.stderr[-400:]}")

    def write(self, dice):
        at = dice.randrange(BYTES // PAGE) * PAGE
        size = min(dice.choice([1, 1, 8, 300, 4000]) * PAGE, BYTES - at)
        content = bytes(size) if dice.random() < 0.2 else dice.randbytes(size)
        self.model[at:at + size] = content
        if self.kind == "image":
            with open(self.path, "r+b") as file:
                file.seek(at)
                file.write(content)
        elif self.kind == "managed-disk":
            written = self.azure.folder / "written"
            written.write_bytes(content)
            self.emulated("write", "os", "--file", str(written), "--offset", str(at))
        elif any(content):
            place = f"bytes={at}-{at + size - 1}"
            self.azure.call("PUT", "disks/os.vhd?comp=page", content, x_ms_page_write="update", x_ms_range=place)
        else:
            place = f"bytes={at}-{at + size - 1}"
            self.azure.call("PUT", "disks/os.vhd?comp=page", x_ms_page_write="clear", x_ms_range=place)

    def sum(self):
        return hashlib.sha256(self.model + self.end()).hexdigest()

    def end(self):
        """A managed disk ends with the footer of a VHD, which the service makes."""
        if self.kind != "managed-disk":
            return b""
        with open(next(self.azure.folder.glob("azure/blobs/manageddisks/*/disk.vhd")), "rb") as file:
            file.seek(BYTES)
            return file.read()


def look(azure, disk, known, models):
    """What is wrong with the points; None if nothing is."""
    for point in azure.told("disk-point", "disk-backup", "list", "os"):
        own = point["backup_snapshot"]
        if own not in known:
            known[own] = hashlib.sha256(azure.call("GET", f"disks/{point['copy']}?snapshot={own}")).hexdigest()
        if known[own] not in models:
            return f"the point {own} was never so"
    if disk.kind != "image":
        owned = [own for own in snapshots(azure, disk) if own["owner"]]
        if not 1 <= len(owned) <= 2:
            return f"{len(owned)} snapshots of the disk"
    return None


def snapshots(azure, disk):
    return azure.told("disk-snapshot", "disk-backup", "snapshot", "list", "--source", disk.source)


def use_point(azure, disk, known, dice):
    """Makes something of a point, killed once, then gone on with; whether the kill hit, and what is wrong."""
    points = azure.told("disk-point", "disk-backup", "list", "os")
    if not points:
        return 0, None
    point = dice.choice(points)
    at, number = point["source_snapshot"], dice.randrange(1 << 30)
    deed = dice.choice(["blob", "image", "promote"] if disk.kind == "page-blob" else ["blob", "image"])
    file = azure.folder / f"restored-{number}.img"
    restore = ["disk-backup", "restore", "os", "--at", at, "--to"]
    words = {
        "blob": [*restore, f"page-blob:account1/disks/restored-{number}.vhd", "--without-backup"],
        "image": [*restore, f"image:{file}"],
        "promote": ["disk-backup", "promote", "os", "--at", at, "--overwrite", "os"],
    }[deed]
    process = subprocess.Popen(azseed(azure.folder, *words), env=azure.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    hit = False
    try:
        process.wait(dice.uniform(0, 0.4))
    except subprocess.TimeoutExpired:
        process.kill()
        hit = process.wait() == -9
        HITS[disk.kind, disk.manner, DEEDS.get(deed, deed)] += hit
    azure.run("emulator", "clock", "+2m", "--data", str(azure.folder / "azure"))
    azure.told("disk-promoted" if deed == "promote" else "disk-restored", *words)
    if deed == "blob":
        made = azure.call("GET", f"disks/restored-{number}.vhd")
        azure.call("DELETE", f"disks/restored-{number}.vhd", x_ms_delete_snapshots="include")
    elif deed == "image":
        made = file.read_bytes()
        file.unlink()
    else:
        made = azure.call("GET", "disks/os.vhd")
        disk.model = bytearray(made)
    own = point["backup_snapshot"]
    if hashlib.sha256(made).hexdigest() != known.get(own):
        return hit, f"what `{' '.join(words[1:])}` made is not the point"
    return hit, None


def one_round(folder, dice):
    """Plays a round; returns how many kills hit a running program, and what went wrong."""
    azure = Azure(folder)
    try:
        return kills_of(azure, dice)
    except (RuntimeError, OSError) as fault:
        return 0, str(fault)
    finally:
        azure.end()


def kills_of(azure, dice):
    disk = Disk(azure, dice.choice(["image", "page-blob", "page-blob", "managed-disk"]))
    protect = ["disk-backup", "protect", "os", "--source", disk.source, "--to", "account1/disks/copy.vhd", "--keep-last", "3"]
    manner = dice.choice(MANNERS[disk.kind])
    protect += manner
    disk.manner = " ".join(manner) or "-"
    try:
        hit, fault = killed_so(azure, disk, protect, dice)
    except RuntimeError as error:
        hit, fault = 0, str(error)
    return hit, fault and f"{disk.kind} {' '.join(manner)}: {fault}"


def killed_so(azure, disk, protect, dice):
    now, prune = ["disk-backup", "run", "os", "--now"], ["disk-backup", "prune", "os", "--yes"]
    disk.write(dice)
    models, known, hit, whole, is_there = {disk.sum()}, {}, 0, 0.4, False
    for _ in range(dice.randint(8, 16)):
        for _ in range(dice.randint(0, 6)):
            disk.write(dice)
        models.add(disk.sum())
        words = protect if not is_there else dice.choice([now, now, now, prune])
        process = subprocess.Popen(azseed(azure.folder, *words), env=azure.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        began = time.monotonic()
        try:
            process.wait(dice.uniform(0, whole * 1.2))
            whole = max(0.1, time.monotonic() - began)
        except subprocess.TimeoutExpired:
            process.kill()
            was_hit = process.wait() == -9
            HITS[disk.kind, disk.manner, words[1]] += was_hit
            hit += was_hit
        if disk.kind == "image" and dice.random() < 0.1:
            (azure.folder / "state/disk-backups/os.run").unlink(missing_ok=True)
        # The lease of a run that was killed ends.
        azure.run("emulator", "clock", "+2m", "--data", str(azure.folder / "azure"))
        if not is_there and dice.random() < 0.6:
            azure.told("disk-backup", *protect)
            is_there = True
        if is_there and (fault := look(azure, disk, known, models)):
            return hit, fault
        if is_there and dice.random() < 0.3:
            more, fault = use_point(azure, disk, known, dice)
            models.add(disk.sum())
            hit += more
            if fault:
                return hit, fault
    azure.told("disk-backup", *protect)
    azure.told("disk-round", *now)
    last = azure.told("disk-round", *now, "--verify", "full")[0]
    azure.told("disk-pruned", *prune)
    if fault := look(azure, disk, known, models):
        return hit, fault
    if known[last["backup_snapshot"]] != disk.sum():
        return hit, "the newest point is not the disk"
    if disk.kind != "image" and len([own for own in snapshots(azure, disk) if own["owner"]]) != 1:
        return hit, "a snapshot of the disk is left"
    if disk.kind == "managed-disk" and json.loads((azure.folder / "azure/meta/disk-grants.json").read_text()):
        return hit, "an access stays open"
    return hit, None


def table():
    """The hits, a row for each kind of disk and manner."""
    deeds = ["protect", "run", "prune", *DEEDS.values(), "promote"]
    rows = sorted({(kind, manner) for kind, manner, _ in HITS})
    yield "| disk | manner | " + " | ".join(deeds) + " |"
    yield "|---|---|" + "---|" * len(deeds)
    for kind, manner in rows:
        yield f"| {kind} | {manner} | " + " | ".join(str(HITS[kind, manner, deed]) for deed in deeds) + " |"


if __name__ == "__main__":
    ended = play(__doc__, "kills", one_round, 200)
    # The last line of the output is the summary.
    print("\n".join(table()), file=sys.stderr)
    sys.exit(ended)
