//! A device that is an open file: an image file, or a block device's node. Aligned transfers go
//! past the page cache where the file system lets them; all others through it.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{Advice, OFlags, SeekFrom as Place, fadvise, fcntl_getfl, seek};
use rustix::io::Errno;

use super::contract::Device;
use crate::sys::aligned::is_aligned;

/// An open file as a device. Whether it can be written was decided when it was opened.
#[derive(Debug)]
pub struct FileDevice {
    file: File,
    direct: Option<File>,
    size: u64,
}

impl FileDevice {
    /// Takes an open file; its end is the device's size (true for block devices too).
    pub fn new(mut file: File) -> io::Result<Self> {
        let size = file.seek(SeekFrom::End(0))?;
        Ok(FileDevice { file, direct: None, size })
    }

    /// Like [`FileDevice::new`], with a second, direct handle to the same file, as writable as the
    /// first. Where the file system refuses O_DIRECT, all goes through the page cache.
    pub fn direct(file: File) -> io::Result<Self> {
        let again = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        let is_writable = fcntl_getfl(&file)?.contains(OFlags::RDWR);
        let direct = OpenOptions::new()
            .read(true)
            .write(is_writable)
            .custom_flags(OFlags::DIRECT.bits() as i32)
            .open(Path::new(&again))
            .ok();
        let mut device = FileDevice::new(file)?;
        device.direct = direct;
        Ok(device)
    }

    fn handle(&self, buffer: &[u8], offset: u64) -> &File {
        match &self.direct {
            Some(direct) if is_aligned(buffer, offset) => direct,
            _ => &self.file,
        }
    }
}

impl Device for FileDevice {
    fn size(&self) -> u64 {
        self.size
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.handle(buffer, offset).read_exact_at(buffer, offset)
    }
    fn write_at(&self, buffer: &[u8], offset: u64) -> io::Result<()> {
        self.handle(buffer, offset).write_all_at(buffer, offset)
    }
    fn discard(&self, range: Range<u64>) -> io::Result<()> {
        crate::sys::discard::discard(&self.file, range)
    }
    fn data_after(&self, offset: u64) -> io::Result<Option<Range<u64>>> {
        let rest = (offset < self.size).then_some(offset..self.size);
        // A block device tells of no holes.
        if !self.file.metadata()?.is_file() {
            return Ok(rest);
        }
        let start = match seek(&self.file, Place::Data(offset)) {
            Ok(start) => start,
            Err(Errno::NXIO) => return Ok(None),
            // The file system does not know.
            Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(rest),
            Err(error) => return Err(error.into()),
        };
        let end = seek(&self.file, Place::Hole(start))?;
        Ok(Some(start..end.min(self.size)).filter(|data| !data.is_empty()))
    }
    fn flush(&self) -> io::Result<()> {
        self.file.sync_data()?;
        // Only a hint: terabytes that nobody reads again should not push out what others use.
        let _ = fadvise(&self.file, 0, None, Advice::DontNeed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::aligned::AlignedBuffer;

    #[test]
    fn aligned_and_unaligned_transfers_see_the_same_bytes() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(1 << 20).unwrap();
        let device = FileDevice::direct(file).unwrap();
        assert_eq!(device.size(), 1 << 20);
        let mut aligned = AlignedBuffer::zeroed(8192);
        aligned.fill(7);
        device.write_at(&aligned, 4096).unwrap();
        device.write_at(b"odd", 5001).unwrap();
        device.flush().unwrap();
        let mut back = AlignedBuffer::zeroed(8192);
        device.read_at(&mut back, 4096).unwrap();
        assert_eq!(&back[904..909], b"\x07odd\x07");
        assert!(device.read_at(&mut back, (1 << 20) - 4096).is_err(), "past the end");
    }

    #[test]
    fn a_device_of_a_file_that_is_open_for_reading_cannot_be_written() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(1 << 20).unwrap();
        let device = FileDevice::direct(File::open(file.path()).unwrap()).unwrap();
        let mut back = AlignedBuffer::zeroed(8192);
        device.read_at(&mut back, 4096).unwrap();
        assert!(device.write_at(&back, 4096).is_err());
        assert!(device.write_at(b"odd", 5001).is_err());
    }
}
