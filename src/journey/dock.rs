//! The emulator: under which names it goes, drives brought to its dock, its clock put forward,
//! what it does wrong on purpose.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use azseed_emulator::{
    AccountOrder, DiskDeed, GroupOrder, Names, Reply, RightsOrder, SecurityOrder, VmDeed, Wanted,
};
use disk_prep::drive::{self, DriveName, find};
use disk_prep::noun::{Address, Serial};
use disk_prep::sys::durable::{self, Access};
use jiff::SignedDuration;

use super::connections::CloudChoice;
use super::desk::Desk;
use super::drives::known_names;
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

/// Keeps what other commands must know of an emulator, for shells and units to read. It holds the
/// account's key, so it is its owner's alone.
pub fn keep(data: &Path, environment: &str) -> Result<(), Failure> {
    let path = data.join("azure.env");
    durable::write(&path, environment.as_bytes(), Access::Private)
        .map_err(|source| azseed_emulator::Error::Folder { path, source }.into())
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

/// Declares, changes or takes away a virtual machine of the emulator on `data`, writes into its disks,
/// or lists all. The files are what becomes its disks, or what is written.
pub fn machines(data: &Path, deed: VmDeed, files: &[PathBuf]) -> Result<Replies, Failure> {
    let files = files.iter().map(|path| given(path)).collect::<Result<_, _>>()?;
    Ok(Replies(azseed_emulator::machines(data, deed, files)?))
}

/// Makes, changes or takes away a managed disk of the emulator on `data`, writes into one, or lists all.
/// The file is what a new one holds, or what is written.
pub fn managed_disks(
    data: &Path,
    deed: DiskDeed,
    file: Option<PathBuf>,
) -> Result<Replies, Failure> {
    let files = file.iter().map(|path| given(path)).collect::<Result<_, _>>()?;
    Ok(Replies(azseed_emulator::managed_disks(data, deed, files)?))
}

/// A file that goes along.
fn given(path: &Path) -> Result<OwnedFd, azseed_emulator::Error> {
    durable::open_kept(path)
        .map(OwnedFd::from)
        .map_err(|source| azseed_emulator::Error::Folder { path: path.to_owned(), source })
}

/// Makes a storage account of the emulator on `data` other than a plain one.
pub fn account(data: &Path, order: AccountOrder) -> Result<Replies, Failure> {
    Ok(Replies(azseed_emulator::storage_account(data, order)?))
}

/// Lets a resource group of the emulator on `data` be there or not, or locks it.
pub fn group(data: &Path, order: GroupOrder) -> Result<Replies, Failure> {
    Ok(Replies(azseed_emulator::resource_group(data, order)?))
}

/// Makes or changes a network security group of the emulator on `data`.
pub fn security(data: &Path, order: SecurityOrder) -> Result<Replies, Failure> {
    Ok(Replies(azseed_emulator::security_group(data, order)?))
}

/// Changes what whoever signs in to the emulator on `data` may do.
pub fn rights(data: &Path, order: RightsOrder) -> Result<Replies, Failure> {
    Ok(Replies(azseed_emulator::rights(data, order)?))
}

/// Brings drives to the dock of the emulator on `data`. An image goes under the serial that a journal
/// of this machine has for it; the dock itself is shown no journal.
pub fn bring(data: &Path, drives: &[DriveName], desk: &Desk<'_>) -> Result<Replies, Failure> {
    let drives = known_names(drives, desk)?;
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
