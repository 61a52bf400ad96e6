//! The files of one preparation together, and what a person should know of them.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use super::file::DEVICE;
use super::file_list::{FileList, ListedFile};
use crate::limits;
use crate::noun::{DrivePath, count, lines, shown};
use crate::sys::beneath::Folder;
use crate::sys::block::open_block;

/// The files of one preparation, sorted by their path on the drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSet {
    /// The folder that all sources are below.
    pub root: PathBuf,
    /// The files; no two have one path or one blob.
    pub files: FileList,
    /// Folders that hold nothing: blobs lie in no folders, so they are not copied.
    pub empty_folders: Vec<PathBuf>,
    /// Folders that were listed whole, without links on the way, where the root does not say it.
    pub folders: Vec<PathBuf>,
}

impl DataSet {
    /// What a person should know of the set before it is copied, though it can be.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        // A character has a byte at least.
        let may_be_long = |file: &ListedFile<'_>| {
            let (folder, name) = file.path_parts();
            folder.len() + name.len() > limits::WINDOWS_PATH_CHARACTERS
        };
        let long = self.files.iter().filter(may_be_long).map(ListedFile::path);
        let long: Vec<DrivePath> = long.filter(DrivePath::is_long).collect();
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

    /// The block devices among the sources, held: what is read of them is not written over meanwhile,
    /// by this program either.
    pub fn hold_devices(&self) -> io::Result<Vec<File>> {
        let is_device = |file: &ListedFile<'_>| file.modified_ns() == DEVICE;
        let devices = self.files.iter().filter(is_device);
        let root = Folder::open(&self.root)?;
        devices.map(|file| open_block(&root, &file.unpack().source)).collect()
    }

    /// Bytes of all files.
    pub fn total_bytes(&self) -> u64 {
        self.files.total_bytes()
    }
}
