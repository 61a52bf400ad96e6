//! Proofs of the escrow: what was sealed is opened as somebody does who has lost this machine, and
//! what comes out has to open the drive.

use std::path::PathBuf;

use disk_prep::drive::{Drive, NamedDrive};
use disk_prep::journal::{Begun, JournalFolder, KeptPassword};
use disk_prep::known::find_known;
use disk_prep::noun::{Diagnose, ErrorKind, Hint, Serial};
use disk_prep::prepare::PreparedDrive;
use disk_prep::prove;

use crate::custody::{Deed, ProvenBy};
use crate::escrow::{self, Keeper};
use crate::outcome::Failure;

/// What the escrow of a drive's recovery password is worth.
#[derive(Debug)]
pub enum Escrow {
    /// There is none: the password stands clear in the journal, which nobody else can read.
    Clear,
    /// It was not tried, since what opens it is not here.
    Unproven(escrow::Error),
    /// What came out of it has opened the drive.
    Proven(Proof),
    /// It does not open, or what came out does not open the drive.
    Failed(Failure),
}

/// What a recovery password has opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The volume on the drive, and the key in its journal.
    Drive,
    /// The key in the journal alone: the drive was not at hand.
    Journal,
}

/// The escrow of one drive.
#[derive(Debug)]
pub struct Escrowed {
    /// The drive.
    pub serial: Serial,
    /// What it is worth.
    pub escrow: Escrow,
}

impl Escrowed {
    /// The entry of the custody log, if it was tried.
    pub(super) fn deed(&self) -> Option<Deed> {
        let serial = self.serial.clone();
        match &self.escrow {
            Escrow::Clear | Escrow::Unproven(_) => None,
            Escrow::Proven(Proof::Drive) => {
                Some(Deed::Proven { serial, proven_by: ProvenBy::Drive })
            }
            Escrow::Proven(Proof::Journal) => {
                Some(Deed::Proven { serial, proven_by: ProvenBy::Journal })
            }
            Escrow::Failed(failure) => {
                Some(Deed::NotProven { serial, code: failure.0.code().to_owned() })
            }
        }
    }
}

/// What was sealed does not open the drive.
#[derive(Debug, thiserror::Error)]
#[error("The escrow of drive {serial} does not open it")]
struct EscrowFailed {
    serial: Serial,
    #[source]
    source: escrow::Error,
}

impl Diagnose for EscrowFailed {
    fn code(&self) -> &'static str {
        "escrow-failed"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Difference
    }
    fn hint(&self) -> Option<Hint> {
        self.source.hint()
    }
}

/// Proves the escrow of one drive, with the drive where it is at hand. An error means that the proof
/// could not be tried.
pub fn prove(begun: &Begun, drive: Option<&Drive>, keeper: &Keeper) -> Result<Escrow, Failure> {
    let KeptPassword::Sealed { sealed } = &begun.recovery_password else {
        return Ok(Escrow::Clear);
    };
    let serial = || begun.serial.clone();
    let password = match keeper.reopen(sealed) {
        Ok(password) => password,
        Err(error @ (escrow::Error::NoPassword | escrow::Error::NoIdentity)) => {
            return Ok(Escrow::Unproven(error));
        }
        Err(
            source @ (escrow::Error::WrongPassword { .. }
            | escrow::Error::WrongIdentity { .. }
            | escrow::Error::Damaged),
        ) => return Ok(Escrow::Failed(EscrowFailed { serial: serial(), source }.into())),
        Err(error) => return Err(error.into()),
    };
    let opened = prove::by_journal(begun, &password).and_then(|()| match drive {
        Some(drive) => prove::by_drive(drive, begun, &password).map(|()| Proof::Drive),
        None => Ok(Proof::Journal),
    });
    match opened {
        Ok(proof) => Ok(Escrow::Proven(proof)),
        Err(prove::Error::Drive(error)) => Err(error.into()),
        Err(error) => Ok(Escrow::Failed(error.into())),
    }
}

/// Proves the escrow of all drives that a preparation has sealed: of those at hand by unlocking them.
/// The identity is that which was named for it, and no other.
pub(super) fn prove_all(
    sealed: &[PreparedDrive],
    drives: &[NamedDrive],
    folder: &JournalFolder,
    keeper: &Keeper,
    identity: Option<PathBuf>,
) -> Result<Vec<Escrowed>, Failure> {
    let (state, password_file) = (keeper.state.clone(), keeper.password_file.clone());
    let keeper = Keeper { state, recipient: None, password_file, identity };
    let mut escrows = Vec::new();
    for PreparedDrive { serial, .. } in sealed {
        let Some(history) = folder.survey_of(serial)? else { continue };
        let named = drives.iter().find(|named| named.drive.serial == *serial);
        // An image that was yet to be made is there now.
        let found = named.map(|named| find_known(&named.name, std::slice::from_ref(folder)));
        let drive = found.transpose()?.map(|found| found.drive);
        let escrow = prove(&history.begun, drive.as_ref(), &keeper)?;
        escrows.push(Escrowed { serial: serial.clone(), escrow });
    }
    Ok(escrows)
}
