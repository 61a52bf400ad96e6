"""Runs other people's programs; a failing one is an exception with all it said."""

import os
import subprocess
import time
from pathlib import Path

SEARCH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run(*words: object) -> str:
    """Output of a program that must succeed."""
    command = [str(word) for word in words]
    environment = {"PATH": SEARCH, "LC_ALL": "C.UTF-8", "HOME": os.environ.get("HOME", "/")}
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="surrogateescape", env=environment
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def unmount(folder: Path) -> None:
    """Unmounts, waiting for a reader that is just letting go."""
    for attempt in range(50):
        if not os.path.ismount(folder):
            return
        subprocess.run(["umount", folder], stderr=subprocess.DEVNULL, env={"PATH": SEARCH})
        time.sleep(0.02 * attempt)
    raise RuntimeError(f"{folder} stays mounted")
