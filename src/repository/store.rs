//! What holds a repository's files.

use std::sync::Arc;

use rustic_core::WriteBackend;

use super::error::Error;

/// What holds a repository's files.
pub trait Store: WriteBackend {
    /// What failed here since it was last asked, if the library's error came from here; the
    /// library keeps only a text of it.
    fn take_fault(&self) -> Option<Error>;
    /// Whether a write has failed: nothing more need be read to be written here.
    fn is_broken(&self) -> bool;
    /// How many packs may be written at once.
    fn packs_at_once(&self) -> usize;
    /// The store as the library sees it.
    fn backend(self: Arc<Self>) -> Arc<dyn WriteBackend>;
}
