//! `plan`: how many drives are needed, and what goes where. Nothing is written.

use disk_prep::dataset::DataSet;
use disk_prep::drive::find;
use disk_prep::noun::{ByteSize, ErrorKind, Serial, count};
use disk_prep::plan::{Spread, count_drives, spread};
use disk_prep::pool::room;
use serde_json::{Value, json};

use super::door::Door;
use super::work::Work;
use super::{Failure, Outcome};
use crate::cli::{Global, PlanArgs};
use crate::exit::Exit;
use crate::state::State;
use crate::ui::Ui;

/// Runs `plan`.
pub fn run(
    args: &PlanArgs,
    global: &Global,
    door: &Door<'_>,
    ui: &Ui,
) -> Result<Box<dyn Outcome>, Failure> {
    let state = State::open(global.state.as_deref())?;
    let Work { set, .. } = Work::open(&args.source, &state, door)?;
    set.remarks().iter().for_each(|remark| ui.warn(remark));
    if let Some(size) = args.with.size {
        let serial = Serial::new("DRIVE").expect("this is a serial");
        // As an image of this size would be made: whole MiB.
        let bytes = size.0 >> 20 << 20;
        let drives = count_drives(&set.files, &room(&serial, bytes)?)?;
        return Ok(Box::new(DriveCount { drives, size, set }));
    }
    let mut rooms = Vec::new();
    for name in &args.with.named {
        let drive = find(name)?;
        drive.check_fit()?;
        rooms.push(room(&drive.serial, drive.bytes)?);
    }
    let spread = spread(&set.files, &rooms)?;
    let serials = rooms.into_iter().map(|room| room.serial).collect();
    Ok(Box::new(DrivePlanned { serials, spread, set }))
}

struct DriveCount {
    drives: usize,
    size: ByteSize,
    set: DataSet,
}

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

struct DrivePlanned {
    serials: Vec<Serial>,
    spread: Spread,
    set: DataSet,
}

impl DrivePlanned {
    fn bytes(&self, files: &[usize]) -> u64 {
        files.iter().map(|&at| self.set.files[at].bytes).sum()
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
