//! Makes a drive ready to be taken out: its cache is flushed, it is spun down, and the kernel
//! forgets it.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use super::error::Error;
use super::fault::Fault;
use super::find::{Drive, Kind};
use super::guard::hold;
use super::name::DriveName;
use super::named::NamedDrive;
use crate::device;
use crate::noun::OnDrive;

/// A drive that the kernel has forgotten.
#[derive(Debug)]
pub struct Ejected {
    /// What it was.
    pub drive: Drive,
    /// Whether it was told to stop its motor.
    pub is_spun_down: bool,
}

/// Detaches a drive that nobody uses. What was written on it stays as it is.
pub fn eject(name: &DriveName) -> Result<Ejected, Error> {
    let mut held = hold(&NamedDrive::find(name)?)?;
    let drive = held.drive.clone();
    let refused = |what| Error::NotADrive { path: drive.path.clone(), what };
    let Some(hardware) = drive.hardware.as_ref().filter(|_| drive.kind == Kind::Block) else {
        return Err(refused("an image file has nothing that could be taken out"));
    };
    let folder = Path::new("/sys/block").join(&hardware.name).join("device");
    let switch = folder.join("delete");
    if !switch.exists() {
        return Err(refused("it is not attached in a way that can be undone"));
    }
    let device = held.device()?;
    let failed = |source| Fault::Device(device::Fault::Flush { source });
    device.flush().map_err(failed).on(&drive.serial)?;
    let is_spun_down = stop_when_detached(&folder);
    // The kernel flushes the drive's cache once more; the handle keeps others out.
    set(&switch).map_err(|source| Error::Open { path: switch, source })?;
    Ok(Ejected { drive, is_spun_down })
}

/// Has the kernel stop the motor of a drive when it forgets it, behind a USB bridge too; false if
/// it cannot.
fn stop_when_detached(folder: &Path) -> bool {
    let Ok(mut disks) = folder.join("scsi_disk").read_dir() else { return false };
    // The first name is that of Linux 6.6 and later.
    disks.next().and_then(Result::ok).is_some_and(|disk| {
        ["manage_system_start_stop", "manage_start_stop"]
            .iter()
            .any(|name| set(&disk.path().join(name)).is_ok())
    })
}

/// Turns a switch of the kernel on; makes no file where there is none.
fn set(switch: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).open(switch)?.write_all(b"1")
}
