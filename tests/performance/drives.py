"""`prep` and `verify` of image files against what one would script: trees, rungs, peers; the throughput
of several drives that write no faster than they may; a tree that no memory holds."""

import json
import os
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from .measure import AZSEED, GIB, MIB, clear, compare, few_kilobytes, fill, record, spent

CONTACT = """[return_address]
recipient_name = "Bench"
street_address_1 = "1 Example Street"
city = "Redmond"
postal_code = "98052"
country_or_region = "USA"
phone = "4255550100"
email = "bench@example.com"

[return_carrier]
carrier_name = "FedEx"
carrier_account_number = "123456789"
"""
ACCOUNT = ["--resource-group", "bench", "--subscription", "11111111-2222-4333-8444-555555555555"]
SUMS = "find {0} -type f -print0 | xargs -0 md5sum; find {0} -type f -print0 | xargs -0 sha256sum"
SCRIPT = f"cp -a source copy; {SUMS.format('copy')}"
# The daemon stays a child of the shell, so that its time is counted too.
NTFS = ("set -e; trap 'umount -l mounted 2>/dev/null || true' EXIT; mkdir mounted; mkntfs -Q -F -q drive.ntfs; ntfs-3g -o big_writes,no_detach drive.ntfs mounted & "
        "until mountpoint -q mounted; do sleep 0.05; done; cp -a source mounted/copy; "
        f"({SUMS.format('mounted/copy')}); umount mounted; wait")
# Name, what it holds, lengths, goal of `prep` on one image and on four against the script.
TREES = {
    "large": ("16 files of 128 MiB", lambda: [128 * MIB] * 16, 0.25, 0.27),
    "one": ("one file of 1 GiB", lambda: [GIB], 0.52, None),
    "small": ("20 000 files of 1 to 70 KB", lambda: few_kilobytes(20_000), 0.28, None),
    "skewed": ("one file of 8 GB and 50 000 of 1 to 70 KB", lambda: [8_000_000_000, *few_kilobytes(50_000)], None, None),
}


def remains():
    return ["staging", "state", "copy", "mounted", "drive.ntfs", *(f"drive-{number}.img" for number in range(8))]


def adopt():
    Path("contact.toml").write_text(CONTACT)
    spent([AZSEED, "--state", "state", "stage", "adopt", "--source", "source", "--staging", "staging", "--job", "bench",
           "--storage-account", "bench1", "--container", "bench", *ACCOUNT, "--contact", "contact.toml"])


def ours(total, drives=1, rung="auto", verify=False):
    """`prep` of `total` bytes, or `verify` behind it."""
    clear(*remains())
    adopt()
    size = total // drives // MIB * 5 // 4 + 300
    names = [f"image:drive-{number}.img,serial=BENCH-{number},size={size}M" for number in range(drives)]
    named = [word for name in names for word in ("--drive", name)]
    found = spent([AZSEED, "--state", "state", "prep", "--staging", "staging", *named, "--offline"], AZSEED_KERNELS=rung)
    if not verify:
        return found
    os.sync()
    return spent([AZSEED, "--state", "state", "verify", "./drive-0.img,serial=BENCH-0", "--staging", "staging"])


def theirs(command):
    clear(*remains())
    return spent(["bash", "-c", command])


