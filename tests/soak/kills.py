#!/usr/bin/env python3
"""Kills `azseed prep` again and again, at moments that are seen, and counts what was lost.

    tests/soak/kills.py [--kills 2000] [--hours H] [--seed 1] [--at-once 1] [--dir DIR]

Each round: a folder of random files, three image drives, `prep` killed (SIGKILL) several times, then
the same command once more. A kill comes when the folder of journals and the images together hold a
number of bytes that was drawn before, so it is a place in the work and no time. Lost is a file of the
data set that is not on exactly one sealed drive, a drive that does not verify, or a command that does
not go on. Ends after so many kills or hours. Needs the program built; AZSEED_BIN names another one.
"""

import subprocess
import sys

from program import azseed, kill_at, lines, make_files, play, written

TARGET = [
    "--job", "soak", "--storage-account", "seedaccount", "--container", "seed",
    "--resource-group", "soak", "--subscription", "00000000-0000-0000-0000-000000000000",
]


def one_round(folder, dice):
    """Plays a round; returns how many kills hit a running program, and what went wrong."""
    enough = dice.choice([3_000_000, 12_000_000, 12_000_000, 40_000_000, 150_000_000])
    # They need one to three of the drives, and always fit.
    files, total = make_files(folder / "source", enough, dice)
    staging = str(folder / "staging")
    adopt = azseed(folder, "stage", "adopt", "--source", str(folder / "source"), "--staging", staging)
    subprocess.run(adopt + TARGET, check=True, capture_output=True)
    drives = []
    for name in "ABC":
        drives += ["--drive", f"{folder}/{name}.img,serial={name},size=270M"]
    prep = azseed(folder, "prep", "--offline", "--staging", staging, *drives)
    hit = 0
    for _ in range(dice.randint(3, 9)):
        # Where little is written much is decided: claims, plans, labels and seals.
        step = dice.choice([1, 3000, 40_000, 1_000_000, total // 2])
        process = subprocess.Popen(prep, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        hit += kill_at(process, folder, written(folder) + 1 + dice.randrange(step))
        if process.returncode == 0:
            break
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
    return hit, None


if __name__ == "__main__":
    sys.exit(play(__doc__, "kills", one_round))
