"""The lab's machine as the long runs use it: the guest sees a folder as /share, with data set, staging
path and state in it; the images of its drives lie beside them."""

import hashlib
import queue
import shutil
import subprocess
import threading

from program import PROGRAM, ROOT, make_files

LAB = ROOT / "tests/lab"


def prepare(folder, enough, dice):
    """A data set of so many bytes, the checksums that the drives must show, and the program."""
    _, total = make_files(folder / "data", enough, dice)
    files = (path for path in (folder / "data").glob("**/*") if path.is_file())
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(folder / 'data')}\n" for path in files]
    (folder / "sums").write_text("".join(sorted(sums)))
    (folder / "bin").mkdir()
    shutil.copy2(PROGRAM, folder / "bin/azseed")
    return total


class Boot:
    """One boot on these drives; what the guest prints is kept in a log. SIGTERM cuts its power."""

    def __init__(self, folder, name, disks, script, *options):
        self.folder, self.log, self.said = folder, folder / f"{name}.log", []
        words = [LAB / "lab", "run", "--disks", folder, "--cpus", "2", "--timeout", "3600", *options]
        for disk in disks:
            words += ["--disk", disk]
        for share in (folder, f"{LAB}/guest:/guest:ro", f"{folder}/bin:/azseed:ro"):
            words += ["--share", share]
        with open(folder / f"{name}.err", "w") as errors:
            self.process = subprocess.Popen([*words, "--", "bash", *script], stdout=subprocess.PIPE, stderr=errors, text=True)

        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        with open(self.log, "w") as log:
            for line in self.process.stdout:
                log.write(line)
                self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def until(self, wanted):
        """Waits for this line; False if the guest ended before."""
        while (line := self.lines.get()) is not None:
            if line == wanted:
                return True
            self.said.append(line)
        self.lines.put(None)
        return False

    def end(self):
        """Waits for the end; the exit code, and the last that was said."""
        self.until(None)
        errors = self.log.with_suffix(".err").read_text()
        return self.process.wait(), "\n".join(self.said)[-500:] + errors[-500:]
