//! The state directory of this machine, a convenience: how files, folders, locks and keys are kept
//! there. What a record says belongs to its story.

mod directory;
mod error;
mod keys;
mod locks;

pub use directory::State;
pub use error::{StateError, expect_text, io_at, record_at};
pub use locks::Lock;
