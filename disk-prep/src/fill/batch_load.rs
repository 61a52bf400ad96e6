//! A batch on its way through the hall, with the digests of the files in it.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::batch::Batch;
use super::hall::Load;
use crate::hash::{Feed, FileHasher};

/// A batch and the files in it.
#[derive(Debug)]
pub struct BatchLoad {
    /// The batch, not yet encrypted.
    pub batch: Batch,
    /// For each file its digests so far, and where its bytes lie in the batch, ascending.
    pub files: Vec<(FileHasher, Range<usize>)>,
    /// What its drive has to write.
    pub ahead: Ahead,
}

/// How many batches of a drive are ready and not written yet.
#[derive(Debug, Clone, Default)]
pub struct Ahead(Arc<AtomicUsize>);

impl Ahead {
    /// One more is ready.
    pub fn ready(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One of them is written.
    pub fn written(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether there are none.
    pub fn is_nothing(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

impl Load for BatchLoad {
    fn feeds(&mut self) -> Vec<Feed<'_>> {
        let bytes = self.batch.plain();
        let files = self.files.iter_mut();
        files.map(|(hasher, range)| Feed { hasher, bytes: &bytes[range.clone()] }).collect()
    }

    fn is_urgent(&self) -> bool {
        self.ahead.is_nothing()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_is_urgent_while_its_drive_has_nothing_to_write() {
        let ahead = Ahead::default();
        let batch = Batch::new(0, 1);
        let load = BatchLoad { batch, files: Vec::new(), ahead: ahead.clone() };
        assert!(load.is_urgent());
        ahead.ready();
        ahead.ready();
        ahead.written();
        assert!(!load.is_urgent(), "one is still to be written");
        ahead.written();
        assert!(load.is_urgent());
    }
}
