//! A staging path, held open. It is input from others: everything below it is reached from its
//! handle, without links, and what its records say decides nothing outside of it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use disk_prep::journal::{JournalFolder, Witness};
use disk_prep::noun::with_unknown;
use disk_prep::sys::beneath::{Folder, Unexpected};
use disk_prep::sys::durable::Access;
use disk_prep::sys::place::Place;

use super::error::Error;
use super::seed::{Origin, Seed, is_plain};
use crate::repository::{FolderStore, Linked};

const JOURNALS: &str = "journals";
const SEED: &str = "seed.json";
/// Bytes of `seed.json`, at most: thousands of sources and patterns.
const SEED_BYTES: u64 = 8 << 20;
/// Folders on the way to a staging path that we make; what is secret below has its own mode.
const FOLDER_MODE: u32 = 0o755;

/// Keeps what this machine writes into a staging path, before it is written.
pub trait Memory: Witness {
    /// When it returns, it is kept.
    fn seed(&self, seed: &Seed) -> std::io::Result<()>;
}

/// A staging path, held open.
#[derive(Debug, Clone)]
pub struct Staging {
    root: Arc<Folder>,
    memory: Option<Memories>,
}

/// One memory, as both who ask for it know it.
#[derive(Debug, Clone)]
struct Memories {
    seeds: Arc<dyn Memory>,
    journals: Arc<dyn Witness>,
}

/// Where the data of a seed is.
#[derive(Debug, Clone)]
pub struct Data {
    /// The folder it is reached from.
    pub base: Arc<Folder>,
    /// Its path from there; empty if it is that folder.
    pub below: PathBuf,
    /// Whether files with several names are taken.
    pub linked: Linked,
}

impl Data {
    /// Where it is, for messages.
    pub fn path(&self) -> PathBuf {
        if self.below.as_os_str().is_empty() {
            return self.base.path().to_owned();
        }
        self.base.path().join(&self.below)
    }

    /// The folder, which must exist.
    pub fn open(&self) -> Result<Folder, Error> {
        let folder = self.base.folder(&self.below);
        folder.map_err(|source| Error::of_io(self.path(), source))
    }

    /// Refuses files of the data that have other names, unless such are taken: a name in a folder
    /// where strangers write may be that of a file of somebody else.
    pub fn check_names(&self, files: impl Iterator<Item = PathBuf>) -> Result<(), Error> {
        if self.linked == Linked::Accepted {
            return Ok(());
        }
        let folder = self.open()?;
        for file in files {
            let at = |source| Error::of_io(self.path().join(&file), source);
            let link_count = folder.about(&file).map_err(at)?.link_count;
            if link_count > 1 {
                return Err(at(Unexpected::Links { link_count }.into()));
            }
        }
        Ok(())
    }

    /// Opens a file of the data to read.
    pub fn file(&self, path: &Path) -> std::io::Result<File> {
        let path = self.below.join(path);
        match self.linked {
            Linked::Refused => self.base.file(&path),
            Linked::Accepted => self.base.linked_file(&path),
        }
    }

    /// Removes these files of the data, and folders of a repository that are empty then; returns
    /// how many files. What is not there is not missed.
    pub fn clear<'a>(&self, files: impl Iterator<Item = &'a Path>) -> Result<u64, Error> {
        let (mut deleted, mut folders) = (0, BTreeSet::new());
        folders.extend(LAYOUT.iter().map(|name| self.below.join(name)));
        for path in files.filter(|path| is_of_repository(path)) {
            let path = self.below.join(path);
            match self.base.remove_file(&path) {
                Ok(()) => deleted += 1,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(source) => return Err(Error::of_io(self.base.path().join(path), source)),
            }
            let above = path.ancestors().skip(1).take_while(|above| above.starts_with(&self.below));
            folders.extend(above.map(Path::to_owned));
        }
        folders.retain(|folder| !folder.as_os_str().is_empty());
        for folder in folders.iter().rev() {
            match self.base.remove_folder(folder) {
                // One that holds somebody's file stays, and so does what is no folder.
                Ok(()) => {}
                Err(error) if is_left(&error) => {}
                Err(source) => return Err(Error::of_io(self.base.path().join(folder), source)),
            }
        }
        Ok(deleted)
    }

    /// Whether the folder is there.
    pub fn exists(&self) -> Result<bool, Error> {
        let found = self.base.find(&self.below);
        found.map(|found| found.is_some()).map_err(|source| Error::of_io(self.path(), source))
    }

    /// The folder as a repository.
    pub fn store(&self) -> FolderStore {
        FolderStore::new(Arc::clone(&self.base), &self.below, self.linked)
    }
}

