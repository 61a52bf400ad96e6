//! What all proofs need: the volume, its file table, and where to tell what is wrong.

use super::super::super::bitlocker::unlock::UnlockedVolume;
use super::super::found::{Damage, FoundFile};
use super::super::parts::{DATA, LIST, Part, Value, parts};
use super::super::records::{Geometry, fixed_up};
use crate::limits::SECTOR_BYTES;
use crate::volume::fields::u64_at;

/// Bytes that are read at once.
pub(super) const PIECE_BYTES: usize = 1 << 20;
/// Damages that are told one by one.
const MOST_DAMAGES: usize = 100;

/// A file of the system: its record and its name.
pub(super) type SystemFile = (u64, &'static str);

pub(super) const MFT: SystemFile = (0, "$MFT");
pub(super) const MFT_MIRROR: SystemFile = (1, "$MFTMirr");
pub(super) const LOG_FILE: SystemFile = (2, "$LogFile");
pub(super) const VOLUME: SystemFile = (3, "$Volume");
pub(super) const ATTR_DEF: SystemFile = (4, "$AttrDef");
pub(super) const ROOT: SystemFile = (5, ".");
pub(super) const BITMAP_FILE: SystemFile = (6, "$Bitmap");
pub(super) const BOOT: SystemFile = (7, "$Boot");
pub(super) const BAD_CLUS: SystemFile = (8, "$BadClus");
pub(super) const SECURE: SystemFile = (9, "$Secure");
pub(super) const UP_CASE: SystemFile = (10, "$UpCase");
pub(super) const EXTEND: SystemFile = (11, "$Extend");

/// A volume whose files of the system are proved.
pub(super) struct Site<'v> {
    volume: &'v UnlockedVolume<'v>,
    is_stopped: &'v dyn Fn() -> bool,
    pub geometry: Geometry,
    pub boot: [u8; SECTOR_BYTES as usize],
    /// The file table.
    pub table: FoundFile,
    damages: Vec<Damage>,
    untold: u64,
}

impl<'v> Site<'v> {
    /// Finds the file table.
    pub fn open(
        volume: &'v UnlockedVolume<'v>,
        is_stopped: &'v dyn Fn() -> bool,
    ) -> Result<Self, Damage> {
        let damage = |file: SystemFile, fault: &dyn std::fmt::Display| Damage {
            file: file.1,
            fault: fault.to_string(),
        };
        let mut boot = [0; SECTOR_BYTES as usize];
        volume.read_at(0, &mut boot).map_err(|error| damage(BOOT, &error))?;
        let geometry =
            Geometry::parse(&boot, volume.size()).map_err(|fault| damage(BOOT, &fault))?;
        let mut raw = vec![0; geometry.record_bytes];
        volume.read_at(geometry.table, &mut raw).map_err(|error| damage(MFT, &error))?;
        let record = fixed_up(&raw, 42).map_err(|fault| damage(MFT, &fault))?;
        let parts = parts(&record, &geometry).map_err(|fault| damage(MFT, &fault))?;
        let data = parts.iter().find(|part| part.is(DATA, ""));
        let data = data.ok_or_else(|| damage(MFT, &"it has no data"))?;
        let table = data.found(&geometry);
        let (damages, untold) = (Vec::new(), 0);
        Ok(Site { volume, is_stopped, geometry, boot, table, damages, untold })
    }

    /// Whether somebody wants to stop.
    pub fn is_stopped(&self) -> bool {
        (self.is_stopped)()
    }

    /// Bytes of the volume.
    pub fn volume_bytes(&self) -> u64 {
        self.volume.size()
    }

    /// Clusters that the file system counts.
    pub fn clusters(&self) -> u64 {
        u64_at(&self.boot, 40) * SECTOR_BYTES / self.geometry.cluster_bytes
    }

    /// Tells what is wrong with a file.
    pub fn tell(&mut self, file: SystemFile, fault: impl Into<String>) {
        if self.damages.len() < MOST_DAMAGES {
            self.damages.push(Damage { file: file.1, fault: fault.into() });
        } else {
            self.untold += 1;
        }
    }

    /// All that was told.
    pub fn damages(mut self) -> Vec<Damage> {
        if self.untold > 0 {
            let fault = format!("{} more such faults", self.untold);
            self.damages.push(Damage { file: MFT.1, fault });
        }
        self.damages
    }

    /// Reads bytes of the volume; what keeps them from being read is told of the file.
    pub fn read_volume(&mut self, file: SystemFile, at: u64, buffer: &mut [u8]) -> bool {
        let outcome = self.volume.read_at(at, buffer);
        outcome.map_err(|error| self.tell(file, cannot_be_read(&error))).is_ok()
    }

    /// The same for bytes of a stream.
    pub fn read(
        &mut self,
        file: SystemFile,
        stream: &FoundFile,
        at: u64,
        buffer: &mut [u8],
    ) -> bool {
        let outcome = stream.read(self.volume, at, buffer);
        outcome.map_err(|error| self.tell(file, cannot_be_read(&error))).is_ok()
    }

    /// A record of the file table as it lies there.
    pub fn raw_record(&self, number: u64) -> Option<Vec<u8>> {
        let mut raw = vec![0; self.geometry.record_bytes];
        let at = number * raw.len() as u64;
        let is_read = at < self.table.bytes && self.table.read(self.volume, at, &mut raw).is_ok();
        is_read.then_some(raw)
    }

    /// A stream of a file. `None` if its attributes are spread over several records, or for what
    /// is told by whoever checks its record.
    pub fn stream(&mut self, file: SystemFile, kind: u32, name: &str) -> Option<FoundFile> {
        let record = fixed_up(&self.raw_record(file.0)?, 42).ok()?;
        let parts = parts(&record, &self.geometry).ok()?;
        if parts.iter().any(|part| part.kind == LIST) {
            return None;
        }
        let part = parts.iter().find(|part| part.is(kind, name))?;
        if has_hole(part) {
            self.tell(file, "there is a hole in its data");
            return None;
        }
        Some(part.found(&self.geometry))
    }
}

fn has_hole(part: &Part<'_>) -> bool {
    match &part.value {
        Value::Inside(_) => false,
        Value::Outside(outside) => outside.runs.iter().any(|(first, _)| first.is_none()),
    }
}

fn cannot_be_read(error: &dyn std::error::Error) -> String {
    let mut text = format!("it cannot be read: {error}");
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
