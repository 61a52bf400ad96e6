#!/usr/bin/env python3
"""Kills `azseed prep` at random moments, again and again, and counts what was lost.

    tests/soak/kills.py [--rounds 200] [--seed 1] [--dir DIR]

Each round: a staging path with random files, three image drives, `prep` killed (SIGKILL) one to
four times at random moments, then the same command once more. Lost is a file of the data set that
is not on exactly one sealed drive, a drive that does not verify, or a command that does not go on.
Needs the program built; AZSEED_BIN names another one.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("AZSEED_BIN") or str(
    pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/azseed"
)
TARGET = [
    "--job", "soak", "--storage-account", "seedaccount", "--container", "seed",
    "--resource-group", "soak", "--subscription", "00000000-0000-0000-0000-000000000000",
]


def azseed(folder, *words):
    return [PROGRAM, "--state", str(folder / "state"), "--json", *words]


def lines(said):
    return [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")]


def make_source(folder, dice):
    """Files of up to 24 MB that need two or three of the drives, and always fit."""
    total = 0
    number = 0
    while total < 150_000_000:
        size = dice.choice([0, 17, 4096, 70_000, 1_000_000, 5_000_000, 24_000_000])
        path = folder / "source" / f"folder-{number % 4}" / f"file-{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dice.randbytes(size))
        total += size
        number += 1
    return number


def one_round(folder, dice):
    """Plays a round; returns how many kills hit a running program, and what went wrong."""
    files = make_source(folder, dice)
    staging = str(folder / "staging")
    adopt = azseed(folder, "stage", "adopt", "--source", str(folder / "source"), "--staging", staging)
    subprocess.run(adopt + TARGET, check=True, capture_output=True)
    drives = []
    for name in "ABC":
        drives += ["--drive", f"{folder}/{name}.img,serial={name},size=270M"]
    prep = azseed(folder, "prep", "--offline", "--staging", staging, *drives)
    began = time.monotonic()
    hit = 0
    for _ in range(dice.randint(1, 4)):
        process = subprocess.Popen(prep, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(dice.uniform(0.01, 0.9))
        if process.poll() is None:
            hit += 1
            process.kill()
        process.wait()
    said = subprocess.run(prep, capture_output=True, text=True)
    if said.returncode != 0:
        return hit, f"the last run ended with {said.returncode}: {said.stdout[-500:]}{said.stderr[-500:]}"
    sealed = [line for line in lines(said) if line["type"] == "drive-sealed"]
    if sum(line["files"] for line in sealed) != files:
        return hit, f"{files} files, but the drives hold {sum(l['files'] for l in sealed)}"
    images = [f"{folder}/{line['serial']}.img,serial={line['serial']}" for line in sealed]
    said = subprocess.run(
        azseed(folder, "verify", "--staging", staging, *images), capture_output=True, text=True
    )
    if said.returncode != 0:
        return hit, f"verify ended with {said.returncode}: {said.stdout[-800:]}"
    print(f"    {files} files, {len(sealed)} drives, {hit} kills, {time.monotonic() - began:.1f} s")
    return hit, None


def main():
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    given.add_argument("--rounds", type=int, default=200)
    given.add_argument("--seed", type=int, default=1)
    given.add_argument("--dir", type=pathlib.Path, help="where to work; a temporary folder if not said")
    given = given.parse_args()
    lost = kills = 0
    for number in range(given.rounds):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="azseed-soak-", dir=given.dir))
        print(f"round {number} (seed {given.seed}.{number})", flush=True)
        hit, fault = one_round(folder, random.Random(f"{given.seed}.{number}"))
        kills += hit
        if fault:
            lost += 1
            print(f"LOST: {fault}\n    kept in {folder}", flush=True)
        else:
            shutil.rmtree(folder)
    print(f"{given.rounds} rounds, seed {given.seed}, {kills} kills of a running program, {lost} lost")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
