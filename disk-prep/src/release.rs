//! Gives a drive up: the claim of a dead run on it, or its place in a job that it will not be
//! shipped with. The drive itself is not touched.

use crate::Error;
use crate::drive;
use crate::journal::{self, CopyState, Holder, Journal, JournalFault, JournalFolder, Record};
use crate::noun::Serial;

/// What there is to give up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// The claim of a run on another machine, alive or dead; what it began stays begun.
    Claim(Holder),
    /// What was begun, sealed or set aside: its files are planned anew for other drives.
    Place,
    /// The same of a drive whose journal is damaged, so that nobody can go on with it.
    Damaged,
    /// Nothing: it was given up before.
    None,
}

/// Looks at what a release would give up.
pub fn look(journals: &JournalFolder, serial: &Serial) -> Result<Hold, Error> {
    match journals.holder(serial)? {
        Some(holder) => Ok(Hold::Claim(holder)),
        None => match read(journals, serial) {
            // One of another drive that lies under this name is that drive's, and stays.
            Err(Error::Journal(journal::Error::Damaged { fault, .. }))
                if !matches!(fault, JournalFault::OtherName { .. }) =>
            {
                Ok(Hold::Damaged)
            }
            journal => match journal?.history().state {
                CopyState::Released => Ok(Hold::None),
                _ => Ok(Hold::Place),
            },
        },
    }
}

/// Gives up what [`look`] found. A run that is alive keeps its claim.
pub fn release(journals: &JournalFolder, serial: &Serial, hold: &Hold) -> Result<(), Error> {
    match hold {
        Hold::None => Ok(()),
        Hold::Claim(_) => Ok(journals.free(serial)?),
        Hold::Damaged => {
            let _claim = journals.claim(serial)?;
            Ok(journals.retire(serial)?)
        }
        Hold::Place => {
            let _claim = journals.claim(serial)?;
            let _planning = journals.claim_planning()?;
            Ok(read(journals, serial)?.append(Record::Released)?)
        }
    }
}

fn read(journals: &JournalFolder, serial: &Serial) -> Result<Journal, Error> {
    let none = || drive::Error::NoSuchDrive { name: serial.to_string() };
    Ok(journals.go_on(serial)?.ok_or_else(none)?)
}
