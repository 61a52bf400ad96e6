//! Files of a repository that were damaged before they were copied. Such a file is equal on the drive, in
//! the manifest and in the container, and is still not what its name says: the name is the SHA-256 of what
//! it must hold.

use disk_prep::journal::{CopyState, Error, JournalFolder};
use disk_prep::noun::{Serial, Sha256Digest};

use super::seed_blobs::each_copied;
use crate::outcome::Failure;
use crate::repository::Place;
use crate::staging::{Seed, SeedKind};
use crate::vault;

/// A file of the repository that nobody can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misnamed {
    /// The sealed drive that has it.
    pub serial: Serial,
    /// Its path below the root of the repository.
    pub path: String,
    /// What it holds.
    pub sha256: Sha256Digest,
}

/// What sealed drives have under a name that is another content's. `prefix` stands before the blobs of
/// the repository.
pub(super) fn misnamed(
    prefix: &str,
    folder: &JournalFolder,
    serials: &[Serial],
) -> Result<Vec<Misnamed>, Error> {
    let mut all = Vec::new();
    for serial in serials {
        let history = folder.history(serial)?.filter(|history| history.sealed.is_some());
        let Some(history) = history else { continue };
        each_copied(prefix, folder, &history, |path, _, copied| -> Result<(), Error> {
            if Place::of(path).is_some_and(|place| !place.is_named_by(copied.sha256)) {
                let (serial, path, sha256) = (serial.clone(), path.to_owned(), copied.sha256);
                all.push(Misnamed { serial, path, sha256 });
            }
            Ok(())
        })?;
    }
    Ok(all)
}

/// Refuses to send drives of a seed of which nobody could read the backup.
pub(super) fn expect_named(seed: &Seed, folder: &JournalFolder) -> Result<(), Failure> {
    if seed.kind != SeedKind::Repository {
        return Ok(());
    }
    let mut sealed = folder.survey()?;
    sealed.retain(|history| history.state == CopyState::Sealed);
    let serials: Vec<Serial> = sealed.into_iter().map(|history| history.begun.serial).collect();
    match misnamed(&seed.target.prefix, folder, &serials)?.into_iter().next() {
        Some(Misnamed { path, sha256, .. }) => Err(vault::Error::Misnamed { path, sha256 }.into()),
        None => Ok(()),
    }
}
