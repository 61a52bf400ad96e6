//! The volume that is filled, and where its bytes go.

use super::pass::Pass;
use crate::device::{Device, Fault};
use crate::kernels::SectorCipher;
use crate::noun::Serial;

/// The volume that is filled.
#[derive(Debug)]
pub struct Target<'a> {
    /// The drive's serial.
    pub serial: &'a Serial,
    /// The whole drive.
    pub device: &'a dyn Device,
    /// Where the volume begins on it.
    pub volume_start: u64,
    /// The volume's cipher.
    pub cipher: &'a SectorCipher,
    /// The pass.
    pub pass: &'a Pass<'a>,
}

impl Target<'_> {
    /// Writes at a place of the volume; what is written is cipher text already.
    pub fn write(&self, bytes: &[u8], offset: u64) -> Result<(), Fault> {
        self.write_raw(bytes, self.volume_start + offset)
    }

    /// Writes at a place of the drive.
    pub fn write_raw(&self, bytes: &[u8], offset: u64) -> Result<(), Fault> {
        self.device.write_at(bytes, offset).map_err(|source| Fault::Write { offset, source })
    }

    /// Reads from a place of the volume, as it lies there.
    pub fn read(&self, bytes: &mut [u8], offset: u64) -> Result<(), Fault> {
        self.read_raw(bytes, self.volume_start + offset)
    }

    /// Reads from a place of the drive.
    pub fn read_raw(&self, bytes: &mut [u8], offset: u64) -> Result<(), Fault> {
        self.device.read_at(bytes, offset).map_err(|source| Fault::Read { offset, source })
    }

    /// Returns when everything written is on the medium.
    pub fn flush(&self) -> Result<(), Fault> {
        self.device.flush().map_err(|source| Fault::Flush { source })
    }
}
