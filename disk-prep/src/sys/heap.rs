//! What tests take of the heap, counted for each thread: so that a plan of millions of files is
//! held to its bytes a file, whatever other tests do meanwhile.
#![expect(unsafe_code, reason = "a heap of one's own can be made in no other way")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Bytes that a thread holds, and held at most.
#[derive(Clone, Copy)]
struct Held {
    now: isize,
    most: isize,
}

thread_local! {
    static HELD: Cell<Held> = const { Cell::new(Held { now: 0, most: 0 }) };
}

/// The heap of the system, counted.
struct Counted;

#[global_allocator]
static COUNTED: Counted = Counted;

fn count(bytes: isize) {
    // A thread that ends has no count any more.
    let _ = HELD.try_with(|held| {
        let now = held.get().now + bytes;
        held.set(Held { now, most: held.get().most.max(now) });
    });
}

// SAFETY: every call is handed on to the system's heap as it came; counting takes no memory.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract of this method, which is that of the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: as above.
        unsafe { System.realloc(place, layout, size) }
    }
}

/// Does something, and says how many bytes this thread held at most for it.
pub fn most<T>(act: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get().now;
    HELD.set(Held { now: before, most: before });
    let made = act();
    (made, (HELD.get().most - before) as usize)
}

#[test]
fn what_is_held_at_most_is_counted_and_what_was_given_back_is_not() {
    let (kept, bytes) = most(|| {
        drop(vec![1u8; 3000]);
        let mut kept = vec![1u8; 1000];
        kept.reserve_exact(1000);
        kept
    });
    assert_eq!((kept.capacity(), bytes), (2000, 3000));
}
