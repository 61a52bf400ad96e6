//! Who is told what is about to be written into a folder of journals, before it is: so that a
//! machine knows its own records again, also those that a kill left behind its last look.

use std::fmt;
use std::io;

use crate::noun::Sha256Digest;

/// What will be written next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent<'a> {
    /// A record of a journal.
    Record {
        /// Mark of the journal's first record, by which it is known under any name.
        first: &'a str,
        /// Bytes of the journal with the record.
        bytes: u64,
        /// Mark of the record.
        mark: &'a str,
    },
    /// A plan file.
    Plan {
        /// Its name.
        name: &'a str,
        /// What it will hold.
        sha256: &'a Sha256Digest,
    },
    /// A journal is put out of the way.
    Retire {
        /// Mark of its first record.
        first: &'a str,
    },
}

/// Is told before it is done; an error keeps it from being done.
pub trait Witness: fmt::Debug + Send + Sync {
    /// When it returns, it is kept.
    fn tell(&self, intent: &Intent<'_>) -> io::Result<()>;
}

/// Where nobody wants to know.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Witness for Unwatched {
    fn tell(&self, _: &Intent<'_>) -> io::Result<()> {
        Ok(())
    }
}
