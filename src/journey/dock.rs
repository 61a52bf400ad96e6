//! The emulator: under which names it goes, drives brought to its dock, its clock put forward,
//! what it does wrong on purpose.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use azseed_emulator::{Names, Reply, Wanted};
use disk_prep::drive::{self, DriveName, find};
use disk_prep::noun::{Address, Serial};
use jiff::SignedDuration;

use super::connections::CloudChoice;
use crate::outcome::Failure;

/// The names of the cloud that an emulator stands for.
pub fn names(named: &Path) -> Result<Names, Failure> {
    let cloud = CloudChoice::of(named).cloud()?;
    let plain = |address: &Address| address.to_string().trim_end_matches('/').to_owned();
    Ok(Names {
        arm: plain(&cloud.arm),
        authority: plain(&cloud.authority),
        suffix: cloud.suffix.to_string(),
    })
}

/// What a running emulator answered.
#[derive(Debug)]
pub struct Replies(pub Vec<Reply>);

/// Puts the clock of the emulator on `data` forward.
pub fn forward(data: &Path, by: SignedDuration) -> Result<Replies, Failure> {
    Ok(Replies(azseed_emulator::forward_clock(data, by)?))
}

/// Changes what the emulator on `data` does wrong, and tells it.
pub fn mischief(data: &Path, wanted: Vec<Wanted>, is_clear: bool) -> Result<Replies, Failure> {
    Ok(Replies(azseed_emulator::mischief(data, wanted, is_clear)?))
}

/// Brings drives to the dock of the emulator on `data`.
pub fn bring(data: &Path, drives: &[DriveName]) -> Result<Replies, Failure> {
    let drives = drives.iter().map(opened).collect::<Result<_, _>>()?;
    Ok(Replies(azseed_emulator::dock(data, drives)?))
}

/// A drive, open for reading only.
fn opened(name: &DriveName) -> Result<(Serial, OwnedFd), drive::Error> {
    let drive = find(name)?;
    let file = File::open(&drive.path)
        .map_err(|source| drive::Error::Open { path: drive.path.clone(), source })?;
    Ok((drive.serial, file.into()))
}
