#!/usr/bin/env python3
"""Cuts the power of the lab's machine while `azseed prep` fills SATA drives, and counts what was lost.

    tests/soak/power.py [--cuts 60] [--hours H] [--seed 1] [--at-once 1] [--dir DIR]

Each round: a folder of random files, two drives, rotational or not, and a machine that loses its power
(SIGKILL) once the drives and the staging path together hold a number of bytes that was drawn before,
again and again. It goes on from the state it had when it was first booted, which is a boot without its
minute. The last boot is a whole one: the same command must end well, every drive verify, and the
guest's kernel find every file on exactly one drive, equal. Needs the program built (AZSEED_BIN
names another one), and QEMU, which is fetched.
"""

import sys
from signal import SIGTERM

from machine import Boot, prepare
from program import kill_at, play, written


def one_round(folder, dice):
    """Plays a round; returns how many cuts hit the running program, and what went wrong."""
    total = prepare(folder, dice.choice([3_000_000, 12_000_000, 40_000_000, 150_000_000]), dice)
    serials = ["WD-1", "WD-2"]
    disks = [f"serial={serial},size=240M,rotation={dice.choice([1, 7200])}" for serial in serials]
    hit = 0
    for number in range(dice.randint(8, 14)):
        # Where little is written much is decided: claims, plans, labels and seals.
        step = dice.choice([1, 3000, 40_000, 1_000_000, total // 2])
        boot = Boot(folder, f"cut-{number}", disks, ["/guest/power.sh", "fill", *serials], "--frozen", folder / "machine")
        # The lab kills the machine when it is asked to end.
        if boot.until("BEGIN") and kill_at(boot.process, folder, written(folder) + 1 + dice.randrange(step), SIGTERM):
            hit += 1
            continue
        code, said = boot.end()
        if code != 0:
            return hit, f"boot {number} ended with {code}: {said}"
        break
    code, said = Boot(folder, "last", disks, ["/guest/power.sh", "finish", *serials]).end()
    return hit, None if code == 0 else f"the last boot ended with {code}: {said}"


if __name__ == "__main__":
    sys.exit(play(__doc__, "cuts", one_round, enough=60, each=1))
