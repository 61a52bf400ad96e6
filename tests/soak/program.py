"""What the long runs share: how the program is called, with a state directory of its own and as JSON
Lines, and how rounds are played until there was enough of what they count."""

import argparse
import json
import os
import pathlib
import random
import shutil
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("AZSEED_BIN") or str(
    pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/azseed"
)


def azseed(folder, *words):
    """The words of a call whose state lies in `folder`."""
    return [PROGRAM, "--state", str(folder / "state"), "--json", *words]


def lines(said):
    """The JSON lines that a call printed."""
    return [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")]


def play(about, what, one_round):
    """Plays rounds until so many of `what` were hit or the hours are over; says what was lost and
    returns the exit code. A round gets a folder and its dice, and returns hits and a fault or None."""
    given = argparse.ArgumentParser(description=about, formatter_class=argparse.RawTextHelpFormatter)
    given.add_argument(f"--{what}", type=int, default=2000)
    given.add_argument("--hours", type=float, default=1000)
    given.add_argument("--seed", type=int, default=1)
    given.add_argument("--dir", type=pathlib.Path, help="where to work; a temporary folder if not said")
    given = given.parse_args()
    enough, end = getattr(given, what), time.monotonic() + given.hours * 3600
    lost = hits = rounds = 0
    while hits < enough and time.monotonic() < end:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="azseed-soak-", dir=given.dir))
        hit, fault = one_round(folder, random.Random(f"{given.seed}.{rounds}"))
        hits += hit
        if fault:
            lost += 1
            print(f"LOST in round {given.seed}.{rounds}: {fault}\n    kept in {folder}", flush=True)
        else:
            shutil.rmtree(folder)
        rounds += 1
        if rounds % 10 == 0:
            print(f"    {rounds} rounds, {hits} {what}, {lost} lost", flush=True)
    print(f"seed {given.seed}, {rounds} rounds, {hits} {what}, {lost} lost")
    return 1 if lost else 0
