//! Block devices as sources: opened to read only, and held, so that nobody begins to use one meanwhile.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::beneath::{Folder, Kind, Unexpected};

/// Opens a block device to read. Nobody else can begin to use it as long as it is open, unless somebody
/// does already.
pub fn open_block(folder: &Folder, below: &Path) -> io::Result<File> {
    // A FIFO would keep us waiting.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = match folder.reach(below, flags | OFlags::EXCL, Mode::empty()) {
        Err(Errno::BUSY) => folder.reach(below, flags, Mode::empty()),
        opened => opened,
    };
    let device = File::from(opened?);
    match FileType::from_raw_mode(rustix::fs::fstat(&device)?.st_mode) {
        FileType::BlockDevice => Ok(device),
        _ => {
            let found = folder.about(below)?.kind;
            Err(Unexpected::Kind { expected: Kind::Special, found }.into())
        }
    }
}

/// The length of a block device, which its entry does not have.
pub fn block_bytes(mut device: &File) -> io::Result<u64> {
    device.seek(SeekFrom::End(0))
}
