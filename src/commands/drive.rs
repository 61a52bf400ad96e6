//! `drive`: which drives will do.

use std::error::Error as _;
use std::path::PathBuf;

use disk_prep::drive::{Drive, Kind, find, find_all, find_content};
use disk_prep::limits::DOCUMENTED_DRIVE_BYTES;
use disk_prep::noun::ByteSize;
use serde_json::{Value, json};

use super::{Failure, Outcome, drive_release};
use crate::cli::{DriveArgs, DriveCommand, Global};
use crate::ui::Ui;

/// Runs `drive`.
pub fn run(args: &DriveArgs, global: &Global, ui: &Ui) -> Result<Box<dyn Outcome>, Failure> {
    match &args.command {
        DriveCommand::Release { serial, staging } => {
            drive_release::run(serial, staging.as_deref(), global, ui)
        }
        DriveCommand::List { drives } => {
            let looks = if drives.is_empty() {
                find_all().into_iter().map(look_any).collect()
            } else {
                drives.iter().map(|name| look(find(name)?)).collect::<Result<_, _>>()?
            };
            Ok(Box::new(DriveList(looks)))
        }
    }
}

/// A drive with what speaks for and against it.
struct Look {
    path: PathBuf,
    drive: Option<Drive>,
    verdict: &'static str,
    reasons: Vec<String>,
}

fn unfit(path: PathBuf, drive: Option<Drive>, reason: &disk_prep::Error) -> Look {
    let cause = reason.source().map_or(String::new(), |cause| format!(": {cause}"));
    Look { path, drive, verdict: "unfit", reasons: vec![format!("{reason}{cause}")] }
}

/// A drive of the kernel's list; what cannot be looked at is unfit for that reason.
fn look_any((path, found): (PathBuf, Result<Drive, disk_prep::Error>)) -> Look {
    match found.and_then(look) {
        Ok(look) => look,
        Err(error) => unfit(path, None, &error),
    }
}

fn look(drive: Drive) -> Result<Look, disk_prep::Error> {
    let path = drive.path.clone();
    if let Err(error) = drive.check_fit() {
        return Ok(unfit(path, Some(drive), &error));
    }
    let mut reasons = Vec::new();
    if drive.bytes > DOCUMENTED_DRIVE_BYTES {
        let documented = ByteSize(DOCUMENTED_DRIVE_BYTES);
        reasons.push(format!("it is larger than {documented}, which the service documents"));
    }
    if let Some(found) = content(&drive)? {
        reasons.push(format!("{found}; to use it, add `--erase {}` to `prep`", drive.serial));
    }
    let verdict = if reasons.is_empty() { "fit" } else { "fit, with a warning" };
    Ok(Look { path, drive: Some(drive), verdict, reasons })
}

fn content(drive: &Drive) -> Result<Option<String>, disk_prep::Error> {
    if drive.kind == Kind::NewImage {
        return Ok(None);
    }
    let (serial, offset) = (drive.serial.clone(), 0);
    disk_prep::verify::open(drive).and_then(|device| {
        find_content(&device).map_err(|source| disk_prep::Error::Read { serial, offset, source })
    })
}

struct DriveList(Vec<Look>);

impl Outcome for DriveList {
    fn text(&self) -> String {
        let mut lines =
            vec![format!("{:<24} {:>9}  {:<20} {}", "SERIAL", "SIZE", "VERDICT", "PATH")];
        for Look { path, drive, verdict, reasons } in &self.0 {
            let size = drive.as_ref().map_or(String::new(), |own| ByteSize(own.bytes).to_string());
            let serial = drive.as_ref().map_or("-", |drive| drive.serial.as_str());
            let path = path.display();
            lines.push(format!("{serial:<24} {size:>9}  {verdict:<20} {path}"));
            lines.extend(reasons.iter().map(|reason| format!("  {reason}")));
        }
        lines.join("\n")
    }

    fn json(&self) -> Vec<Value> {
        let line = |Look { path, drive, verdict, reasons }: &Look| {
            let drive = drive.as_ref();
            json!({
                "type": "drive", "version": 1, "serial": drive.map(|drive| &drive.serial),
                "model": drive.and_then(|drive| drive.model.as_ref()),
                "bytes": drive.map(|drive| drive.bytes), "path": path,
                "rotational": drive.map(|drive| drive.rotational),
                "sector_bytes": drive.map(|drive| drive.sector_bytes),
                "fit": *verdict != "unfit", "reasons": reasons,
            })
        };
        self.0.iter().map(line).collect()
    }
}
