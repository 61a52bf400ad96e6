//! Where records go: a file that is appended to and flushed. Tests put another ledger in its
//! place to see what a crash at every point leaves.

use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};

use super::line::{Chain, decode};
use super::{Begun, History, Record};
use crate::Error;
use crate::sys::durable::{self, Access};

/// Takes bytes; when `append` returns they survive a power cut.
pub trait Ledger: Debug + Send {
    /// Appends and flushes.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// A ledger in a private file.
#[derive(Debug)]
pub struct FileLedger(File);

impl Ledger for FileLedger {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)?;
        self.0.sync_data()
    }
}

/// A drive's journal, open for appending; no other run has it. It knows what it says.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    ledger: Box<dyn Ledger>,
    chain: Chain,
    history: History,
}

impl Journal {
    /// Creates the journal of a drive with what is begun.
    pub fn create(path: &Path, begun: Begun) -> Result<Self, Error> {
        let at = |source| Error::JournalFile { path: path.to_owned(), source };
        let file = durable::create_new(path, Access::Private).map_err(at)?;
        lock(&file, path)?;
        let mode = file.metadata().map_err(at)?.permissions().mode();
        if mode & 0o077 != 0 {
            std::fs::remove_file(path).map_err(at)?;
            return Err(Error::ModesIgnored { path: path.to_owned() });
        }
        Journal::begin(path, Box::new(FileLedger(file)), begun)
    }

    /// Writes what is begun into an empty ledger.
    pub fn begin(path: &Path, ledger: Box<dyn Ledger>, begun: Begun) -> Result<Self, Error> {
        let record = Record::Begun(Box::new(begun.clone()));
        let (chain, history) = (Chain::default(), History::begin(begun));
        let mut journal = Journal { path: path.to_owned(), ledger, chain, history };
        journal.write(&record)?;
        Ok(journal)
    }

    /// Opens the journal of a drive to go on with it. A torn last record is cut off; `None` when
    /// not even the first record is whole, and the file is then removed.
    pub fn open(path: &Path) -> Result<Option<Self>, Error> {
        let at = |source| Error::JournalFile { path: path.to_owned(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .custom_flags(OFlags::NOFOLLOW.bits() as i32)
            .open(path)
            .map_err(at)?;
        lock(&file, path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(at)?;
        let (journal, whole) = Journal::go_on(path, &bytes, Box::new(VoidLedger))?;
        if whole < bytes.len() {
            file.set_len(whole as u64).and_then(|()| file.sync_all()).map_err(at)?;
        }
        if journal.is_none() {
            std::fs::remove_file(path).map_err(at)?;
        }
        Ok(journal.map(|journal| Journal { ledger: Box::new(FileLedger(file)), ..journal }))
    }

    /// Goes on after the whole records of `bytes`, which take the length returned.
    pub fn go_on(
        path: &Path,
        bytes: &[u8],
        ledger: Box<dyn Ledger>,
    ) -> Result<(Option<Self>, usize), Error> {
        let fault = |fault| Error::Journal { path: path.to_owned(), fault };
        let (records, chain, whole) = decode(bytes).map_err(fault)?;
        if records.is_empty() {
            return Ok((None, whole));
        }
        let history = History::replay(records).map_err(fault)?;
        Ok((Some(Journal { path: path.to_owned(), ledger, chain, history }), whole))
    }

    /// Reads a journal without holding it; `None` when not even the first record is whole.
    pub fn read(path: &Path) -> Result<Option<History>, Error> {
        let bytes = std::fs::read(path)
            .map_err(|source| Error::JournalFile { path: path.to_owned(), source })?;
        Ok(Journal::go_on(path, &bytes, Box::new(VoidLedger))?.0.map(|journal| journal.history))
    }

    /// What it says so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Adds a record; when this returns it survives a power cut.
    pub fn append(&mut self, record: Record) -> Result<(), Error> {
        self.write(&record)?;
        self.history.apply(record).expect("records are appended in the order that replay takes");
        Ok(())
    }

    fn write(&mut self, record: &Record) -> Result<(), Error> {
        let (line, next) = self.chain.encode(record);
        self.ledger
            .append(&line)
            .map_err(|source| Error::JournalFile { path: self.path.clone(), source })?;
        self.chain = next;
        Ok(())
    }
}

/// Takes nothing; stands behind a journal that is only read.
#[derive(Debug)]
struct VoidLedger;

impl Ledger for VoidLedger {
    fn append(&mut self, _bytes: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}

fn lock(file: &File, path: &Path) -> Result<(), Error> {
    flock(file, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| Error::Held { what: format!("The journal {}", path.display()) })
}
