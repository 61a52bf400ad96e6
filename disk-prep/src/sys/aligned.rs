//! Memory that O_DIRECT takes: whole pages, aligned to a page. No `unsafe`: a page is a plain
//! array with an alignment, and a vector of pages is viewed as bytes.

use std::ops::{Deref, DerefMut};

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Bytes in a page; every address, length and offset of direct I/O is a multiple of it.
pub const PAGE: usize = 4096;

#[derive(Clone, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(4096))]
struct Page([u8; PAGE]);

/// A buffer of whole, aligned pages; it dereferences to its bytes.
#[derive(Clone)]
pub struct AlignedBuffer(Vec<Page>);

impl AlignedBuffer {
    /// A zeroed buffer of at least so many bytes, rounded up to whole pages.
    pub fn zeroed(bytes: usize) -> Self {
        AlignedBuffer(vec![Page([0; PAGE]); bytes.div_ceil(PAGE)])
    }
}

impl std::fmt::Debug for AlignedBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} aligned bytes", self.len())
    }
}

impl Deref for AlignedBuffer {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.0.as_slice().as_bytes()
    }
}

impl DerefMut for AlignedBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.0.as_mut_slice().as_mut_bytes()
    }
}

/// Whether direct I/O takes these bytes at this offset.
pub fn is_aligned(buffer: &[u8], offset: u64) -> bool {
    buffer.as_ptr().addr().is_multiple_of(PAGE)
        && buffer.len().is_multiple_of(PAGE)
        && offset.is_multiple_of(PAGE as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_whole_aligned_pages_of_zeros() {
        let mut buffer = AlignedBuffer::zeroed(PAGE + 1);
        assert_eq!(buffer.len(), 2 * PAGE);
        assert!(
            is_aligned(&buffer, 0) && !is_aligned(&buffer[1..], 0) && !is_aligned(&buffer, 512)
        );
        assert!(buffer.iter().all(|&byte| byte == 0));
        buffer[PAGE] = 7;
        assert_eq!(buffer[PAGE], 7);
    }
}
