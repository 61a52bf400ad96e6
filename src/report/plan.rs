//! A plan in words and as records.

use disk_prep::noun::{ByteSize, ErrorKind, Serial, count};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::journey::plan::{DriveCount, DrivePlanned};
use crate::outcome::{Exit, Outcome};

/// How many drives of one size the seed needs.
#[derive(Serialize, JsonSchema)]
pub(super) struct DriveCountRecord {
    /// Files that go onto them.
    files: usize,
    /// Their bytes.
    bytes: u64,
    /// Size of one drive in bytes.
    drive_bytes: u64,
    /// So many drives.
    drives: usize,
}

impl Record for DriveCountRecord {
    const TYPE: &'static str = "drive-count";
}

/// What would go onto one drive.
#[derive(Serialize, JsonSchema)]
pub(super) struct DrivePlanRecord<'a> {
    /// Serial number.
    #[schemars(with = "String")]
    serial: &'a Serial,
    /// Files that would go onto it.
    files: usize,
    /// Their bytes.
    bytes: u64,
}

impl Record for DrivePlanRecord<'_> {
    const TYPE: &'static str = "drive-plan";
}

/// How the seed would be spread over the named drives.
#[derive(Serialize, JsonSchema)]
pub(super) struct PlanRecord<'a> {
    /// Files of the seed.
    files: usize,
    /// Their bytes.
    bytes: u64,
    /// Serial numbers of drives that are not needed.
    #[schemars(with = "Vec<String>")]
    unused: Vec<&'a Serial>,
    /// Files that find no room.
    missing_files: usize,
    /// Their bytes.
    missing_bytes: u64,
}

impl Record for PlanRecord<'_> {
    const TYPE: &'static str = "plan";
}

impl Outcome for DriveCount {
    fn lines(&self) -> Vec<String> {
        let (files, bytes) =
            (count(self.set.files.len(), "file"), ByteSize(self.set.total_bytes()));
        vec![format!("{files}, {bytes}: {} of {}", count(self.drives, "drive"), self.size)]
    }

    fn json(&self) -> Vec<Value> {
        vec![line(&DriveCountRecord {
            files: self.set.files.len(),
            bytes: self.set.total_bytes(),
            drive_bytes: self.size.0,
            drives: self.drives,
        })]
    }
}

impl Outcome for DrivePlanned {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{:<24} {:>9} {:>9}", "SERIAL", "FILES", "SIZE")];
        for load in &self.spread.loads {
            let (serial, size) = (&self.serials[load.room], ByteSize(self.bytes(&load.files)));
            lines.push(format!(
                "{:<24} {:>9} {:>9}",
                serial.as_str(),
                load.files.len(),
                size.to_string()
            ));
        }
        for &unused in &self.spread.unused {
            lines.push(format!("{:<24} is not needed", self.serials[unused].as_str()));
        }
        if !self.spread.unplaced.is_empty() {
            let missing = ByteSize(self.bytes(&self.spread.unplaced));
            let files = count(self.spread.unplaced.len(), "file");
            lines.push(format!("{missing} in {files} find no room; name more drives"));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let mut lines: Vec<Value> = self
            .spread
            .loads
            .iter()
            .map(|load| {
                line(&DrivePlanRecord {
                    serial: &self.serials[load.room],
                    files: load.files.len(),
                    bytes: self.bytes(&load.files),
                })
            })
            .collect();
        lines.push(line(&PlanRecord {
            files: self.set.files.len(),
            bytes: self.set.total_bytes(),
            unused: self.spread.unused.iter().map(|&at| &self.serials[at]).collect(),
            missing_files: self.spread.unplaced.len(),
            missing_bytes: self.bytes(&self.spread.unplaced),
        }));
        lines
    }

    fn exit(&self) -> Exit {
        if self.spread.unplaced.is_empty() {
            Exit::Done
        } else {
            Exit::Failed(ErrorKind::Resumable)
        }
    }
}
