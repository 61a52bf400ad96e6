//! `drive`: which drives will do.

use disk_prep::drive::{Drive, DriveName, Kind, find, find_content};
use disk_prep::limits::DOCUMENTED_DRIVE_BYTES;
use disk_prep::noun::ByteSize;
use serde_json::{Value, json};

use super::{Failure, Outcome};
use crate::cli::{DriveArgs, DriveCommand};

/// Runs `drive`.
pub fn run(args: &DriveArgs) -> Result<Box<dyn Outcome>, Failure> {
    match &args.command {
        DriveCommand::List { drives } => {
            let looks = drives.iter().map(look).collect::<Result<_, _>>()?;
            Ok(Box::new(DriveList(looks)))
        }
    }
}

/// A drive with what speaks for and against it.
struct Look {
    drive: Drive,
    verdict: &'static str,
    reasons: Vec<String>,
}

fn look(name: &DriveName) -> Result<Look, Failure> {
    let drive = find(name)?;
    if let Err(error) = drive.check_fit() {
        return Ok(Look { reasons: vec![error.to_string()], drive, verdict: "unfit" });
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
    Ok(Look { drive, verdict, reasons })
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
        for Look { drive, verdict, reasons } in &self.0 {
            let size = ByteSize(drive.bytes).to_string();
            let (serial, path) = (drive.serial.as_str(), drive.path.display());
            lines.push(format!("{serial:<24} {size:>9}  {verdict:<20} {path}"));
            lines.extend(reasons.iter().map(|reason| format!("  {reason}")));
        }
        lines.join("\n")
    }

    fn json(&self) -> Vec<Value> {
        let line = |Look { drive, verdict, reasons }: &Look| {
            json!({
                "type": "drive", "version": 1, "serial": drive.serial, "model": drive.model,
                "bytes": drive.bytes, "path": drive.path, "rotational": drive.rotational,
                "sector_bytes": drive.sector_bytes, "fit": *verdict != "unfit",
                "reasons": reasons,
            })
        };
        self.0.iter().map(line).collect()
    }
}
