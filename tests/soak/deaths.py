#!/usr/bin/env python3
"""Lets SATA drives of the lab's machine die while `azseed prep` fills them, and counts what was lost.

    tests/soak/deaths.py [--deaths 20] [--hours H] [--seed 1] [--at-once 1] [--dir DIR]

Each round: a folder of random files that need one or two drives, and twelve drives, rotational or not,
of which nine die when their turn comes: pulled at a place of the label or the fill that was drawn
before, with a bad sector, or with a range that the kernel cannot write, anywhere. The command is
repeated until nothing is left to do. Then the machine boots again with the drives that were not set
aside, those that were pulled after their seal too: the same command must end well, every drive verify,
and the guest's kernel find every file on exactly one of them, equal. Needs the program built
(AZSEED_BIN names another one), and QEMU, which is fetched.
"""

import sys

from machine import Boot, prepare
from program import play

MIB = 1 << 20
SIZE = 240 * MIB


class Doomed:
    """A drive and what becomes of it: `disk` and `options` of the lab, and a line of the guest's plan."""

    def __init__(self, number, fate, dice):
        self.serial, self.options = f"WD-{number}", []
        self.sound = f"name={self.serial},size=240M,rotation={dice.choice([1, 7200])},mbps=20"
        self.disk = f"{self.sound},serial={self.serial}"
        place = dice.choice([dice.randrange(2 * MIB), dice.randrange(SIZE), dice.randrange(SIZE)]) // 4096
        self.plan = f"{self.serial} {fate}"
        if fate == "pull":
            # Below 0 is before the fill. A drive that is slow does not outrun who pulls it.
            self.disk = self.disk.replace("mbps=20", "mbps=8")
            self.plan += f" {dice.uniform(-0.2, 0.8):.2f}"
            self.options = ["--unplug", f"{self.serial}@PULL-{self.serial}"]
        elif fate == "sector":
            # One that can be read is found by the fill; any other mostly by the look for what is on the drive.
            kind = dice.choice(["", ":write", ":write"])
            self.options = ["--io-error", f"{self.serial}@{place * 4096 + 512 * dice.randrange(8)}{kind}"]
        elif fate == "range":
            # The device that the guest makes of it has the serial number.
            self.disk = f"{self.sound},serial=RAW-{number}"
            self.plan += f" {place * 8} {8 * dice.randint(1, 256)}"


def one_round(folder, dice):
    """Plays a round; returns how many drives died, and what went wrong."""
    prepare(folder, dice.choice([60, 90, 160]) * 1_000_000, dice)
    fates = dice.choices(["pull", "sector", "range"], k=9) + ["none"] * 3
    drives = [Doomed(number, fate, dice) for number, fate in enumerate(fates, 1)]
    (folder / "plan").write_text("".join(f"{drive.plan}\n" for drive in drives))
    serials = [drive.serial for drive in drives]
    options = [word for drive in drives for word in drive.options]
    boot = Boot(folder, "deaths", [drive.disk for drive in drives], ["/guest/deaths.sh", *serials], *options)
    # A drive whose turn never came is not pulled, which the lab calls a failure.
    _, said = boot.end()
    dead = next((line.split()[1:] for line in boot.said if line.startswith("dead:")), None)
    if dead is None:
        return 0, f"the boot with deaths ended: {said}"
    left = [drive for drive in drives if drive.serial not in dead]
    disks = [f"{drive.sound},serial={drive.serial}" for drive in left]
    code, said = Boot(folder, "last", disks, ["/guest/power.sh", "finish", *(drive.serial for drive in left)]).end()
    return len(dead), None if code == 0 else f"the last boot ended with {code}: {said}"


if __name__ == "__main__":
    sys.exit(play(__doc__, "deaths", one_round, enough=20, each=1))
