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
    /// Files that go onto them: those of the seed that are on no drive.
    files: usize,
    /// Their bytes.
    bytes: u64,
    /// Size of one drive in bytes.
    drive_bytes: u64,
    /// So many drives.
    drives: usize,
    /// Files that are on drives already, or planned for one that is begun.
    placed_files: usize,
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
    /// Files of the seed that are on no drive.
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
    /// Files that are on drives already, or planned for one that is begun.
    placed_files: usize,
    /// Serial numbers of drives of the job that are begun or sealed already.
    #[schemars(with = "Vec<String>")]
    held: Vec<&'a Serial>,
}

impl Record for PlanRecord<'_> {
    const TYPE: &'static str = "plan";
}

/// What is on drives already, if anything is.
fn placed(files: usize, is_all: bool) -> Vec<String> {
    let text = match (files, is_all) {
        (0, _) => return Vec::new(),
        (_, true) => format!("All {files} files are on drives already, or planned for one"),
        _ => format!("{} are on drives already, or planned for one", count(files, "file")),
    };
    vec![text]
}

impl Outcome for DriveCount {
    fn lines(&self) -> Vec<String> {
        let (files, bytes) = (count(self.files.len(), "file"), ByteSize(self.files.total_bytes()));
        let mut lines = placed(self.placed, self.files.is_empty());
        if self.placed == 0 || !self.files.is_empty() {
            lines.push(format!(
                "{files}, {bytes}: {} of {}",
                count(self.drives, "drive"),
                self.size
            ));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        vec![line(&DriveCountRecord {
            files: self.files.len(),
            bytes: self.files.total_bytes(),
            drive_bytes: self.size.0,
            drives: self.drives,
            placed_files: self.placed,
        })]
    }
}

impl Outcome for DrivePlanned {
    fn lines(&self) -> Vec<String> {
        let mut lines = placed(self.placed, self.files.is_empty());
        if !self.spread.loads.is_empty() {
            lines.push(format!("{:<24} {:>9} {:>9}", "SERIAL", "FILES", "SIZE"));
        }
        for load in &self.spread.loads {
            let (serial, size) = (&self.serials[load.room], ByteSize(self.bytes(&load.files)));
            lines.push(format!(
                "{:<24} {:>9} {:>9}",
                serial.as_str(),
                load.files.len(),
                size.to_string()
            ));
        }
        for held in &self.held {
            lines.push(format!("{:<24} is begun or sealed already", held.as_str()));
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
            files: self.files.len(),
            bytes: self.files.total_bytes(),
            unused: self.spread.unused.iter().map(|&at| &self.serials[at]).collect(),
            missing_files: self.spread.unplaced.len(),
            missing_bytes: self.bytes(&self.spread.unplaced),
            placed_files: self.placed,
            held: self.held.iter().collect(),
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
