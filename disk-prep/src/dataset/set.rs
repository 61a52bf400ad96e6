//! The files of one preparation together, and what a person should know of them.

use std::path::PathBuf;

use super::file::DataFile;
use crate::limits;
use crate::noun::{DrivePath, count, lines, shown};

/// The files of one preparation, sorted by their path on the drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSet {
    /// The folder that all sources are below.
    pub root: PathBuf,
    /// The files; no two have one path or one blob.
    pub files: Vec<DataFile>,
    /// Folders that hold nothing: blobs lie in no folders, so they are not copied.
    pub empty_folders: Vec<PathBuf>,
    /// Folders that were listed whole, without links on the way, where the root does not say it.
    pub folders: Vec<PathBuf>,
}

impl DataSet {
    /// What a person should know of the set before it is copied, though it can be.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        let is_long = |file: &&DataFile| file.path.is_long();
        let long: Vec<&DrivePath> =
            self.files.iter().filter(is_long).map(|file| &file.path).collect();
        if !long.is_empty() {
            let (count, most) = (count(long.len(), "path"), limits::WINDOWS_PATH_CHARACTERS);
            remarks.push(format!(
                "{count} on the drive will have more than {most} characters, with which programs of \
                 Windows may fail:{}",
                lines(&long)
            ));
        }
        if !self.empty_folders.is_empty() {
            let count = count(self.empty_folders.len(), "empty folder");
            let folders: Vec<String> = self.empty_folders.iter().map(|path| shown(path)).collect();
            remarks.push(format!("{count} will not be copied:{}", lines(&folders)));
        }
        remarks
    }

    /// Bytes of all files.
    pub fn total_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}