/// A path that can be typed behind a flag, too: one with a hyphen at its beginning is no flag.
fn plain(path: &Path) -> Cow<'_, Path> {
    match path.as_os_str().as_encoded_bytes() {
        [b'-', ..] => Cow::Owned(Path::new(".").join(path)),
        _ => Cow::Borrowed(path),
    }
}

impl Staging {
    /// Opens a staging path that the caller named; links on the way to it are followed.
    pub fn open(path: &Path) -> Result<Self, Error> {
        match Folder::open(&plain(path)) {
            Ok(root) => Ok(Staging { root: Arc::new(root), memory: None }),
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
                Err(Error::NotStaging { path: path.to_owned() })
            }
            Err(source) => Err(Error::of_io(path.to_owned(), source)),
        }
    }

    /// The same, and makes it if it is not there, with the folders above it.
    pub fn make(path: &Path) -> Result<Self, Error> {
        let at = |source| Error::of_io(path.to_owned(), source);
        let whole = std::path::absolute(path).map_err(at)?;
        let is_there = |above: &&Path| above.exists();
        let above = whole.ancestors().find(is_there).unwrap_or(Path::new("/"));
        let missing = whole.strip_prefix(above).unwrap_or(Path::new(""));
        if !missing.as_os_str().is_empty() {
            let above = Folder::open(above).map_err(at)?;
            above.make_folder(missing, FOLDER_MODE).map_err(at)?;
        }
        Staging::open(path)
    }

    /// The same, and what this machine writes there is kept first.
    pub fn remembered<M: Memory + 'static>(self, memory: Arc<M>) -> Self {
        let memories = Memories { seeds: memory.clone(), journals: memory };
        Staging { memory: Some(memories), ..self }
    }

    /// The path as it was named.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// Its handle.
    pub fn root(&self) -> &Arc<Folder> {
        &self.root
    }

    /// The place of a file in it.
    pub fn place(&self, name: &str) -> Result<Place, Error> {
        let root = self.root.again().map_err(|source| Error::of_io(self.path().into(), source))?;
        Ok(Place::new(root, name))
    }

    /// The journals of its drives.
    pub fn journals(&self) -> JournalFolder {
        let journals = JournalFolder::beneath(Arc::clone(&self.root), JOURNALS);
        match &self.memory {
            Some(memory) => journals.watched_by(Arc::clone(&memory.journals)),
            None => journals,
        }
    }

    /// Where the data of its seed is. Data that was written by us is below; adopted data may be
    /// elsewhere, and the way to it is then as it was named.
    pub fn data(&self, seed: &Seed) -> Result<Data, Error> {
        let root = || Arc::clone(&self.root);
        if seed.data.is_relative() {
            let below = seed.data.clone();
            return Ok(Data { base: root(), below, linked: Linked::Refused });
        }
        let refused = || seed.misplaced(self.path());
        let inside = |base: &Path| seed.data.starts_with(base);
        let own = std::fs::canonicalize(self.path()).ok();
        if seed.origin == Origin::Written || own.as_deref().is_some_and(inside) {
            return Err(refused());
        }
        let base = Folder::open(&seed.data);
        let base = base.map_err(|source| Error::of_io(seed.data.clone(), source))?;
        Ok(Data { base: Arc::new(base), below: PathBuf::new(), linked: Linked::Accepted })
    }

    /// The text of its seed, if there is one.
    pub(super) fn read_seed(&self) -> Result<Option<Vec<u8>>, Error> {
        match self.root.read(Path::new(SEED), SEED_BYTES) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::of_io(self.seed_path(), source)),
        }
    }

    /// Replaces its seed, whole or not at all.
    pub(super) fn write_seed(&self, seed: &Seed, text: &[u8]) -> Result<(), Error> {
        let kept = self.memory.as_ref().map_or(Ok(()), |memory| memory.seeds.seed(seed));
        let written = kept.and_then(|()| self.root.write(Path::new(SEED), text, Access::Public));
        written.map_err(|source| Error::of_io(self.seed_path(), source))
    }

    pub(super) fn seed_path(&self) -> PathBuf {
        self.path().join(SEED)
    }
}