def ntfs(total):
    clear(*remains())
    with open("drive.ntfs", "wb") as file:
        file.truncate(total * 5 // 4 + 300 * MIB)
    return spent(["bash", "-c", NTFS])


def contenders(total, has_many):
    of = {
        "`cp -a; md5sum; sha256sum`": lambda: theirs(SCRIPT),
        "`prep`, one image": lambda: ours(total),
        "`prep`, one image, `AZSEED_KERNELS=avx2`": lambda: ours(total, rung="avx2"),
        "`prep`, one image, `AZSEED_KERNELS=portable`": lambda: ours(total, rung="portable"),
        "`prep`, four images": lambda: ours(total, drives=4),
        "`verify`": lambda: ours(total, verify=True),
        "`rsync -a --checksum`": lambda: theirs("rsync -a --checksum source copy"),
        "`rclone copy --checksum`": lambda: theirs("rclone copy --checksum source copy"),
        "`cp -a; hashdeep`": lambda: theirs("cp -a source copy; hashdeep -c md5,sha256 -r copy"),
        "`mkntfs; ntfs-3g; cp -a; md5sum; sha256sum`": lambda: ntfs(total),
    }
    return of if has_many else {name: run for name, run in of.items() if "four" not in name}


def gate(rounds):
    """`prep` beside what one would script, in one line."""
    what, lengths, goal, _ = TREES["large"]
    fill(lengths())
    total = sum(lengths())
    found = compare({"prep": lambda: ours(total), "script": lambda: theirs(SCRIPT)}, rounds)
    (own, _), (script, _) = found["prep"], found["script"]
    print(f"CPU of prep on {what}:           {own:6.2f} s")
    print(f"CPU of cp -a + md5sum + sha256sum:       {script:6.2f} s")
    print(f"ratio {own / script:.2f}, goal at most {goal:.2f}")


def filled(rounds):
    """All trees, rungs and peers."""
    for key, (_, lengths, _, _) in TREES.items():
        lengths = lengths()
        fill(lengths)
        # The skewed tree is for the scheduler of the lanes, not for the peers, and takes its time.
        own = contenders(sum(lengths), len(lengths) > 1)
        turns = rounds
        if key == "skewed":
            own, turns = {name: own[name] for name in list(own)[:2]}, 1
        record(key, turns, compare(own, turns))


@contextmanager
def slow_disk(number, bytes_per_second, capacity):
    """A file system on a loop device of its own that takes no more than so much; its folder. Needs
    root and the block controller of cgroup v1, whose root can be told so."""
    file, folder = Path(f"disk-{number}.raw"), Path(f"disk-{number}")
    with open(file, "wb") as raw:
        raw.truncate(capacity)
    device = subprocess.run(["losetup", "--find", "--show", file], check=True, capture_output=True, text=True).stdout.strip()
    folder.mkdir(exist_ok=True)
    rule = Path("/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device")
    name = subprocess.run(["lsblk", "-no", "MAJ:MIN", device], check=True, capture_output=True, text=True).stdout.strip()
    try:
        subprocess.run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=0", device], check=True)
        subprocess.run(["mount", device, folder], check=True)
        rule.write_text(f"{name} {bytes_per_second}")
        yield folder
    finally:
        rule.write_text(f"{name} 0")
        subprocess.run(["umount", folder], check=False)
        subprocess.run(["losetup", "--detach", device], check=True)
        file.unlink()


def copied(folders, each):
    """Seconds in which `dd`, past the page cache, writes so many bytes into each of these at once."""
    def one(folder):
        subprocess.run(["dd", "if=/dev/zero", f"of={folder}/plain", "bs=4M", f"count={each // (4 * MIB)}", "oflag=direct"],
                       check=True, stderr=subprocess.DEVNULL)
    threads = [threading.Thread(target=one, args=[folder]) for folder in folders]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - began
    for folder in folders:
        (folder / "plain").unlink()
    return seconds


def filled_at(events):
    """Bytes of each drive's fill, and the seconds it took."""
    of = {}
    for event in events:
        if event.get("step") == "fill" and event["type"].startswith("step"):
            at = datetime.fromisoformat(event["at"][:26] + "+00:00").timestamp()
            of.setdefault(event["serial"], []).append((at, event.get("total_bytes")))
    return [(began[1], ended[0] - began[0]) for began, ended in of.values()]


def several(_rounds):
    """1, 2, 4 and 8 drives of 50 MB/s, 1 GiB for each: bytes a second of all fills, each while it
    lasts, against what one `dd` a drive writes at once."""
    rate, each, rows = 50_000_000, GIB, []
    for drives in (1, 2, 4, 8):
        fill([16 * MIB] * (each // (16 * MIB) * drives))
        with ExitStack() as stack:
            folders = [stack.enter_context(slow_disk(number, rate, each * 3)) for number in range(drives)]
            plain = each * drives / copied(folders, each)
            clear("staging", "state")
            adopt()
            words = [AZSEED, "--json", "--state", "state", "prep", "--staging", "staging", "--offline"]
            for number, folder in enumerate(folders):
                # Room for little more than its share.
                words += ["--drive", f"image:{folder}/drive.img,serial=BENCH-{number},size={each // MIB + 210}M"]
            cpu, _ = spent(words)
        events = [json.loads(line) for line in Path("said").read_text().splitlines() if line.startswith("{")]
        fills = filled_at(events)
        rows.append({"drives": drives, "dd": plain / 1e6, "fill": sum(own / secs for own, secs in fills) / 1e6,
                     "cpu_per_gib": cpu / (sum(own for own, _ in fills) / GIB)})
        print(rows[-1], flush=True)
    record("several", 1, rows)


@contextmanager
def little_memory(most):
    """Words before a command that give it and its page cache no more than this. Needs root and the
    memory controller of cgroup v1."""
    group = Path(f"/sys/fs/cgroup/memory/azseed-bench-{os.getpid()}")
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text(str(most))
        yield ["sh", "-c", f'echo $$ >{group}/cgroup.procs && exec "$@"', "sh"]
    finally:
        group.rmdir()


def larger(_rounds):
    """4 GiB with 1 GiB of memory, onto one drive of 100 MB/s: seconds of `cp` with `sync`, and of `prep`."""
    total, rate = 4 * GIB, 100_000_000
    fill([64 * MIB] * (total // (64 * MIB)))
    clear("staging", "state")
    adopt()
    found = {}
    with slow_disk(0, rate, total * 2) as folder, little_memory(GIB) as held:
        image = f"image:{folder}/drive.img,serial=BENCH-0,size={total // MIB + 400}M"
        for name, command in (
            ("`cp -a; sync`", ["sh", "-c", f"cp -a source {folder}/copy && sync -f {folder}/copy"]),
            ("`prep`", [AZSEED, "--state", "state", "prep", "--staging", "staging", "--offline", "--drive", image]),
        ):
            Path("/proc/sys/vm/drop_caches").write_text("3")
            began = time.monotonic()
            cpu, memory = spent([*held, *command])
            found[name] = (time.monotonic() - began, cpu, memory)
            clear(f"{folder}/copy")
    print(found, flush=True)
    record("larger", 1, found)
