//! A look at what is on a drive.

use disk_prep::drive::DriveName;
use disk_prep::inspect::{Inspection, inspect};
use disk_prep::journal::JournalFolder;

use super::desk::Desk;
use super::drives::find_filled;
use super::keeper::keeper;
use super::verify::{Opener, recovery_password};
use crate::outcome::Failure;
use crate::staging::Staging;

/// What was found.
#[derive(Debug)]
pub struct Inspected(pub Inspection);

/// Looks at a drive, with the key that is known for it.
pub fn look(drive: &DriveName, opener: &Opener, desk: &Desk<'_>) -> Result<Inspected, Failure> {
    let given = recovery_password(opener.recovery_password_file.as_deref())?;
    let state = desk.state()?;
    let (drive, staging) = find_filled(drive, opener.staging.as_deref(), &state, desk)?;
    let keeper = keeper(staging.as_ref(), &opener.keys, None, &state);
    let folder = staging.as_ref().map(Staging::journals);
    let found = inspect(drive, |drive| {
        if given.is_some() {
            return Ok(given);
        }
        let histories = folder.as_ref().map_or(Ok(Vec::new()), JournalFolder::read)?;
        let own = histories.into_iter().find(|history| history.begun.serial == drive.serial);
        Ok(own.map(|history| history.begun.password(keeper.as_ref())).transpose()?)
    })?;
    Ok(Inspected(found))
}
