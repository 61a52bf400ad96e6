//! The files that are to be on a volume, as whoever plans it has them: a layout asks for them when
//! it needs them, and keeps of each no more than where it lies.

use std::fmt::Debug;

use super::time::FileTime;

/// A file that is to be on the volume.
#[derive(Debug, Clone, Copy)]
pub struct FileSpec<'a> {
    /// Its path in two parts: up to the last backslash, and the name.
    pub path: (&'a str, &'a str),
    /// Its length.
    pub bytes: u64,
    /// Its time.
    pub time: FileTime,
}

/// Files in the order in which their data will lie on the volume; always the same.
pub trait Files: Debug + Send + Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// One of them.
    fn at(&self, index: usize) -> FileSpec<'_>;
}
