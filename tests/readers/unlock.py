"""Four ways into a BitLocker volume, none of them ours."""

import contextlib
import io
import re
from pathlib import Path

import programs
from programs import run


class Window(io.RawIOBase):
    """Part of a file, as a file of its own."""

    def __init__(self, path: Path, volume: tuple[int, int]):
        self.file = open(path, "rb")
        self.start, self.size = volume
        self.position = 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def get_size(self):
        return self.size

    def tell(self):
        return self.position

    def seek(self, offset, whence=io.SEEK_SET):
        self.position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        return self.position

    def readinto(self, buffer):
        length = max(0, min(len(buffer), self.size - self.position))
        self.file.seek(self.start + self.position)
        data = self.file.read(length)
        buffer[: len(data)] = data
        self.position += len(data)
        return len(data)


def cryptsetup(image: Path, volume: tuple[int, int], password: str, scratch: Path) -> dict:
    """cryptsetup takes no offset, so the partition becomes a loop device."""
    start, size = volume
    device = run("losetup", "--find", "--show", "--read-only", "--offset", start, "--sizelimit", size, image).strip()
    try:
        dump = run("cryptsetup", "bitlkDump", device)
        key_file = scratch / "recovery-password"
        key_file.write_text(password)
        key = ("cryptsetup", "bitlkDump", "--dump-volume-key", "--batch-mode", "--key-file", key_file, device)
        unlocked = run(*key)
        key_file.write_text("-".join(["000011"] * 8))
        try:
            run(*key)
        except RuntimeError:
            pass
        else:
            raise ValueError("cryptsetup accepts a wrong recovery password")
    finally:
        run("losetup", "--detach", device)
    return {
        "cipher": re.search(r"Cipher mode:\s*(\S+)", dump)[1] if "Cipher mode:" in dump else "",
        "key_bits": int(re.search(r"(?:Cipher key|Key size|MK bits):\s*(\d+)", dump)[1]),
        "protectors": re.findall(r"VMK \(([^)]*)\)|Protection:\s*(.*)", dump),
        "dump": dump,
        "has_volume_key": "MK dump" in unlocked or "key dump" in unlocked,
    }


@contextlib.contextmanager
def dislocker(image: Path, volume: tuple[int, int], password: str, scratch: Path):
    """The unlocked volume as a file that dislocker serves."""
    folder = scratch / "dislocker"
    folder.mkdir()
    run("dislocker-fuse", "-r", "-O", volume[0], "-V", image, f"-p{password}", "--", folder)
    try:
        yield folder / "dislocker-file"
    finally:
        programs.unmount(folder)


def libbde(image: Path, volume: tuple[int, int], password: str):
    """The unlocked volume as libbde's file object."""
    import pybde

    unlocked = pybde.volume()
    unlocked.set_recovery_password(password)
    unlocked.open_file_object(Window(image, volume))
    if unlocked.is_locked():
        raise ValueError("libbde: the recovery password does not unlock")
    return unlocked


def dissect(image: Path, volume: tuple[int, int], password: str):
    """The unlocked volume as dissect's file object; all three metadata blocks must be valid."""
    from dissect.fve.bde import BDE

    locked = BDE(Window(image, volume))
    if len(locked._valid_information) != 3:
        raise ValueError(f"dissect: {len(locked._valid_information)} valid metadata blocks")
    locked.unlock_with_recovery_password(password)
    return locked.open()
