"""What the long runs share: how the program is called, with a state directory of its own and as JSON
Lines, and how rounds are played until there was enough of what they count."""

import argparse
import itertools
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time
from concurrent import futures

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
AZURITE = TARGET / "azurite/node_modules/azurite/dist/src/blob/main.js"
PROGRAM = os.environ.get("AZSEED_BIN") or str(
    TARGET / "release/azseed"
)


def azseed(folder, *words):
    """The words of a call whose state lies in `folder`."""
    return [PROGRAM, "--state", str(folder / "state"), "--json", *words]


def lines(said):
    """The JSON lines that a call printed."""
    return [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")]


def make_files(folder, enough, dice):
    """Files of at least so many bytes together, and little more; returns how many and their bytes."""
    total = number = 0
    while total < enough:
        size = dice.choice([0, 17, 4096, 70_000, 1_000_000, 5_000_000, min(24_000_000, enough)])
        path = folder / f"folder-{number % 4}" / f"file-{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dice.randbytes(size))
        total += size
        number += 1
    return number, total


def written(folder):
    """Bytes that the run has put anywhere: blocks of images, journals, plans and claims."""
    total = 0
    for path in [*folder.glob("*.img"), *(folder / "staging").glob("**/*")]:
        try:
            found = path.stat()
            total += found.st_blocks * 512 + found.st_size % 4096
        except FileNotFoundError:
            pass
    return total


def kill_at(process, folder, enough, how=signal.SIGKILL):
    """Ends the process once so many bytes are written; whether it lived that long. A look every
    millisecond leaves the process its processor."""
    while written(folder) < enough:
        try:
            process.wait(0.001)
            return False
        except subprocess.TimeoutExpired:
            pass
    process.send_signal(how)
    # The lab says what it was ended by as a shell does.
    return process.wait() in (-how, 128 + how)


def play(about, what, one_round, enough=2000, each=10):
    """Plays rounds until so many of `what` were hit and so many rounds played, or the hours are over;
    says what was lost and returns the exit code. Every so many rounds a line is printed. A round gets a folder and its dice, and returns hits and a fault or None."""
    given = argparse.ArgumentParser(description=about, formatter_class=argparse.RawTextHelpFormatter)
    given.add_argument(f"--{what}", type=int, default=enough)
    given.add_argument("--rounds", type=int, default=0, help="so many at least")
    given.add_argument("--hours", type=float, default=1000)
    given.add_argument("--seed", type=int, default=1)
    given.add_argument("--dir", type=pathlib.Path, help="where to work; a temporary folder if not said")
    given.add_argument("--at-once", type=int, default=1, help="rounds that are played side by side")
    given = given.parse_args()
    enough, end = getattr(given, what), time.monotonic() + given.hours * 3600
    lost = hits = rounds = 0

    def play_round(number):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="azseed-soak-", dir=given.dir))
        return number, folder, *one_round(folder, random.Random(f"{given.seed}.{number}"))

    numbers = itertools.count()
    with futures.ThreadPoolExecutor(given.at_once) as pool:
        running = {pool.submit(play_round, next(numbers)) for _ in range(given.at_once)}
        while running:
            done, running = futures.wait(running, return_when=futures.FIRST_COMPLETED)
            for number, folder, hit, fault in (ended.result() for ended in done):
                hits += hit
                if fault:
                    lost += 1
                    print(f"LOST in round {given.seed}.{number}: {fault}\n    kept in {folder}", flush=True)
                else:
                    shutil.rmtree(folder)
                rounds += 1
                if rounds % each == 0:
                    print(f"    {rounds} rounds, {hits} {what}, {lost} lost", flush=True)
                is_enough = hits >= enough and rounds + len(running) >= given.rounds
                if not is_enough and time.monotonic() < end:
                    running.add(pool.submit(play_round, next(numbers)))
    print(f"seed {given.seed}, {rounds} rounds, {hits} {what}, {lost} lost")
    return 1 if lost else 0
