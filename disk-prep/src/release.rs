//! Gives a drive up: one that is sealed or begun for a job, and will not be shipped with it. Its
//! files are planned anew for other drives. The drive itself is not touched.

use crate::Error;
use crate::journal::{Journal, JournalFolder, Record, State};
use crate::noun::Serial;

/// What became of the drive's claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Released {
    /// It was given up now.
    Now,
    /// It was given up before, or had failed.
    Before,
}

/// Writes into a drive's journal that it was given up. No run may work on the folder meanwhile.
pub fn release(journals: &JournalFolder, serial: &Serial) -> Result<Released, Error> {
    let _lock = journals.lock()?;
    let path = journals.journal(serial);
    let none = || Error::NoSuchDrive { name: serial.to_string() };
    if !path.exists() {
        return Err(none());
    }
    let mut journal = Journal::open(&path)?.ok_or_else(none)?;
    match journal.history().state {
        State::Released | State::SetAside => Ok(Released::Before),
        _ => journal.append(Record::Released).map(|()| Released::Now),
    }
}
