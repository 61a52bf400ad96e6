#!/usr/bin/env python3
"""Cuts the connections of a vault's commands again and again and counts what was lost.

    tests/soak/cuts.py [--cuts 2000] [--rounds 0] [--hours H] [--seed 1] [--at-once 1] [--dir DIR]

Between the program and the service, in half of the rounds the emulator and in half Azurite, stands a
relay that ends each connection after a number of bytes that was drawn before, none too: closed, reset,
or never answered again. Each round takes a seed in that the datacenter has imported, with cuts, then
without; clears it; then changes the source and makes increments, each of which lets the one before it
go and prunes, again with cuts, then without; and restores, with cuts, then without. Lost is a run that
ends otherwise than with a code for "call again", a last run that does not end with 0, a repository in
which restic (at Azurite `vault check --read-data`) finds an error, or a restore that is not equal. Needs
the program built (AZSEED_BIN names another one), and restic.
"""

import json
import os
import pathlib
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading

from program import AZURITE, PROGRAM, azseed, play

CONTACT = """[return_address]
recipient_name = "Soak"
street_address_1 = "1 Example Street"
city = "Redmond"
state_or_province = "WA"
postal_code = "98052"
country_or_region = "USA"
phone = "4255550100"
email = "soak@example.com"

[return_carrier]
carrier_name = "FedEx"
carrier_account_number = "123456789"
"""
# How many of about a hundred connections are never answered again; each costs a minute.
SILENT_PERCENT = int(os.environ.get("SILENT_PERCENT", "4"))
# Codes after which a script calls again: failed, resumable, held by another run, not reached.
CALL_AGAIN = {0, 6, 11, 14}


class Relay:
    """Passes bytes on to a port of 127.0.0.1 until it does not; it has the same port of ::1, which the
    emulator knows as its own when blobs are copied."""

    def __init__(self, port, dice):
        self.port, self.dice, self.cuts = port, dice, 0
        self.listener = socket.create_server(("::1", port), family=socket.AF_INET6)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.connection, args=(client,), daemon=True).start()

    def connection(self, client):
        try:
            self.pass_and_cut(client)
        except OSError:
            pass  # One of the two was faster.

    def pass_and_cut(self, client):
        # As many places below 100 bytes as above 40 kB: a call is a few hundred, a run some 50 kB.
        left = int(2 ** self.dice.uniform(0, 22)) - 1
        way = self.dice.choices(["close", "reset", "silence"], [48, 48, SILENT_PERCENT])[0]
        with client, socket.create_connection(("127.0.0.1", self.port)) as server:
            if not self.is_passed(client, server, left):
                return
            self.cuts += 1
            if way == "silence":
                # Both ends stay open until the program gives up.
                while client.recv(65536):
                    pass
            elif way == "reset":
                for end in (client, server):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    @staticmethod
    def is_passed(client, server, left):
        """Passes so many bytes on, both ways together; False when an end was closed before."""
        while left:
            for end in select.select([client, server], [], [])[0]:
                piece = end.recv(min(left, 16384))
                if not piece:
                    return False
                (server if end is client else client).sendall(piece)
                left -= len(piece)
        return True


KEY = "YSBrZXkgb2YgdGhlIHNvYWssIGFuZCBubyBhY2NvdW50IGhhcyBpdA=="


class Azurite:
    """Microsoft's emulator of the blob service on a folder, for the account that ours has."""

    def __init__(self, data):
        words = ["node", AZURITE, "--blobHost", "127.0.0.1", "--blobPort", "0", "--location", str(data), "--silent",
                 "--disableTelemetry", "--skipApiVersionCheck"]
        environment = os.environ | {"AZURITE_ACCOUNTS": f"soak1:{KEY}"}
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment)
        said = next(line for line in self.process.stdout if "successfully listens on " in line)
        self.endpoint = said.split("successfully listens on ")[1].strip()


class Azure:
    """The emulator on a folder, with its own blobs or Azurite's; `environment` leads to it, through relays
    or not."""

    def __init__(self, data, azurite=None):
        words = [PROGRAM, "emulator", "--data", str(data), "--json", "--listen", "127.0.0.1:0", "--account", "soak1"]
        self.azurite = azurite
        if azurite:
            key = data.with_name("account.key")
            key.write_text(KEY)
            words += ["--blob-endpoint", azurite.endpoint, "--account-key-file", str(key)]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.facts = json.loads(self.process.stdout.readline())
        self.relays = []

    def relay(self, dice):
        """Puts relays before its ports."""
        self.relays = [Relay(port, dice) for port in {self.port("blob"), self.port("arm")}]

    def cuts(self):
        return sum(relay.cuts for relay in self.relays)

    def environment(self, is_relayed=False):
        def through(url):
            return url.replace("127.0.0.1", "[::1]", 1) if is_relayed else url

        facts = self.facts
        return os.environ | {
            "AZSEED_ARM_ENDPOINT": through(facts["arm"]), "AZSEED_AUTHORITY": facts["authority"],
            "AZSEED_BLOB_ENDPOINT": through(facts["blob"]), "AZSEED_CA_FILE": facts["ca_file"],
            "AZSEED_TOKEN": facts["token"],
        } | ({"AZSEED_ACCOUNT_KEY": KEY} if self.azurite else {})

    def port(self, name):
        return int(self.facts[name].split(":")[2].split("/")[0])

    def end(self):
        for process in [self.process, *([self.azurite.process] if self.azurite else [])]:
            process.terminate()
            process.wait()


