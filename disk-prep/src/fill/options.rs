//! How a drive is filled.

use std::sync::Arc;
use std::time::Duration;

use super::batch_load::BatchLoad;
use super::hall;
use crate::dataset::FileList;
use crate::kernels::{Rung, has_three_at_once};
use crate::limits::BLOCK_BYTES;
use crate::stop::StopFlag;

/// A checkpoint after so many bytes (`design` 4).
pub const CHECKPOINT_BYTES: u64 = 1 << 30;
/// A checkpoint after so many files: what is known of them waits in memory until then.
const CHECKPOINT_FILES: usize = 16 << 10;
/// Files of a batch, however short they are.
const BATCH_FILES: usize = 1024;
/// Buffers of a drive, however many files are read at once.
const BUFFER_BYTES: usize = 64 << 20;
/// Files that are read at once from all drives together: they fill the widest lanes.
const FILES_AT_ONCE: usize = 16;

/// Where the files of all drives of a run are hashed.
pub type Hall = hall::Hall<BatchLoad>;

/// How a drive is filled.
#[derive(Debug, Clone)]
pub struct FillOptions {
    /// Workers, each with a file at a time: one for a turning disk, which gets strictly one
    /// ascending stream.
    pub workers: usize,
    /// Bytes of a batch.
    pub batch_bytes: usize,
    /// Files of a batch, at most.
    pub batch_files: usize,
    /// Batches of one worker: one is filled while others are written.
    pub batches_per_worker: usize,
    /// A checkpoint after so many bytes.
    pub checkpoint_bytes: u64,
    /// A checkpoint after so many files.
    pub checkpoint_files: usize,
    /// A checkpoint after so much time.
    pub checkpoint_every: Duration,
    /// Whether a changed source file fails the drive.
    pub strict: bool,
    /// The wish to stop.
    pub stop: StopFlag,
    /// Where files are hashed; the same for all drives of a run.
    pub hall: Arc<Hall>,
}

impl FillOptions {
    /// The options for a drive with or without a turning disk, one of so many in this run, that
    /// gets these files.
    pub fn new(
        rotational: bool,
        drives: usize,
        files: &FileList,
        strict: bool,
        stop: StopFlag,
    ) -> Self {
        let block = BLOCK_BYTES as usize;
        let long = files.iter().filter(|file| file.bytes() > BLOCK_BYTES).count();
        let (workers, batch_bytes) = match rotational {
            true => (1, 4 * block),
            // Few long files go through the CPU alone; where it has no loop for that, lanes are filled
            // with blocks of their own.
            false if (1..=2).contains(&long) => {
                (2, if has_three_at_once(Rung::chosen()) { block } else { 4 * block })
            }
            false => ((FILES_AT_ONCE / drives.max(1)).max(4), block / 4),
        };
        FillOptions {
            workers,
            batch_bytes,
            batch_files: BATCH_FILES,
            batches_per_worker: BUFFER_BYTES / batch_bytes / workers,
            checkpoint_bytes: CHECKPOINT_BYTES,
            checkpoint_files: CHECKPOINT_FILES,
            checkpoint_every: Duration::from_secs(5),
            strict,
            stop,
            hall: Arc::default(),
        }
    }
}
