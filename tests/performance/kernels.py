"""Bytes a second of the kernels, which criterion measures and checks first (disk-prep/bench)."""

import json
import os
import shutil
import subprocess

from .measure import GIB, MIB, ROOT, TARGET, record

BUFFER_BYTES = 64 * MIB


def kernels(_rounds):
    own = TARGET / "bench-kernels"
    shutil.rmtree(own / "criterion", ignore_errors=True)
    environment = {**os.environ, "CRITERION_HOME": str(own / "criterion")}
    subprocess.run(["cargo", "bench", "--quiet", "--target-dir", own], cwd=ROOT / "disk-prep" / "bench", check=True, env=environment)
    found = {}
    for path in sorted((own / "criterion").glob("*/*/new/benchmark.json"), key=lambda path: path.stat().st_mtime):
        nanos = json.loads(path.with_name("estimates.json").read_text())["median"]["point_estimate"]
        found[json.loads(path.read_text())["full_id"]] = BUFFER_BYTES / GIB / (nanos / 1e9)
    record("kernels", 10, found)
