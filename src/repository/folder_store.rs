//! A repository as files in a folder. Each file is written under a name outside the repository's
//! own, flushed, renamed, and its name made durable: a kill leaves whole files or drafts, and
//! drafts are swept away.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use disk_prep::sys::durable;
use rustic_core::{
    BytesList, ErrorKind as LibraryKind, FileType, Id, ReadBackend, RusticError, RusticResult,
    WriteBackend,
};
use walkdir::WalkDir;

use super::{Error, Store};

const DRAFT: &str = ".draft";
const TYPES: [FileType; 4] = [FileType::Pack, FileType::Index, FileType::Key, FileType::Snapshot];

/// A folder with a repository.
#[derive(Debug)]
pub struct FolderStore {
    root: PathBuf,
    /// What went wrong below the library, which keeps only a text of it.
    fault: Mutex<Option<(PathBuf, io::Error)>>,
    is_broken: AtomicBool,
}

impl FolderStore {
    /// The folder; it need not exist.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        FolderStore {
            root: root.into(),
            fault: Mutex::new(None),
            is_broken: AtomicBool::new(false),
        }
    }

    /// Whether a repository was begun here.
    pub fn has_config(&self) -> bool {
        self.root.join("config").exists()
    }

    /// Removes what a killed run left half-written; returns how many files.
    pub fn sweep(&self) -> Result<usize, Error> {
        let mut swept = 0;
        for path in self.drafts() {
            fs::remove_file(&path).map_err(|source| Error::Store { path, source })?;
            swept += 1;
        }
        Ok(swept)
    }

    /// Removes the key of a run that was killed before it wrote `config`: a second one beside it
    /// would hold another master key. Where data lies without a `config`, nothing is touched.
    pub fn clear_unborn(&self) -> Result<(), Error> {
        let holds = |name: &&str| {
            let files = WalkDir::new(self.root.join(name)).into_iter().flatten();
            files.into_iter().any(|entry| entry.file_type().is_file())
        };
        if ["data", "index", "snapshots"].iter().any(holds) {
            return Err(Error::Damaged { remarks: vec!["its config is missing".to_owned()] });
        }
        let path = self.root.join("keys");
        match fs::remove_dir_all(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                Err(Error::Store { path, source })
            }
            _ => Ok(()),
        }
    }

    fn drafts(&self) -> Vec<PathBuf> {
        WalkDir::new(&self.root)
            .into_iter()
            .flatten()
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| entry.into_path())
            .filter(|path| path.to_string_lossy().ends_with(DRAFT))
            .collect()
    }

    fn path(&self, kind: FileType, id: &Id) -> PathBuf {
        let name = id.to_hex().to_string();
        match kind {
            FileType::Config => self.root.join("config"),
            FileType::Pack => self.root.join("data").join(&name[..2]).join(name),
            _ => self.root.join(kind.dirname()).join(name),
        }
    }

    fn failed(&self, path: &Path, error: io::Error) -> Box<RusticError> {
        let text = format!("{}: {error}", path.display());
        // The first one is the cause of the others.
        let mut fault = self.fault.lock().expect("no holder of this lock can panic");
        fault.get_or_insert_with(|| (path.to_owned(), error));
        RusticError::new(LibraryKind::Backend, text)
    }

    fn write(&self, path: &Path, content: &BytesList) -> io::Result<()> {
        let folder = path.parent().unwrap_or(&self.root);
        if !folder.exists() {
            fs::create_dir_all(folder)?;
            durable::sync_folder(folder.parent().unwrap_or(&self.root))?;
        }
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(DRAFT);
        let draft = folder.join(name);
        let written = File::create(&draft)
            .and_then(|mut file| {
                content.slice().iter().try_for_each(|part| file.write_all(part))?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&draft, path))
            .and_then(|()| durable::sync_folder(folder));
        if written.is_err() {
            // The first error is the one to tell; the next run sweeps.
            let _ = fs::remove_file(&draft);
        }
        written
    }
}

impl Store for FolderStore {
    fn take_fault(&self) -> Option<Error> {
        let fault = self.fault.lock().expect("no holder of this lock can panic").take();
        fault.map(|(path, source)| match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::Full { path },
            _ => Error::Store { path, source },
        })
    }

    fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }

    fn backend(self: Arc<Self>) -> Arc<dyn WriteBackend> {
        self
    }
}

impl ReadBackend for FolderStore {
    fn location(&self) -> String {
        self.root.display().to_string()
    }

    fn list_with_size(&self, kind: FileType) -> RusticResult<Vec<(Id, u32)>> {
        if kind == FileType::Config {
            let size = |metadata: fs::Metadata| (Id::default(), metadata.len() as u32);
            return Ok(fs::metadata(self.root.join("config")).map(size).into_iter().collect());
        }
        let folder = self.root.join(kind.dirname());
        let mut files = Vec::new();
        for entry in WalkDir::new(&folder) {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let error = io::Error::from(error);
                    if error.kind() == ErrorKind::NotFound {
                        continue;
                    }
                    return Err(self.failed(&folder, error));
                }
            };
            let Ok(id) = entry.file_name().to_string_lossy().parse::<Id>() else { continue };
            let metadata =
                entry.metadata().map_err(|error| self.failed(entry.path(), error.into()))?;
            files.push((id, u32::try_from(metadata.len()).unwrap_or(u32::MAX)));
        }
        Ok(files)
    }

    fn read_full(&self, kind: FileType, id: &Id) -> RusticResult<Bytes> {
        let path = self.path(kind, id);
        fs::read(&path).map(Bytes::from).map_err(|error| self.failed(&path, error))
    }

    fn read_partial(
        &self,
        kind: FileType,
        id: &Id,
        _cacheable: bool,
        offset: u32,
        length: u32,
    ) -> RusticResult<Bytes> {
        let path = self.path(kind, id);
        let mut part = vec![0; length as usize];
        File::open(&path)
            .and_then(|file| file.read_exact_at(&mut part, offset.into()))
            .map_err(|error| self.failed(&path, error))?;
        Ok(part.into())
    }

    fn warmup_path(&self, kind: FileType, id: &Id) -> String {
        self.path(kind, id).display().to_string()
    }
}

impl WriteBackend for FolderStore {
    fn create(&self) -> RusticResult<()> {
        for kind in TYPES {
            let folder = self.root.join(kind.dirname());
            fs::create_dir_all(&folder).map_err(|error| self.failed(&folder, error))?;
        }
        Ok(())
    }

    fn write_bytes(
        &self,
        kind: FileType,
        id: &Id,
        _cacheable: bool,
        content: BytesList,
    ) -> RusticResult<()> {
        let path = self.path(kind, id);
        self.write(&path, &content).map_err(|error| {
            self.is_broken.store(true, Ordering::Relaxed);
            self.failed(&path, error)
        })
    }

    fn remove(&self, kind: FileType, id: &Id, _cacheable: bool) -> RusticResult<()> {
        let path = self.path(kind, id);
        fs::remove_file(&path).map_err(|error| self.failed(&path, error))
    }
}
