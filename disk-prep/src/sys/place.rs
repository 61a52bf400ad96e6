//! The place of one file in a folder that others may write to: the folder held open, and a name
//! in it. Nothing but a plain file with one name is opened there.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::beneath::{About, Folder};
use super::durable::Access;
use super::nameless::nameless;

/// A name in a folder that is held open.
#[derive(Debug)]
pub struct Place {
    folder: Folder,
    name: PathBuf,
}

impl Place {
    /// The place of `name` in a folder.
    pub fn new(folder: Folder, name: impl Into<PathBuf>) -> Self {
        Place { folder, name: name.into() }
    }

    /// The place that a path names; the caller vouches for the way to it, not for its last name.
    pub fn at(path: &Path) -> io::Result<Self> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let name = path.file_name().unwrap_or_default();
        Ok(Place::new(Folder::open(folder)?, name))
    }

    /// The path, for messages.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    /// The name in its folder.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// What is there, if something is.
    pub fn find(&self) -> io::Result<Option<About>> {
        self.folder.find(&self.name)
    }

    /// Opens the file to read.
    pub fn open(&self) -> io::Result<File> {
        self.folder.file(&self.name)
    }

    /// Opens the file to read and write.
    pub fn open_writable(&self) -> io::Result<File> {
        self.folder.writable_file(&self.name)
    }

    /// Makes the file, which must not be there; the name is durable.
    pub fn create_new(&self, access: Access) -> io::Result<File> {
        self.folder.create_new(&self.name, access)
    }

    /// A private file without a name for as long as it is open, in the same folder if that can hold
    /// one.
    pub fn nameless(&self) -> io::Result<File> {
        nameless(self.folder.handle())
    }

    /// Opens the file to read and write, and makes it if it is not there.
    pub fn open_or_create(&self, access: Access) -> io::Result<File> {
        match self.open_writable() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match self.create_new(access) {
                    // Somebody was faster.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        self.open_writable()
                    }
                    made => made,
                }
            }
            opened => opened,
        }
    }

    /// Replaces the file, whole or not at all.
    pub fn write(&self, content: &[u8], access: Access) -> io::Result<()> {
        self.folder.write(&self.name, content, access)
    }

    /// Replaces the file by what is written, whole or not at all.
    pub fn write_by<T>(
        &self,
        access: Access,
        write: impl FnOnce(&mut File) -> io::Result<T>,
    ) -> io::Result<T> {
        self.folder.write_by(&self.name, access, write)
    }

    /// Removes the file.
    pub fn remove(&self) -> io::Result<()> {
        self.folder.remove_file(&self.name)
    }

    /// Whether an open file is the one that is there.
    pub fn holds(&self, file: &File) -> io::Result<bool> {
        use std::os::unix::fs::MetadataExt;
        let own = file.metadata()?;
        Ok(self.find()?.is_some_and(|found| found.id == (own.dev(), own.ino())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_file_is_made_once_and_a_link_at_its_place_is_neither_followed_nor_kept_locked() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::at(&folder.path().join("lock")).unwrap();
        assert!(place.find().unwrap().is_none());
        let file = place.open_or_create(Access::Private).unwrap();
        assert!(place.holds(&file).unwrap());
        assert!(place.holds(&place.open_or_create(Access::Private).unwrap()).unwrap());
        place.remove().unwrap();
        assert!(!place.holds(&file).unwrap());
        fs::write(folder.path().join("secret"), b"s").unwrap();
        symlink("secret", folder.path().join("lock")).unwrap();
        assert!(place.open_or_create(Access::Private).is_err());
        symlink("nowhere", folder.path().join("other")).unwrap();
        let dangling = Place::at(&folder.path().join("other")).unwrap();
        assert!(dangling.open_or_create(Access::Private).is_err());
        assert!(!folder.path().join("nowhere").exists());
    }
}
