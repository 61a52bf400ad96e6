//! Folders that hold nothing: blobs lie in no folders, so they are told.

use std::path::{Path, PathBuf};

/// Finds the folders that hold nothing, in a walk that tells of a folder before what is in it.
#[derive(Debug, Default)]
pub(super) struct EmptyFolders {
    /// The last entry, if it is a folder.
    last: Option<PathBuf>,
    found: Vec<PathBuf>,
}

impl EmptyFolders {
    /// Notes the next entry of the walk.
    pub fn note(&mut self, path: &Path, is_folder: bool) {
        self.found.extend(self.last.take().filter(|last| !path.starts_with(last)));
        self.last = is_folder.then(|| path.to_owned());
    }

    /// Those that it found.
    pub fn finish(mut self) -> Vec<PathBuf> {
        self.found.extend(self.last);
        self.found
    }
}