def call(words, environment, expected=0):
    said = subprocess.run(words, env=environment, capture_output=True, text=True)
    if said.returncode != expected:
        raise AssertionError(f"{words[4:]} ended with {said.returncode}: {said.stdout[-700:]}{said.stderr[-300:]}")
    return said


def imported(folder, dice, is_azurite):
    """A seed whose drives the datacenter has read, and a vault that has not taken it in."""
    source = folder / "source"
    for number in range(dice.randint(3, 12)):
        path = source / f"in-{number % 3}" / f"file-{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dice.randbytes(dice.choice([0, 100, 70_000, 900_000, 5_000_000])))
    (source / "some").write_bytes(b"some")
    (folder / "contact.toml").write_text(CONTACT)
    azure = Azure(folder / "azure", Azurite(folder / "azurite") if is_azurite else None)
    env, facts = azure.environment(), azure.facts
    target = ["--storage-account", facts["account"], "--container", "seed", "--subscription", facts["subscription"],
              "--resource-group", "rg", "--location", "westeurope", "--contact", str(folder / "contact.toml")]
    staging = ["--staging", str(folder / "staging")]
    drive = f"image:{folder}/d.img,serial=S1"
    call(azseed(folder, "stage", "--source", str(source), *staging, "--job", "soak-1", *target, "--pack-size", "4Mi"), env)
    call(azseed(folder, "prep", *staging, "--drive", f"{drive},size=300M"), env)
    call(azseed(folder, "job", "ship", *staging, "--carrier", "FedEx", "--tracking-number", "T1"), env)
    call([PROGRAM, "emulator", "dock", drive, "--data", str(folder / "azure")], env)
    call(azseed(folder, "vault", "create", "--vault", "office", *staging), env)
    return azure


def with_cuts(folder, azure, words):
    """Runs with cuts until one ends well or ten did not; then once without. Returns the cuts."""
    before = azure.cuts()
    environment = azure.environment(is_relayed=True)
    for _ in range(10):
        said = subprocess.run(azseed(folder, *words), env=environment, capture_output=True, text=True)
        if said.returncode not in CALL_AGAIN:
            raise AssertionError(f"{words} was cut and ended with {said.returncode}: {said.stdout[-700:]}")
        if said.returncode == 0:
            break
    cuts = azure.cuts() - before
    call(azseed(folder, *words), azure.environment())
    return cuts


def check(folder, azure, *of):
    """No check finds an error, and a restore, with cuts, is equal; returns the cuts. `of` says of which
    machine, if there are several."""
    if azure.azurite:
        call(azseed(folder, "vault", "check", "--read-data"), azure.environment())
    else:
        password = next((folder / "state/passwords").iterdir())
        container = folder / "azure/blobs" / azure.facts["account"] / "azseed-office/repo"
        call(["restic", "--no-cache", "--no-lock", "-q", "-r", str(container), "--password-file", str(password),
              "check", "--read-data"], os.environ)
    target = folder / "restored"
    cuts = with_cuts(folder, azure, ["vault", "restore", "--target", str(target), *of])
    call(["diff", "-r", str(folder / "source"), str(target) + str((folder / "source").resolve())], os.environ)
    shutil.rmtree(target)
    return cuts


def one_round(folder, dice):
    """Plays a round; returns how many cuts there were, and what went wrong."""
    azure = imported(folder, dice, is_azurite=dice.random() < 0.5)
    azure.relay(dice)
    cuts = 0
    try:
        cuts += with_cuts(folder, azure, ["vault", "run"])
        cuts += with_cuts(folder, azure, ["cleanup", "--yes"])
        # Of one day the last is kept, so each run lets the one before it go.
        call(azseed(folder, "vault", "policy", "set", "--keep-daily", "30"), azure.environment())
        for _ in range(dice.randint(1, 4)):
            (folder / "source" / f"new-{dice.randrange(9)}").write_bytes(dice.randbytes(dice.choice([10, 400_000, 3_000_000])))
            cuts += with_cuts(folder, azure, ["vault", "run", "--now"])
        cuts += check(folder, azure)
    except AssertionError as fault:
        return cuts, str(fault)
    finally:
        azure.end()
    return cuts, None


if __name__ == "__main__":
    sys.exit(play(__doc__, "cuts", one_round))
