//! The commands of the program on a machine on which something is missing, closed, full or oddly
//! named. Each run ends with a code that `explain` knows and an exit code of the table, and leaves
//! nothing half made. All are runs of a user without root, who has no terminal. Needs root, to be
//! somebody else.
#![allow(clippy::disallowed_methods, reason = "tests start programs and write no state files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

mod calls;
mod machine;
mod places;

use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs at one time.
const AT_ONCE: usize = 3;

/// Does each of the jobs, a few at a time.
fn in_turn<T: Sync>(jobs: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(job);
                }
            });
        }
    });
}
