//! Asks a loop device itself which file it is made of: the numbers of that file, whatever name it
//! has by now and in whatever namespace it was opened.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::ioctl::{Getter, ioctl};

/// `LOOP_GET_STATUS64` of `<linux/loop.h>`.
const LOOP_GET_STATUS64: u32 = 0x4c05;

/// `struct loop_info64` of `<linux/loop.h>`.
#[repr(C)]
struct LoopInfo {
    device: u64,
    inode: u64,
    node: u64,
    offset: u64,
    size_limit: u64,
    number: u32,
    encryption: u32,
    key_bytes: u32,
    flags: u32,
    file_name: [u8; 64],
    cipher_name: [u8; 64],
    key: [u8; 32],
    init: [u64; 2],
}

/// What a loop device is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backing {
    /// Device of the file system that the file lies on, as `stat` has it.
    pub device: u64,
    /// Number of the file there.
    pub inode: u64,
    /// Number of the block device, if it is no plain file; else 0.
    pub node: u64,
}

/// Asks the loop device at `node`, for which reading it must be allowed. An error also if nothing
/// is attached to it.
pub fn backing(node: &Path) -> io::Result<Backing> {
    let flags = OFlags::NONBLOCK.bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(node)?;
    let LoopInfo { device, inode, node, .. } = status(&file)?;
    Ok(Backing { device, inode, node })
}

#[expect(unsafe_code, reason = "there is no safe wrapper of this call")]
fn status(file: &File) -> rustix::io::Result<LoopInfo> {
    // SAFETY: LOOP_GET_STATUS64 writes one `loop_info64`, which `LoopInfo` is, field by field, and
    // of which every bit pattern is a value; what is no loop device refuses it.
    unsafe { ioctl(file, Getter::<LOOP_GET_STATUS64, LoopInfo>::new()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_as_long_as_the_kernels_and_a_plain_file_gives_none() {
        assert_eq!(size_of::<LoopInfo>(), 232);
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(backing(file.path()).is_err());
    }
}
