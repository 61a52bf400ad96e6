//! Who watches a round: is told which step is done and how much was sent, and may stop it.

use std::time::Duration;

use super::error::Error;

/// The steps of a backup that change something, in their order. A run that ends after any of them
/// is gone on with by the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The source's first snapshot is there.
    FirstSnapshot,
    /// The copy is begun.
    Begun,
    /// The copy holds the first snapshot.
    Copied,
    /// The copy says so.
    FirstBaseline,
    /// The source's next snapshot is there.
    Snapshot,
    /// The copy says which snapshot it is being brought to.
    Pending,
    /// It has the snapshot's length.
    Resized,
    /// All that changed is in it.
    Applied,
    /// The point is there.
    Point,
    /// The copy says which snapshot it holds.
    Baseline,
    /// The source's former snapshot is gone.
    Released,
    /// A point is in the blob that will be a new disk's copy.
    PointCopied,
    /// That blob has the point's snapshot.
    PointKept,
    /// The new disk holds the point.
    DiskCopied,
    /// The new disk's first snapshot is there.
    DiskSnapshot,
    /// The new disk's copy says that it holds that.
    DiskBaseline,
    /// What a disk held before a point comes over it is kept.
    Before,
    /// The disk says what is coming over it.
    Promoting,
    /// The disk is the point.
    Promoted,
}

/// Who watches.
pub trait Watch: Sync {
    /// A step is done; an error ends the run there.
    fn step(&self, step: Step) -> Result<(), Error>;
    /// So many bytes were written or cleared; an error ends the run there.
    fn sent(&self, bytes: u64) -> Result<(), Error>;
    /// So many bytes were compared; an error ends the run there.
    fn looked(&self, bytes: u64) -> Result<(), Error>;
    /// A person is told something.
    fn say(&self, text: &str);
    /// Something is waited for; an error ends the run.
    fn wait(&self, what: &str, pause: Duration) -> Result<(), Error>;
}
