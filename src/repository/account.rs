//! What becomes of the files of a backup while they are read, told by the walk and by every
//! reader of a file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use disk_prep::sys::hold::hold;

use super::not_read::{Loss, NotRead};

/// The tag of a snapshot whose source had lost more than half of its files or bytes when it was
/// made, and nobody had accepted that yet.
pub const SHRUNK_TAG: &str = "azseed-shrunk";

/// Files of a source and their bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceTotals {
    /// The source.
    pub path: PathBuf,
    /// What it holds that is no folder.
    pub files: u64,
    /// Bytes of its files.
    pub bytes: u64,
}

/// The account, shared by all who read.
#[derive(Debug, Clone, Default)]
pub(super) struct Account(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    /// What could not be read.
    lost: Vec<NotRead>,
    /// What changed while it was read, and how many bytes of it the backup holds.
    changed: BTreeMap<PathBuf, u64>,
    sources: Vec<SourceTotals>,
}

/// A book that is closed.
#[derive(Debug, Default)]
pub(super) struct Closed {
    pub lost: Vec<NotRead>,
    /// What changed while it was read: the path, a colon, what the backup holds of it.
    pub changed: Vec<String>,
    pub sources: Vec<SourceTotals>,
}

impl Account {
    /// An account of these sources.
    pub fn of(sources: &[PathBuf]) -> Self {
        let empty = |path: &PathBuf| SourceTotals { path: path.clone(), files: 0, bytes: 0 };
        let sources = sources.iter().map(empty).collect();
        Account(Arc::new(Mutex::new(Book { sources, ..Book::default() })))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        hold(&self.0)
    }

    /// Something that could not be read.
    pub fn lose(&self, what: NotRead) {
        self.book().lost.push(what);
    }

    /// What is taken, before it is read.
    pub fn take(&self, path: &Path, bytes: u64) {
        for own in self.book().sources.iter_mut().filter(|own| path.starts_with(&own.path)) {
            own.files += 1;
            own.bytes = own.bytes.saturating_add(bytes);
        }
    }

    /// What was taken and is not held after all.
    pub fn give_back(&self, path: &Path, bytes: u64) {
        for own in self.book().sources.iter_mut().filter(|own| path.starts_with(&own.path)) {
            own.files = own.files.saturating_sub(1);
            own.bytes = own.bytes.saturating_sub(bytes);
        }
    }

    /// A file that was taken and could not be read.
    pub fn lose_file(&self, path: &Path, bytes: u64, reason: &dyn std::fmt::Display) {
        self.give_back(path, bytes);
        self.lose(NotRead::new(path, Loss::Unreadable, reason.to_string()));
    }

    /// A file that is held as its first `bytes` were, and is another by now.
    pub fn change(&self, path: &Path, bytes: u64) {
        // One that is read again, since it ended early, is held as it was read last.
        self.book().changed.insert(path.to_owned(), bytes);
    }

    /// Ends the account.
    pub fn close(&self) -> Closed {
        let book = std::mem::take(&mut *self.book());
        let held = |(path, bytes): (PathBuf, u64)| {
            format!("{}: changed while it was read; {bytes} bytes are held", path.display())
        };
        let changed = book.changed.into_iter().map(held).collect();
        Closed { lost: book.lost, changed, sources: book.sources }
    }
}
