#!/usr/bin/env python3
"""Stops a machine in the midst of `vault run` until another one has taken the vault, then lets it go on.

    tests/soak/stopped.py [--stops 200] [--rounds 0] [--hours H] [--seed 1] [--at-once 1] [--dir DIR]

Each round has an increment with retention and prune stopped by SIGSTOP after a time that was drawn. The other machine runs until the lease has ended, a minute, and its own run with
retention is done. Then the first goes on. Lost is a first machine that ends otherwise than well or with a
code for "call again", that changes the container though it ends with such a code, a next run of it that
does not end with 0, a repository in which restic finds an error, or a restore that is not equal. Needs
root for the other machine's name, the program built (AZSEED_BIN names another one), and restic.
"""

import os
import signal
import socket
import subprocess
import sys
import time

from cuts import CALL_AGAIN, call, check, imported
from program import PROGRAM, azseed, play


def other(folder, *words):
    """The words of a call on the other machine."""
    rename = ["unshare", "--uts", "sh", "-c", 'hostname other && exec "$@"', "sh"]
    return [*rename, PROGRAM, "--state", str(folder / "state-other"), "--json", *words]


def container(folder, azure):
    """All blobs of the vault with what changes when they do."""
    root = folder / "azure/blobs" / azure.facts["account"] / "azseed-office"
    found = {}
    for path in root.rglob("*"):
        # A lease that comes and goes changes no content.
        if path.is_file() and path.name != "lock":
            found[str(path)] = (path.stat().st_size, path.stat().st_mtime_ns)
    return found


def attach(folder, azure):
    """The other machine knows the vault, and has a source of its own."""
    source = folder / "source-other"
    source.mkdir()
    (source / "own").write_bytes(b"other")
    password = next((folder / "state/passwords").iterdir())
    call(other(folder, "vault", "attach", "--vault", "office", "--storage-account", azure.facts["account"],
               "--container", "azseed-office", "--password-file", str(password)), azure.environment())
    call(other(folder, "vault", "source", "add", str(source)), azure.environment())


def stopped(folder, azure, dice, within):
    """Runs until the stop, has the other machine run, goes on; whether it was stopped in time."""
    environment = azure.environment()
    words = azseed(folder, "vault", "run", "--now", "--limit", "4M")
    first = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    time.sleep(dice.uniform(0, within))
    if first.poll() is not None:
        first.communicate()
        return False
    first.send_signal(signal.SIGSTOP)
    end = time.monotonic() + 180
    while True:
        said = subprocess.run(other(folder, "vault", "run", "--now"), env=environment, capture_output=True, text=True)
        if said.returncode == 0:
            break
        if said.returncode not in CALL_AGAIN or time.monotonic() > end:
            first.kill()
            raise AssertionError(f"the other machine ended with {said.returncode}: {said.stdout[-700:]}")
        time.sleep(5)
    before = container(folder, azure)
    first.send_signal(signal.SIGCONT)
    text, _ = first.communicate()
    if first.returncode not in CALL_AGAIN:
        raise AssertionError(f"it went on and ended with {first.returncode}: {text[-700:]}")
    if first.returncode != 0 and container(folder, azure) != before:
        raise AssertionError(f"it changed the vault and ended with {first.returncode}: {text[-700:]}")
    return True


def one_round(folder, dice):
    """Plays a round; returns how many stops there were, and what went wrong."""
    azure = imported(folder, dice, is_azurite=False)
    stops = 0
    try:
        call(azseed(folder, "vault", "run"), azure.environment())
        attach(folder, azure)
        # Of one day the last is kept, so each run lets the one before it go, and prunes.
        call(azseed(folder, "vault", "policy", "set", "--keep-daily", "30"), azure.environment())
        call(other(folder, "vault", "policy", "set", "--keep-daily", "30"), azure.environment())
        call(other(folder, "vault", "run", "--now"), azure.environment())
        (folder / "source/new").write_bytes(dice.randbytes(dice.choice([10, 5_000_000, 12_000_000])))
        stops += stopped(folder, azure, dice, 4)
        call(azseed(folder, "vault", "run", "--now"), azure.environment())
        check(folder, azure, "--host", socket.gethostname())
    except AssertionError as fault:
        return stops, str(fault)
    finally:
        azure.end()
    return stops, None


if __name__ == "__main__":
    sys.exit(play(__doc__, "stops", one_round, enough=200))
