"""What every part measures with: CPU seconds and memory of a command, rounds, trees, results."""

import datetime
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
AZSEED = TARGET / "release" / "azseed"
RESULTS = TARGET / "performance"
MIB = 1 << 20
GIB = 1 << 30


def spent(command, **more):
    """CPU seconds of a command with its children, and its largest memory in MiB."""
    environment = {**os.environ, **more}
    with open("said", "wb") as said:
        child = subprocess.Popen(command, stdout=said, stderr=said, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"{command}: {Path('said').read_text(errors='replace')}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compare(contenders, rounds):
    """Interleaved rounds of all contenders; the median of each figure of each."""
    found = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            found[name].append(run())
    return {name: tuple(statistics.median(values) for values in zip(*all)) for name, all in found.items()}


def warm():
    """All contenders read from the page cache: `prep` takes long files out of it again."""
    for path in Path("source").rglob("*"):
        if path.is_file():
            with open(path, "rb") as file:
                while file.read(16 * MIB):
                    pass


def clear(*names):
    """Away with what an earlier command left; then all begin alike."""
    for name in names:
        if Path(name).is_dir():
            shutil.rmtree(name)
        Path(name).unlink(missing_ok=True)
    os.sync()
    warm()


def place(path, number):
    folder = path / f"folder-{number // 500}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"file-{number}"


def fill(lengths, is_mixed=False):
    """Files of random bytes of these lengths below `source`, 500 a folder; every second one of
    hexadecimal digits, which can be packed to half, if they are mixed."""
    shutil.rmtree("source", ignore_errors=True)
    for number, length in enumerate(lengths):
        with open(place(Path("source"), number), "wb") as file:
            for at in range(0, length, 16 * MIB):
                piece = min(16 * MIB, length - at)
                file.write(os.urandom(piece // 2).hex().encode() if is_mixed and number % 2 else os.urandom(piece))


def few_kilobytes(count):
    """Lengths of 1 to 70 KB, the same in every run."""
    dice = random.Random(1)
    return [dice.randint(1_000, 70_000) for _ in range(count)]


def processor():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    field = lambda name: next(line.split(": ", 1)[1] for line in lines if line.startswith(name))
    here = [flag for flag in ("avx2", "avx512f", "sha_ni", "vaes") if f" {flag} " in f" {field('flags')} "]
    return f"{field('model name')}, {os.cpu_count()} cores ({', '.join(here)})"


def record(part, rounds, found):
    """Keeps what a part found, for the page."""
    RESULTS.mkdir(exist_ok=True)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    about = {"day": str(datetime.date.today()), "commit": commit.stdout.strip(), "machine": processor(),
             "rounds": rounds, "load": os.getloadavg()[1]}
    (RESULTS / f"{part}.json").write_text(json.dumps({**about, "found": found}, indent=1))
