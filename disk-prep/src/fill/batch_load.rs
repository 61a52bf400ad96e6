//! A batch on its way through the hall, with the digests of the files in it.

use std::ops::Range;

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
}

impl Load for BatchLoad {
    fn feeds(&mut self) -> Vec<Feed<'_>> {
        let bytes = self.batch.plain();
        let files = self.files.iter_mut();
        files.map(|(hasher, range)| Feed { hasher, bytes: &bytes[range.clone()] }).collect()
    }
}
