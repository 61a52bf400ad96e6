//! Makes a drive ready to be taken out: its cache is flushed, it is spun down, and the kernel
//! forgets it.

use std::path::Path;

use super::DriveName;
use super::find::{Drive, Kind};
use super::guard::hold;
use crate::Error;

/// Detaches a drive that nobody uses. What was written on it stays as it is.
pub fn eject(name: &DriveName) -> Result<Drive, Error> {
    let mut held = hold(name)?;
    let drive = held.drive.clone();
    let refused = |what| Error::NotADrive { path: drive.path.clone(), what };
    let Some(hardware) = drive.hardware.as_ref().filter(|_| drive.kind == Kind::Block) else {
        return Err(refused("an image file has nothing that could be taken out"));
    };
    let switch = Path::new("/sys/block").join(&hardware.name).join("device/delete");
    if !switch.exists() {
        return Err(refused("it is not attached in a way that can be undone"));
    }
    let device = held.device()?;
    let failed = |source| Error::Flush { serial: drive.serial.clone(), source };
    device.flush().map_err(failed)?;
    // The kernel flushes the drive's cache and stops its motor; the handle keeps others out.
    std::fs::OpenOptions::new()
        .write(true)
        .open(&switch)
        .and_then(|mut file| std::io::Write::write_all(&mut file, b"1"))
        .map_err(|source| Error::Open { path: switch, source })?;
    Ok(drive)
}
