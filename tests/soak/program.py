"""How the long runs call the program: with a state directory of their own, as JSON Lines."""

import json
import os
import pathlib

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
