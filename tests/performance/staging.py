"""`stage` and `vault restore` against restic, whose repositories both are."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from .drives import CONTACT, TREES
from .measure import AZSEED, MIB, clear, compare, fill, record, spent

RESTIC = ["restic", "-q", "--no-cache", "--password-file", "password", "-r"]
TARGET_WORDS = ["--storage-account", "account1", "--resource-group", "rg",
                "--subscription", "11111111-2222-4333-8444-555555555555"]


def staged_by_us():
    clear("state", "staging")
    return spent([AZSEED, "--state", "state", "stage", "--source", "source", "--staging", "staging", "--job", "bench",
                  "--container", "seed", *TARGET_WORDS, "--contact", "contact.toml", "--password-file", "password"])


def staged_by_restic():
    clear("theirs")
    # A repository is made with the first backup of ours too.
    made = spent([*RESTIC, "theirs", "init", "--repository-version", "2"])
    saved = spent([*RESTIC, "theirs", "backup", "--pack-size", "64", "source"])
    return made[0] + saved[0], max(made[1], saved[1])


class Cloud:
    """The emulator with what was staged, taken in by a vault."""

    def __enter__(self):
        shutil.rmtree("azure", ignore_errors=True)
        words = [AZSEED, "emulator", "--json", "--data", "azure", "--account", "account1", *TARGET_WORDS[4:]]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        facts = json.loads(self.process.stdout.readline())
        self.places = {"AZSEED_CA_FILE": facts["ca_file"], "AZSEED_TOKEN": facts["token"], "AZSEED_ARM_ENDPOINT": facts["arm"],
                       "AZSEED_AUTHORITY": facts["authority"], "AZSEED_BLOB_ENDPOINT": facts["blob"]}
        spent([AZSEED, "--state", "state", "vault", "create", "--vault", "bench", "--staging", "staging"], **self.places)
        # As if the parcel had arrived.
        shutil.copytree("staging/repo", "azure/blobs/account1/azseed-bench/repo", dirs_exist_ok=True)
        record = Path("state/vaults/bench.json")
        record.write_text(json.dumps({**json.loads(record.read_text()), "ingested_at": "2026-01-01T00:00:00Z"}))
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def restored(self):
        return spent([AZSEED, "--state", "state", "vault", "restore", "--target", fresh()], **self.places)


def fresh():
    """A folder to restore into. None is deleted between the rounds: ext4 gives the inode of a deleted
    file to nobody for a minute, and looks long for another one, which the next in turn would pay for."""
    clear()
    return tempfile.mkdtemp(prefix="back-", dir=".")


def restored_by_restic():
    return spent([*RESTIC, "staging/repo", "restore", "latest", "--target", fresh()])


def folder_mib(path):
    return sum(own.stat().st_size for own in Path(path).rglob("*") if own.is_file()) / MIB


def staged(rounds):
    """Both trees, staged and restored."""
    Path("password").write_text("correct horse battery staple")
    Path("password").chmod(0o600)
    Path("contact.toml").write_text(CONTACT)
    all_found = {}
    for key in ["large", "small"]:
        what, lengths, *_ = TREES[key]
        fill(lengths(), is_mixed=True)
        found = compare({"`stage`": staged_by_us, "`restic backup`": staged_by_restic}, rounds)
        sizes = {"`stage`": folder_mib("staging/repo"), "`restic backup`": folder_mib("theirs")}
        clear("theirs")
        with Cloud() as cloud:
            found |= compare({"`vault restore`": cloud.restored, "`restic restore`": restored_by_restic}, rounds)
        clear(*(str(path) for path in Path().glob("back-*")))
        all_found[what] = {name: [*figures, sizes.get(name)] for name, figures in found.items()}
        print(all_found[what], flush=True)
    record("staged", rounds, all_found)
