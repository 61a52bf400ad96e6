//! `disk-backup schedule`: the timer and the service of systemd that back all disks up.

use std::path::{Path, PathBuf};

use super::desk::Desk;
use super::disk_bench::DiskOptions;
use super::units::{Place, may_install, pair, service_of, start, take_away, tell_sign_in, write};
use crate::outcome::Failure;
use crate::schedule::{UnitOf, disk_times};

/// Units that were written or deleted.
#[derive(Debug)]
pub struct DiskUnits {
    /// Their files; none if there were none to delete.
    pub files: Vec<PathBuf>,
    /// What was done with them.
    pub deed: UnitDeed,
}

/// What was done with units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitDeed {
    /// They were written.
    Written,
    /// They were written, and the timer was started.
    Started,
    /// They were deleted.
    Removed,
}

/// Writes the units; `words` are the flags that a run needs.
pub fn schedule(
    place: &Place,
    words: &[String],
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<DiskUnits, Failure> {
    let is_system = matches!(place, Place::System);
    if is_system {
        may_install(rustix::process::geteuid().is_root())?;
    }
    let run = ["disk-backup", "run", "--prune", "--yes"].map(str::to_owned);
    let call = run.into_iter().chain(words.iter().cloned()).collect();
    let folder = desk.state()?.folder().to_owned();
    let writes = vec![std::path::absolute(&folder).unwrap_or(folder)];
    let own = service_of(UnitOf::Disks, call, writes, desk)?;
    let units = pair(&own, &disk_times(), place)?;
    let files = write(&units)?;
    tell_sign_in(&UnitOf::Disks, (&options.azure, &options.blobs), desk)?;
    if is_system {
        start(&units)?;
    }
    let deed = if is_system { UnitDeed::Started } else { UnitDeed::Written };
    Ok(DiskUnits { files, deed })
}

/// Stops the timer and deletes its units.
pub fn remove(folder: Option<&Path>) -> Result<DiskUnits, Failure> {
    Ok(DiskUnits { files: take_away(folder, &UnitOf::Disks)?, deed: UnitDeed::Removed })
}
