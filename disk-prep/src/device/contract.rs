//! What a device promises, whatever it is made of.

use std::fmt::Debug;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// A drive, an image file, or a window into another device.
pub trait Device: Send + Sync + Debug {
    /// Size in bytes.
    fn size(&self) -> u64;
    /// Fills `buffer` from `offset`; an error if the end comes first.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes all of `buffer` at `offset`.
    fn write_at(&self, buffer: &[u8], offset: u64) -> io::Result<()>;
    /// Gives a stretch back, so that it reads as zeros; an error if the device cannot.
    fn discard(&self, _range: Range<u64>) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// The first stretch at or behind `offset` that may hold data; `None` if all of the rest reads
    /// as zeros. What a device cannot tell is data.
    fn data_after(&self, offset: u64) -> io::Result<Option<Range<u64>>> {
        let size = self.size();
        Ok((offset < size).then_some(offset..size))
    }
    /// Returns when everything written is on the medium, the drive's own cache flushed.
    fn flush(&self) -> io::Result<()>;
}

/// What stands before a device is one.
macro_rules! forwarded {
    ($pointer:ty) => {
        impl<D: Device + ?Sized> Device for $pointer {
            fn size(&self) -> u64 {
                (**self).size()
            }
            fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
                (**self).read_at(buffer, offset)
            }
            fn write_at(&self, buffer: &[u8], offset: u64) -> io::Result<()> {
                (**self).write_at(buffer, offset)
            }
            fn discard(&self, range: Range<u64>) -> io::Result<()> {
                (**self).discard(range)
            }
            fn data_after(&self, offset: u64) -> io::Result<Option<Range<u64>>> {
                (**self).data_after(offset)
            }
            fn flush(&self) -> io::Result<()> {
                (**self).flush()
            }
        }
    };
}

forwarded!(&D);
forwarded!(Arc<D>);
