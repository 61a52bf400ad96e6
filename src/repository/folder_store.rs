//! A repository as files in a folder. Each file is written under a name outside the repository's
//! own, flushed, renamed, and its name made durable: a kill leaves whole files or drafts, and
//! drafts are swept away.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use disk_prep::noun::plain_word;
use disk_prep::sys::beneath::{About, Folder, Kind, Unexpected};
use disk_prep::sys::durable::Access;
use disk_prep::sys::hold::hold;
use rustic_core::{
    BytesList, ErrorKind as LibraryKind, FileType, Id, ReadBackend, RusticError, RusticResult,
    WriteBackend,
};

use super::error::Error;
use super::store::Store;

const DRAFT: &str = ".draft";
const TYPES: [FileType; 4] = [FileType::Pack, FileType::Index, FileType::Key, FileType::Snapshot];

/// Bytes of a pack, at most: its parts are addressed with 32 bits.
const PACK_BYTES: u64 = u32::MAX as u64;
/// Bytes of any other file, at most; an index has a few MiB.
const FILE_BYTES: u64 = 512 << 20;
/// Folders in folders, at most: packs lie two deep.
const DEPTH: usize = 4;
/// The folders of a repository are closed to others.
const FOLDER_MODE: u32 = 0o700;

/// Whether files with several names are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linked {
    /// Where strangers may write, a second name may be of a file that is not theirs.
    Refused,
    /// A repository that somebody keeps may be a copy made of links.
    Accepted,
}

/// A folder with a repository. It is reached from its handle, and no link in it is followed.
#[derive(Debug)]
pub struct FolderStore {
    base: Arc<Folder>,
    below: PathBuf,
    linked: Linked,
    /// Ends the names of files that this writer has not finished.
    draft: String,
    /// What went wrong below the library, which keeps only a text of it.
    fault: Mutex<Option<(PathBuf, io::Error)>>,
    is_broken: AtomicBool,
}

impl FolderStore {
    /// The folder `below` another one, which it is when that is empty; it need not exist.
    pub fn new(base: Arc<Folder>, below: impl Into<PathBuf>, linked: Linked) -> Self {
        let (fault, is_broken) = (Mutex::new(None), AtomicBool::new(false));
        let draft = DRAFT.to_owned();
        FolderStore { base, below: below.into(), linked, draft, fault, is_broken }
    }

    /// The same for one of several writers, whose unfinished files are told apart from the others'.
    pub fn written_by(self, writer: &str) -> Self {
        FolderStore { draft: format!(".{}{DRAFT}", plain_word(writer)), ..self }
    }

    /// A folder of a test.
    #[cfg(test)]
    pub(super) fn of(base: &Path, below: &str) -> Self {
        FolderStore::new(
            Arc::new(Folder::open(base).expect("the folder of a test")),
            below,
            Linked::Refused,
        )
    }

    fn root(&self) -> PathBuf {
        self.base.path().join(&self.below)
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        match self.linked {
            Linked::Refused => self.base.file(path),
            Linked::Accepted => self.base.linked_file(path),
        }
    }

    /// Whether a repository was begun here.
    pub fn has_config(&self) -> bool {
        self.base.find(&self.below.join("config")).is_ok_and(|found| found.is_some())
    }

    /// Whether there is such a file.
    pub(super) fn has(&self, kind: FileType, id: &Id) -> bool {
        self.base.find(&self.path(kind, id)).is_ok_and(|found| found.is_some())
    }

    /// Removes what killed runs left half-written, of whatever writer; returns how many files.
    pub fn sweep(&self) -> Result<usize, Error> {
        self.sweep_ending(DRAFT)
    }

    /// Removes what a killed run of this writer left half-written.
    pub fn sweep_own(&self) -> Result<usize, Error> {
        self.sweep_ending(&self.draft)
    }

    fn sweep_ending(&self, end: &str) -> Result<usize, Error> {
        let mut swept = 0;
        for (path, _) in self.files("").map_err(|source| self.lost("", source))? {
            if path.to_string_lossy().ends_with(end) {
                self.base.remove_file(&path).map_err(|source| self.lost(&path, source))?;
                swept += 1;
            }
        }
        Ok(swept)
    }

    /// Removes the key of a run that was killed before it wrote `config`: a second one beside it
    /// would hold another master key. Where data lies without a `config`, nothing is touched.
    pub fn clear_unborn(&self) -> Result<(), Error> {
        for name in ["data", "index", "snapshots"] {
            let files = self.files(name).map_err(|source| self.lost(name, source))?;
            if !files.is_empty() {
                return Err(Error::Damaged { remarks: vec!["its config is missing".to_owned()] });
            }
        }
        for (path, _) in self.files("keys").map_err(|source| self.lost("keys", source))? {
            self.base.remove_file(&path).map_err(|source| self.lost(&path, source))?;
        }
        Ok(())
    }

    fn lost(&self, path: impl AsRef<Path>, source: io::Error) -> Error {
        Error::Store { path: self.root().join(path), source }
    }

