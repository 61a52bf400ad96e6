//! Times as the file system has them: steps of 100 ns since 1601.

use crate::volume::fields::u64_at;

/// No file of ours, or of the system, is of a later time than the year 2500.
const LATEST: u64 = 284_000_000_000_000_000;

/// Whether each eight bytes can be a time.
pub(super) fn are_times(bytes: &[u8]) -> bool {
    bytes.chunks_exact(8).all(|time| is_time(u64_at(time, 0)))
}

/// Whether this can be a time.
pub(super) fn is_time(steps: u64) -> bool {
    steps < LATEST
}