/// Whether the record of a seed lies in a folder, whatever it says.
pub fn has_record(folder: &Path) -> bool {
    folder.join(SEED).symlink_metadata().is_ok()
}

impl Seed {
    /// Reads the seed of a staging path.
    pub fn open(staging: &Staging) -> Result<Self, Error> {
        let none = || Error::NotStaging { path: staging.path().to_owned() };
        Seed::find(staging)?.ok_or_else(none)
    }

    /// Reads the seed of a staging path, if there is one.
    pub fn find(staging: &Staging) -> Result<Option<Self>, Error> {
        let Some(text) = staging.read_seed()? else { return Ok(None) };
        Seed::parse(&staging.seed_path(), &text).map(Some)
    }

    /// Whether a file of this name is what a killed run left of a half-written seed.
    pub(super) fn is_draft(name: &OsStr) -> bool {
        let name = name.as_encoded_bytes();
        name.starts_with(SEED.as_bytes()) && name.ends_with(b".new")
    }

    /// Writes the seed into a staging path, whole or not at all. What another version wrote into
    /// it and this one does not know stays.
    pub fn save(&self, staging: &Staging) -> Result<(), Error> {
        let before = staging.read_seed()?.unwrap_or_default();
        let mut text = with_unknown(&before, self)
            .and_then(|seed| serde_json::to_vec_pretty(&seed))
            .expect("a seed holds only texts and numbers");
        text.push(b'\n');
        staging.write_seed(self, &text)
    }

    /// Where the data is, for messages.
    pub fn data_path(&self, staging: &Staging) -> PathBuf {
        staging.path().join(&self.data)
    }
}

/// Folders of a repository.
const LAYOUT: [&str; 5] = ["data", "index", "keys", "snapshots", "locks"];

/// Whether a path is one of a repository's files.
fn is_of_repository(path: &Path) -> bool {
    let mut parts = path.components();
    let first = parts.next().and_then(|part| part.as_os_str().to_str());
    let is_layout = first.is_some_and(|first| LAYOUT.contains(&first));
    is_plain(path) && (path == Path::new("config") || (is_layout && parts.next().is_some()))
}

fn is_left(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{DirectoryNotEmpty, NotADirectory, NotFound};
    matches!(error.kind(), DirectoryNotEmpty | NotADirectory | NotFound)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::seed::{Destination, SeedKind};
    use super::*;

    #[test]
    fn a_seed_comes_back_and_damage_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let staging = Staging::open(folder.path()).unwrap();
        assert!(matches!(Seed::open(&staging), Err(Error::NotStaging { .. })));
        let seed = Seed::begin(
            Origin::Written,
            SeedKind::Repository,
            "repo".into(),
            Destination::example(),
            Timestamp::UNIX_EPOCH,
        );
        seed.save(&staging).unwrap();
        assert_eq!(Seed::open(&staging).unwrap(), seed);
        assert_eq!(seed.data_path(&staging), folder.path().join("repo"));
        let path = folder.path().join(SEED);
        std::fs::write(&path, "{\"version\":2}").unwrap();
        assert!(matches!(Seed::open(&staging), Err(Error::Newer { version: 2, .. })));
        std::fs::write(&path, "{\"version\":1}").unwrap();
        assert!(matches!(Seed::open(&staging), Err(Error::Damaged { .. })));
    }
}