    /// All files of a folder of the repository and of those below it, with their paths from the
    /// base; none if it does not exist.
    fn files(&self, name: &str) -> io::Result<Vec<(PathBuf, About)>> {
        let mut files = Vec::new();
        let mut left = vec![(self.below.join(name), DEPTH)];
        while let Some((path, depth)) = left.pop() {
            let names = match self.base.folder(&path).and_then(|folder| folder.names()) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                names => names?,
            };
            for name in names {
                let path = path.join(name);
                let Some(about) = self.base.find(&path)? else { continue };
                match about.kind {
                    Kind::File => files.push((path, about)),
                    Kind::Folder if depth > 0 => left.push((path, depth - 1)),
                    found => return Err(Unexpected::Kind { expected: Kind::File, found }.into()),
                }
            }
        }
        Ok(files)
    }

    fn path(&self, kind: FileType, id: &Id) -> PathBuf {
        let name = id.to_hex().to_string();
        self.below.join(match kind {
            FileType::Config => PathBuf::from("config"),
            FileType::Pack => Path::new("data").join(&name[..2]).join(name),
            _ => Path::new(kind.dirname()).join(name),
        })
    }

    fn failed(&self, path: &Path, error: io::Error) -> Box<RusticError> {
        let path = self.base.path().join(path);
        let text = format!("{}: {error}", path.display());
        // The first one is the cause of the others.
        let mut fault = hold(&self.fault);
        fault.get_or_insert_with(|| (path, error));
        RusticError::new(LibraryKind::Backend, text)
    }

    fn write(&self, path: &Path, content: &BytesList) -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let folder = self.base.make_folder(folder, FOLDER_MODE)?;
        let name = Path::new(path.file_name().unwrap_or_default());
        let mut draft = name.as_os_str().to_owned();
        draft.push(&self.draft);
        let draft = Path::new(&draft);
        match folder.remove_file(draft) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let written = folder
            .create(draft, Access::Private)
            .and_then(|mut file| {
                content.slice().iter().try_for_each(|part| file.write_all(part))?;
                file.sync_all()
            })
            .and_then(|()| folder.rename(draft, name))
            .and_then(|()| folder.sync());
        if written.is_err() {
            // The first error is the one to tell; the next run sweeps.
            let _ = folder.remove_file(draft);
        }
        written
    }
}

impl Store for FolderStore {
    fn take_fault(&self) -> Option<Error> {
        let fault = hold(&self.fault).take();
        fault.map(|(path, source)| match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::Full { path },
            _ => Error::Store { path, source },
        })
    }

    fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }

    /// A disk likes one file after the other.
    fn packs_at_once(&self) -> usize {
        1
    }

    fn backend(self: Arc<Self>) -> Arc<dyn WriteBackend> {
        self
    }
}

impl ReadBackend for FolderStore {
    fn location(&self) -> String {
        self.root().display().to_string()
    }

    fn list_with_size(&self, kind: FileType) -> RusticResult<Vec<(Id, u32)>> {
        let size = |about: About| u32::try_from(about.bytes).unwrap_or(u32::MAX);
        if kind == FileType::Config {
            let path = self.below.join("config");
            let found = self.base.find(&path).map_err(|error| self.failed(&path, error))?;
            return Ok(found.map(|about| (Id::default(), size(about))).into_iter().collect());
        }
        let name = kind.dirname();
        let files = self.files(name).map_err(|error| self.failed(&self.below.join(name), error))?;
        let id = |path: &Path| path.file_name()?.to_str()?.parse::<Id>().ok();
        Ok(files.into_iter().filter_map(|(path, about)| Some((id(&path)?, size(about)))).collect())
    }

    fn read_full(&self, kind: FileType, id: &Id) -> RusticResult<Bytes> {
        let path = self.path(kind, id);
        let most = if kind == FileType::Pack { PACK_BYTES } else { FILE_BYTES };
        let read = self.open(&path).and_then(|file| {
            let bytes = file.metadata()?.len();
            if bytes > most {
                return Err(Unexpected::Large { bytes, most }.into());
            }
            let mut content = Vec::new();
            file.take(bytes).read_to_end(&mut content)?;
            Ok(content)
        });
        read.map(Bytes::from).map_err(|error| self.failed(&path, error))
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
        let read = self.open(&path).and_then(|file| {
            let mut part = vec![0; length as usize];
            file.read_exact_at(&mut part, offset.into())?;
            Ok(part)
        });
        read.map(Bytes::from).map_err(|error| self.failed(&path, error))
    }

    fn warmup_path(&self, kind: FileType, id: &Id) -> String {
        self.base.path().join(self.path(kind, id)).display().to_string()
    }
}

impl WriteBackend for FolderStore {
    fn create(&self) -> RusticResult<()> {
        for kind in TYPES {
            let folder = self.below.join(kind.dirname());
            let made = self.base.make_folder(&folder, FOLDER_MODE);
            made.map_err(|error| self.failed(&folder, error))?;
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
        self.base.remove_file(&path).map_err(|error| self.failed(&path, error))
    }
}
