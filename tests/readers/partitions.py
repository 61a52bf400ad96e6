"""The partition table, as util-linux reads it."""

import json
from pathlib import Path

from programs import run

BASIC_DATA = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"


def read(image: Path) -> dict:
    """Both tables must be sound and agree; `sfdisk --verify` looks at primary and backup."""
    verdict = run("sfdisk", "--verify", image)
    if "No errors detected" not in verdict:
        raise ValueError(f"sfdisk: {verdict}")
    table = json.loads(run("sfdisk", "--json", image))["partitiontable"]
    sector = table["sectorsize"]
    return {
        "label": table["label"],
        "disk_guid": table["id"],
        "partitions": [
            {
                "type": part["type"],
                "guid": part["uuid"],
                "name": part.get("name", ""),
                "start": part["start"] * sector,
                "size": part["size"] * sector,
            }
            for part in table["partitions"]
        ],
    }


def data_volume(table: dict) -> tuple[int, int]:
    """Start and size in bytes of the one basic data partition."""
    found = [part for part in table["partitions"] if part["type"] == BASIC_DATA]
    if len(found) != 1:
        raise ValueError(f"{len(found)} basic data partitions")
    return found[0]["start"], found[0]["size"]
