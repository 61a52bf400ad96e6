//! Proves that a recovery password opens a drive: against the boxed key that its journal holds, and
//! against the volume that lies on it. Writes nothing, and knows nothing of where the password
//! comes from.

use crate::drive::{self, Drive};
use crate::journal::Begun;
use crate::noun::{Diagnose, ErrorKind, Hint, OnDrive, RecoveryPassword, Serial};
use crate::verify::open;
use crate::volume::bitlocker::write::{self, StretchedKey, VolumeKey, regain, stretch};
use crate::volume::view::{ViewError, find_volume, unlock};

/// Why a password is not proven.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The key in the journal stays shut.
    #[error("The recovery password does not open the key in the journal of drive {serial}")]
    Journal {
        /// The drive.
        serial: Serial,
        /// Why.
        #[source]
        source: write::Error,
    },
    /// The volume stays shut.
    #[error("The recovery password does not open the volume of drive {serial}")]
    Volume {
        /// The drive.
        serial: Serial,
        /// Why.
        #[source]
        source: ViewError,
    },
    /// It is another drive, or cannot be opened at all.
    #[error(transparent)]
    Drive(#[from] drive::Error),
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::Journal { .. } | Error::Volume { .. } => "escrow-failed",
            Error::Drive(error) => error.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Error::Journal { .. } | Error::Volume { .. } => ErrorKind::Difference,
            Error::Drive(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Error::Journal { .. } | Error::Volume { .. } => None,
            Error::Drive(error) => error.hint(),
        }
    }
}

/// The volume key out of the block that a journal keeps, with the key that `stretch` makes of a
/// password.
pub(crate) fn regained(
    begun: &Begun,
    stretch: impl FnOnce(&[u8; 16]) -> StretchedKey,
) -> Result<VolumeKey, write::Error> {
    let block = begun.metadata_block.0.as_slice().try_into();
    let block = block.map_err(|_| write::Error::DamagedBlock { at: begun.metadata_block.0.len() });
    block.and_then(|block| regain(block, stretch))
}

/// Proves it without the drive: the journal keeps the metadata block that lies on the drive, and
/// only the right password opens the key in it.
pub fn by_journal(begun: &Begun, password: &RecoveryPassword) -> Result<(), Error> {
    let serial = || begun.serial.clone();
    let key = regained(begun, |salt| stretch(password, salt));
    key.map(drop).map_err(|source| Error::Journal { serial: serial(), source })
}

/// Proves it by unlocking the volume that lies on the drive, which must be the journal's.
pub fn by_drive(drive: &Drive, begun: &Begun, password: &RecoveryPassword) -> Result<(), Error> {
    let serial = &begun.serial;
    let shut = |source| Error::Volume { serial: serial.clone(), source };
    let device = open(drive)?;
    let (tables, place) = find_volume(&device).map_err(shut)?;
    if !tables.names_disk(begun.disk_guid) {
        let what = "neither partition table is the one that was written".to_owned();
        let error = Err(drive::Fault::WrongDrive { what }).on(serial);
        return error.map_err(|error| drive::Error::OfDrive(error).into());
    }
    unlock(&device, place, password).map(drop).map_err(shut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Base64, KeptPassword};
    use crate::manifest::Profile;
    use crate::prepare::tests::Bench;

    #[test]
    fn only_the_password_that_made_the_block_opens_the_journals_key() {
        let bench = Bench::blank(Profile::Legacy, Vec::new());
        let begun = bench.begun();
        let KeptPassword::Clear(right) = &begun.recovery_password else { panic!("it is clear") };
        by_journal(begun, right).unwrap();
        let wrong = by_journal(begun, &RecoveryPassword::from_key([9; 16])).unwrap_err();
        assert_eq!((wrong.code(), wrong.kind()), ("escrow-failed", ErrorKind::Difference));
        let short = Begun { metadata_block: Base64(vec![0; 9]), ..begun.clone() };
        assert!(matches!(by_journal(&short, right), Err(Error::Journal { .. })));
    }
}
