//! How a drive is filled.

use std::thread;
use std::time::Duration;

use crate::limits::BLOCK_BYTES;
use crate::stop::StopFlag;

/// Batches of one worker: one is filled while the other is written.
pub(super) const BATCHES_PER_WORKER: usize = 2;

/// A checkpoint after so many bytes (`design` 4).
pub const CHECKPOINT_BYTES: u64 = 1 << 30;

/// How a drive is filled.
#[derive(Debug, Clone)]
pub struct FillOptions {
    /// Workers: one for a turning disk, which gets strictly one ascending stream.
    pub workers: usize,
    /// Bytes of a batch; a multiple of a block.
    pub batch_bytes: usize,
    /// A checkpoint after so many bytes.
    pub checkpoint_bytes: u64,
    /// A checkpoint after so much time.
    pub checkpoint_every: Duration,
    /// Whether a changed source file fails the drive.
    pub strict: bool,
    /// The wish to stop.
    pub stop: StopFlag,
}

impl FillOptions {
    /// The options for a drive with or without a turning disk.
    pub fn new(rotational: bool, strict: bool, stop: StopFlag) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let workers = if rotational { 1 } else { cores.min(16) };
        // 64 MiB of buffers a drive, in whole blocks; many workers take more.
        let blocks = (64 << 20) / BLOCK_BYTES as usize / BATCHES_PER_WORKER / workers;
        FillOptions {
            workers,
            batch_bytes: blocks.max(1) * BLOCK_BYTES as usize,
            checkpoint_bytes: CHECKPOINT_BYTES,
            checkpoint_every: Duration::from_secs(5),
            strict,
            stop,
        }
    }
}
