//! Gives stretches of a file or block device back, so that they read as zeros afterwards.

use std::fs::File;
use std::io;
use std::ops::Range;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use rustix::ioctl::{Setter, ioctl};

/// `BLKDISCARD` of `<linux/fs.h>`.
const BLKDISCARD: u32 = 0x1277;

/// Discards a stretch. A hole reads as zeros by the kernel's word; where there is no such word,
/// the drive's own is needed, and the caller must have it and look whether it was kept.
pub fn discard(file: &File, range: Range<u64>) -> io::Result<()> {
    let bytes = range.end.saturating_sub(range.start);
    let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    match fallocate(file, hole, range.start, bytes) {
        Err(Errno::OPNOTSUPP | Errno::NODEV | Errno::INVAL) => {
            Ok(discard_blocks(file, [range.start, bytes])?)
        }
        result => Ok(result?),
    }
}

#[expect(unsafe_code, reason = "there is no safe wrapper of this call")]
fn discard_blocks(file: &File, start_and_bytes: [u64; 2]) -> rustix::io::Result<()> {
    // SAFETY: BLKDISCARD reads two u64, a start and a length, and keeps neither; what is no block
    // device refuses it.
    unsafe { ioctl(file, Setter::<BLKDISCARD, [u64; 2]>::new(start_and_bytes)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt;

    #[test]
    fn a_discarded_stretch_reads_as_zeros_and_what_lies_around_it_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("drive.img");
        std::fs::write(&path, vec![7; 3 << 20]).unwrap();
        let file = File::options().read(true).write(true).open(&path).unwrap();
        discard(&file, 1 << 20..2 << 20).unwrap();
        let mut back = vec![1; 3 << 20];
        file.read_exact_at(&mut back, 0).unwrap();
        assert!(back[1 << 20..2 << 20].iter().all(|&byte| byte == 0));
        assert!(back[..1 << 20].iter().chain(&back[2 << 20..]).all(|&byte| byte == 7));
        let read_only = File::open(&path).unwrap();
        assert!(discard(&read_only, 0..4096).is_err());
    }
}
