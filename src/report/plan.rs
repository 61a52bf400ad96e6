//! A plan in words and as records.

use disk_prep::noun::{ByteSize, ErrorKind, Serial, count};
use serde_json::{Value, json};

use crate::journey::plan::{DriveCount, DrivePlanned};
use crate::outcome::{Exit, Outcome};

impl Outcome for DriveCount {
    fn lines(&self) -> Vec<String> {
        let (files, bytes) =
            (count(self.set.files.len(), "file"), ByteSize(self.set.total_bytes()));
        vec![format!("{files}, {bytes}: {} of {}", count(self.drives, "drive"), self.size)]
    }

    fn json(&self) -> Vec<Value> {
        vec![json!({
            "type": "drive-count", "version": 1, "files": self.set.files.len(),
            "bytes": self.set.total_bytes(), "drive_bytes": self.size.0, "drives": self.drives,
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
                json!({
                    "type": "drive-plan", "version": 1, "serial": self.serials[load.room],
                    "files": load.files.len(), "bytes": self.bytes(&load.files),
                })
            })
            .collect();
        let unused: Vec<&Serial> = self.spread.unused.iter().map(|&at| &self.serials[at]).collect();
        lines.push(json!({
            "type": "plan", "version": 1, "files": self.set.files.len(),
            "bytes": self.set.total_bytes(), "unused": unused,
            "missing_files": self.spread.unplaced.len(),
            "missing_bytes": self.bytes(&self.spread.unplaced),
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
