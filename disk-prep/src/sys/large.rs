//! The heap of the system, with huge pages for what is large.
//!
//! A key of a repository is derived in 128 MiB that are filled once and read at random: in pages of
//! 4 KiB a fifth of its time goes into page faults and address look-ups. Most distributions give
//! huge pages only to who asks: <https://docs.kernel.org/admin-guide/mm/transhuge.html>.
#![expect(unsafe_code, reason = "a heap of one's own can be made in no other way")]

use std::alloc::{GlobalAlloc, Layout, System};

/// From so many bytes on huge pages are asked for; smaller pieces may lie beside others.
const LARGE_BYTES: usize = 64 << 20;
const PAGE_BYTES: usize = 4096;

/// From so many bytes on a piece goes back to the system as soon as it is free, if that is asked for.
#[cfg(target_env = "gnu")]
const GIVEN_BACK_BYTES: libc::c_int = 1 << 20;

/// From now on large pieces that are free go back to the system: else the heap keeps up to 64 MiB
/// of them, where the buffers of drives lay, and what comes later lies beside those. Not for who
/// takes and frees large pieces all the time: <https://man7.org/linux/man-pages/man3/mallopt.3.html>.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: the call sets a number; a heap that does not know it says so and changes nothing.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, GIVEN_BACK_BYTES);
    }
}

/// The heap of the system; a program makes it its own with `#[global_allocator]`.
#[derive(Debug)]
pub struct LargePages;

/// Asks for huge pages below a large piece. A kernel that has none, or no room for one, changes
/// nothing.
fn ask(place: *mut u8, bytes: usize) {
    if place.is_null() || bytes < LARGE_BYTES {
        return;
    }
    let aside = place.align_offset(PAGE_BYTES);
    let whole = (bytes - aside) / PAGE_BYTES * PAGE_BYTES;
    // SAFETY: the pages lie wholly within the piece, and the advice changes no content.
    unsafe { libc::madvise(place.add(aside).cast(), whole, libc::MADV_HUGEPAGE) };
}

// SAFETY: every call is handed on to the system's heap as it came; the advice takes no memory.
unsafe impl GlobalAlloc for LargePages {
    // SAFETY: as the system's, which it is handed on to.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of this method, which is that of the system's.
        let place = unsafe { System.alloc(layout) };
        ask(place, layout.size());
        place
    }

    // SAFETY: as the system's, which it is handed on to.
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        let place = unsafe { System.alloc_zeroed(layout) };
        ask(place, layout.size());
        place
    }

    // SAFETY: as the system's, which it is handed on to.
    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }

    // SAFETY: as the system's, which it is handed on to.
    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_piece_is_all_zero_and_all_its_own() {
        for bytes in [LARGE_BYTES - 1, LARGE_BYTES, LARGE_BYTES + 4097] {
            let layout = Layout::from_size_align(bytes, 8).unwrap();
            // SAFETY: the piece is used within its bytes and given back with its own layout.
            let (first, last) = unsafe {
                let place = LargePages.alloc_zeroed(layout);
                let ends = (*place, *place.add(bytes - 1));
                place.write_bytes(1, bytes);
                LargePages.dealloc(place, layout);
                ends
            };
            assert_eq!((first, last), (0, 0), "{bytes}");
        }
    }
}
