#!/usr/bin/env python3
"""The units of the program under a running systemd, which boots in a container of its own.

    tests/soak/units.py [--seed 1]      needs root, and systemd-nspawn (Debian: systemd-container)

The container sees this machine's files through an overlay, so that nothing that is written in it stays,
and has no network but its own loopback, on which the emulator listens. In it a vault is run by the units
of `vault schedule --install` and by those of the package, and a disk by those of `disk-backup schedule
--install`. Prints a line for each step that came off, and the last line tells how many.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import cuts
from program import PROGRAM, ROOT, azseed

WITHIN = "AZSEED_UNITS_WITHIN"
SYSTEM = pathlib.Path("/etc/systemd/system")
STATE = pathlib.Path("/var/lib/azseed")
SERVICE = f"""[Unit]
Description=Proof of the units
After=multi-user.target
[Service]
Type=oneshot
Environment={WITHIN}=1 AZSEED_BIN={PROGRAM} HOME=/root PATH={os.environ["PATH"]}
ExecStart={sys.executable} {pathlib.Path(__file__).resolve()} --seed %s
StandardOutput=file:/proof.log
StandardError=file:/proof.log
ExecStopPost=/usr/bin/systemctl --no-block poweroff
"""


def container(seed):
    """Boots systemd in a container that runs this program; what it printed."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="azseed-units-"))
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    upper, work, root = (folder / name for name in ("upper", "work", "root"))
    for each in (upper, work, root):
        each.mkdir()
    layers = f"lowerdir=/,upperdir={upper},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, root], check=True)
    (root / SYSTEM.relative_to("/") / "proof.service").write_text(SERVICE % seed)
    boot = ["systemd-nspawn", "--quiet", "-D", root, "--register=no", "--keep-unit", "--private-network", "--boot",
            "--console=pipe", "systemd.unit=multi-user.target", "systemd.wants=proof.service"]
    try:
        booted = subprocess.run(boot, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
        log = upper / "proof.log"
        return log.read_text() if log.exists() else booted.stdout + booted.stderr
    finally:
        # Nothing is deleted before nothing is mounted there.
        for mounted in (root, folder):
            subprocess.run(["umount", mounted], check=True)
        folder.rmdir()


class Proof:
    """Steps that came off."""

    def __init__(self):
        self.count = 0

    def step(self, what, is_true, found=""):
        if not is_true:
            raise AssertionError(f"{what}: {found}")
        self.count += 1
        print(f"ok: {what}", flush=True)


def systemctl(*words, expected=0):
    said = subprocess.run(["systemctl", *words], capture_output=True, text=True)
    if expected is not None and said.returncode != expected:
        unit = words[-1]
        why = subprocess.run(["journalctl", "--no-pager", "-n", "20", "-u", unit], capture_output=True, text=True)
        raise AssertionError(f"systemctl {words} ended with {said.returncode}: {said.stderr}{why.stdout}")
    return said.stdout.strip()


def value(unit, name):
    return systemctl("show", "--value", "-p", name, unit)


def told(folder, environment, *words):
    """The records that a call prints."""
    said = cuts.call(azseed(folder, *words), environment)
    return [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")]


def flags(azure, folder):
    """What a unit is given in place of the variables of this environment."""
    token = folder / "token"
    token.touch(0o600)
    token.write_text(azure.facts["token"])
    names = {"--arm-endpoint": "arm", "--authority": "authority", "--blob-endpoint": "blob", "--ca-file": "ca_file"}
    words = [word for flag, name in names.items() for word in (flag, azure.facts[name])]
    return [*words, "--token-file", str(token)]


def snapshots(folder, environment):
    return len([own for own in told(folder, environment, "vault", "snapshots") if own["type"] == "snapshot"])


def of_the_vault(proof, folder, azure):
    """`vault schedule --install`: started by hand, by the timer for a time that was missed, failed, removed."""
    env, timer, service = azure.environment(), "azseed-vault-office.timer", "azseed-vault-office.service"
    cuts.call(azseed(folder, "vault", "schedule", "daily 23:30", "--install", *flags(azure, folder)), env)
    proof.step("the timer is enabled", systemctl("is-enabled", timer) == "enabled")
    proof.step("the timer waits", value(timer, "SubState") == "waiting", value(timer, "SubState"))
    proof.step("the timer knows its next time", "23:30:00" in value(timer, "NextElapseUSecRealtime"))
    systemctl("start", service)
    proof.step("a run takes the seed in", value(service, "Result") == "success")
    before = snapshots(folder, env)
    proof.step("snapshots are there", before > 0)

    (folder / "source/new").write_bytes(b"new")
    former = value(service, "InvocationID")
    systemctl("stop", timer)
    stamp = pathlib.Path("/var/lib/systemd/timers") / f"stamp-{timer}"
    os.utime(stamp, (time.time() - 3 * 86400,) * 2)
    systemctl("start", timer)
    wait(lambda: value(service, "InvocationID") not in ("", former) and value(service, "ActiveState") == "inactive")
    proof.step("a time that was missed is caught up", value(service, "Result") == "success")

    cuts.call(azseed(folder, "vault", "run", "--now"), env)
    proof.step("increments go on", snapshots(folder, env) > before)
    cuts.check(folder, azure)
    proof.step("what the units backed up is restored, and equal", True)


def failure(proof, folder, azure):
    """Azure is away: the unit says so, and is tried again later."""
    service = "azseed-vault-office.service"
    patience = SYSTEM / f"{service}.d/patience.conf"
    patience.parent.mkdir()
    patience.write_text("[Service]\nWatchdogSec=4\nTimeoutStopSec=2\n")
    for unit in SYSTEM.glob("azseed-*@.*"):
        unit.unlink()
    # It does not answer, so that the run lasts.
    azure.process.send_signal(signal.SIGSTOP)
    words = ["vault", "schedule", "*-*-* *:*:0/5", "--install", *flags(azure, folder)]
    cuts.call(azseed(folder, *words), azure.environment())
    stuck(proof)
    azure.process.send_signal(signal.SIGCONT)
    azure.end()
    shutil.rmtree(patience.parent)
    systemctl("daemon-reload")
    said = subprocess.run(["systemctl", "start", service], capture_output=True, text=True)
    result = value(service, "Result")
    proof.step("a run that cannot reach Azure fails", said.returncode != 0 and result == "exit-code", result)
    proof.step("and is tried again", value(service, "SubState") == "auto-restart", value(service, "SubState"))
    last = told(folder, azure.environment(), "vault", "list")[0]["last_run"]
    proof.step("the list tells of it", (last["exit_code"], last["code"]) == (14, "azure-unreachable"), last)
    cuts.call(azseed(folder, "vault", "schedule", "remove", "--yes"), azure.environment())
    left = [own.name for own in SYSTEM.glob("azseed-vault-*")]
    proof.step("its units are removed", not left, left)
    proof.step("and systemd has none", "azseed-vault-office" not in systemctl("list-units", "--all", "azseed*"))


def stuck(proof):
    """A run that waits for Azure goes on; one that is stopped is ended by the watchdog."""
    service = "azseed-vault-office.service"
    # Each call is due, and the timer calls at once.
    wait(lambda: value(service, "SubState") == "start" and value(service, "StatusText"))
    print(f"    {value(service, 'StatusText')}")
    proof.step("systemd is told what the run does", True)
    time.sleep(6)
    proof.step("a run that goes on is left alone", value(service, "SubState") == "start", value(service, "SubState"))
    subprocess.run(["kill", "-STOP", value(service, "MainPID")], check=True)
    wait(lambda: value(service, "Result") == "watchdog")
    proof.step("a run that is stuck is ended", True)
    systemctl("stop", "azseed-vault-office.timer", service)


def of_the_package(proof, folder, azure):
    """The package's own units, with what a run needs in its environment file."""
    shutil.copy(PROGRAM, "/usr/bin/azseed")
    for unit in (ROOT / "packaging/systemd").iterdir():
        shutil.copy(unit, SYSTEM)
    shutil.copytree(folder / "state", STATE)
    own = {name: text for name, text in azure.environment().items() if name.startswith("AZSEED_") and name != WITHIN}
    place = pathlib.Path("/etc/azseed/office.env")
    place.parent.mkdir(exist_ok=True)
    place.touch(0o600)
    place.write_text("".join(f"{name}={text}\n" for name, text in own.items() if name != "AZSEED_BIN"))
    systemctl("daemon-reload")
    systemctl("start", "azseed-vault@office.service")
    proof.step("the package's unit runs a vault", value("azseed-vault@office.service", "Result") == "success")
    systemctl("start", "azseed-status@office.service")
    proof.step("the package's unit looks after all", value("azseed-status@office.service", "Result") == "success")
    of_the_package_by_drop_ins(proof, folder, azure)
    for timer in ("azseed-vault@office.timer", "azseed-status@office.timer"):
        systemctl("enable", "--now", timer)
        proof.step(f"{timer} waits", value(timer, "SubState") in ("waiting", "running"), value(timer, "SubState"))
        systemctl("disable", "--now", timer)


def of_the_package_by_drop_ins(proof, folder, azure):
    """`vault schedule --install` beside the package's units: theirs, with what differs; its own units go."""
    env, timer, service = azure.environment(), "azseed-vault@office.timer", "azseed-vault@office.service"
    cuts.call(azseed(folder, "vault", "schedule", "daily 22:15", "--install", *flags(azure, folder)), env)
    left = [own.name for own in SYSTEM.glob("azseed-vault-*")]
    proof.step("units of its own give way to the package's", not left, left)
    next_time = value(timer, "NextElapseUSecRealtime")
    proof.step("the package's timer waits for the vault's time", "22:15:00" in next_time, next_time)
    proof.step("and for no other", "hourly" not in value(timer, "TimersCalendar"), value(timer, "TimersCalendar"))
    systemctl("start", service)
    proof.step("the package's service runs it from its own place", str(folder) in value(service, "ExecStart"))
    proof.step("and it ends well", value(service, "Result") == "success")
    cuts.call(azseed(folder, "vault", "schedule", "remove", "--yes"), env)
    left = [str(own) for own in SYSTEM.glob("azseed-vault@office*")]
    proof.step("what differs is taken away, the package's units stay",
               not left and (SYSTEM / "azseed-vault@.timer").exists(), left)
    proof.step("and nothing starts it", systemctl("is-enabled", timer, expected=None) != "enabled")


def of_the_disks(proof, folder, azure):
    """`disk-backup schedule --install`: a disk is backed up and pruned."""
    env, service = azure.environment(), "azseed-disks.service"
    image = folder / "disk.img"
    image.write_bytes(os.urandom(1 << 20) + bytes(3 << 20))
    place = f"{azure.facts['account']}/disks"
    cuts.call(azseed(folder, "disk-backup", "protect", "data", "--source", f"image:{image}", "--to", place), env)
    cuts.call(azseed(folder, "disk-backup", "schedule", "--install", *flags(azure, folder)), env)
    proof.step("the timer of disks is enabled", systemctl("is-enabled", "azseed-disks.timer") == "enabled")
    systemctl("start", service)
    proof.step("disks are run", value(service, "Result") == "success")
    cuts.call(azseed(folder, "disk-backup", "schedule", "remove", "--yes"), env)
    proof.step("units of disks are removed", not list(SYSTEM.glob("azseed-disks*")))


def wait(is_so):
    for _ in range(120):
        if is_so():
            return
        time.sleep(0.5)
    raise AssertionError("it did not come within a minute")


def within(seed):
    proof, folder = Proof(), pathlib.Path("/srv/proof")
    folder.mkdir(parents=True)
    azure = cuts.imported(folder, random.Random(seed), is_azurite=False)
    try:
        of_the_vault(proof, folder, azure)
        of_the_package(proof, folder, azure)
        of_the_disks(proof, folder, azure)
        failure(proof, folder, azure)
    except AssertionError:
        log = subprocess.run(["journalctl", "--no-pager", "-n", "40"], capture_output=True, text=True)
        print(log.stdout, flush=True)
        raise
    print(f"{proof.count} steps, 0 lost", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seed", type=int, default=1)
    seed = options.parse_args().seed
    if os.environ.get(WITHIN):
        return within(seed)
    if not os.environ.get(WITHIN + "_NAMESPACE"):
        # Its mounts go away with it.
        words = ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv]
        os.execvpe("unshare", words, os.environ | {WITHIN + "_NAMESPACE": "1"})
    said = container(seed)
    print(said, end="")
    return 0 if said.rstrip().endswith("0 lost") else 1


if __name__ == "__main__":
    sys.exit(main())
