//! Memory that O_DIRECT takes: whole pages, aligned to a page. What is large asks the kernel for
//! large pages: a drive's buffers are touched with a hundredth of the faults, and a call that hands
//! them to a device pins few of them.
#![expect(unsafe_code, reason = "buffers that share a large page can be made in no other way")]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ffi::{c_int, c_void};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::slice;
use std::sync::Arc;

/// Bytes in a page; every address, length and offset of direct I/O is a multiple of it.
pub const PAGE: usize = 4096;
/// Bytes in a large page of the CPUs that have them.
const LARGE_PAGE: usize = 2 << 20;
/// `MADV_HUGEPAGE` of madvise(2).
const HUGEPAGE: c_int = 14;

unsafe extern "C" {
    fn madvise(at: *mut c_void, bytes: usize, advice: c_int) -> c_int;
}

/// Memory that buffers lie in, one behind the other.
struct Block {
    at: NonNull<u8>,
    layout: Layout,
}

// SAFETY: a block is memory that nobody else knows; its buffers do not overlap.
unsafe impl Send for Block {}
// SAFETY: as above; nothing is read or written through a block itself.
unsafe impl Sync for Block {}

impl Block {
    fn zeroed(bytes: usize) -> Self {
        let is_large = bytes >= LARGE_PAGE;
        let layout = Layout::from_size_align(bytes, if is_large { LARGE_PAGE } else { PAGE });
        let layout = layout.expect("no buffer is as large as the address space");
        // SAFETY: the layout has a size.
        let Some(at) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
        if is_large {
            // SAFETY: the range is this block. The advice is a wish, and goes without an answer.
            let _ = unsafe { madvise(at.as_ptr().cast(), bytes, HUGEPAGE) };
        }
        // SAFETY: the block has so many bytes.
        unsafe { at.as_ptr().write_bytes(0, bytes) };
        Block { at, layout }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: it was allocated with this layout, and no buffer is left in it.
        unsafe { dealloc(self.at.as_ptr(), self.layout) };
    }
}

/// A buffer of whole, aligned pages; it dereferences to its bytes.
pub struct AlignedBuffer {
    block: Arc<Block>,
    from: usize,
    bytes: usize,
}

impl AlignedBuffer {
    /// A zeroed buffer of at least so many bytes, rounded up to whole pages.
    pub fn zeroed(bytes: usize) -> Self {
        let mut one = Self::many(1, bytes);
        one.pop().expect("one was made")
    }

    /// So many of them, one behind the other in large pages.
    pub fn many(count: usize, bytes: usize) -> Vec<Self> {
        let bytes = bytes.max(1).next_multiple_of(PAGE);
        let block = Arc::new(Block::zeroed(count.max(1) * bytes));
        let one = |number| AlignedBuffer { block: Arc::clone(&block), from: number * bytes, bytes };
        (0..count).map(one).collect()
    }

    fn start(&self) -> *mut u8 {
        // SAFETY: the buffer lies in its block.
        unsafe { self.block.at.as_ptr().add(self.from) }
    }
}

impl Clone for AlignedBuffer {
    fn clone(&self) -> Self {
        let mut own = Self::zeroed(self.bytes);
        own.copy_from_slice(self);
        own
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
        // SAFETY: so many bytes of the block are this buffer's alone, and all were written.
        unsafe { slice::from_raw_parts(self.start(), self.bytes) }
    }
}

impl DerefMut for AlignedBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above; whoever has this buffer has it for itself.
        unsafe { slice::from_raw_parts_mut(self.start(), self.bytes) }
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

    #[test]
    fn buffers_side_by_side_share_no_byte() {
        let mut many = AlignedBuffer::many(5, 3 * PAGE - 1);
        for (buffer, byte) in many.iter_mut().zip(1..) {
            assert!(buffer.iter().all(|&byte| byte == 0) && is_aligned(buffer, 0));
            buffer.fill(byte);
        }
        let second = many.remove(1);
        let copy = many[0].clone();
        many[0].fill(9);
        drop(many);
        assert!(second.iter().all(|&byte| byte == 2) && copy.iter().all(|&byte| byte == 1));
        assert_eq!((second.len(), copy.len()), (3 * PAGE, 3 * PAGE));
    }

    #[test]
    fn what_is_large_lies_in_large_pages_from_its_first_byte_on() {
        let many = AlignedBuffer::many(4, LARGE_PAGE / 2);
        assert!(many[0].as_ptr().addr().is_multiple_of(LARGE_PAGE));
        assert!(many.windows(2).all(|pair| pair[0].as_ptr_range().end == pair[1].as_ptr()));
        assert!(AlignedBuffer::many(0, 1).is_empty() && AlignedBuffer::zeroed(0).len() == PAGE);
    }
}
