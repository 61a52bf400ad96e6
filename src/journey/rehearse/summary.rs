//! What a newcomer reads at the end: what was staged, which drive holds what, what the dock found,
//! what the vault protects, whether the restored copy is equal.

use std::path::PathBuf;

use azseed_emulator::Reply;
use disk_prep::drive::DriveName;
use disk_prep::noun::{ByteSize, Serial, count};

use super::compare::Comparison;
use super::script::StepEnded;
use crate::journey::dock::Replies;
use crate::journey::prepare::Prepared;
use crate::journey::stage::SeedShown;
use crate::journey::vault_run::Ran;

/// Differences that are shown; the rest is counted.
const SHOWN: usize = 20;

/// The end of a rehearsal.
#[derive(Debug, Default)]
pub struct Summary {
    /// What was staged.
    pub staged: Vec<String>,
    /// What each drive holds.
    pub drives: Vec<String>,
    /// What the dock found.
    pub dock: Vec<String>,
    /// What the vault protects.
    pub vault: Vec<String>,
    /// What differs from the source.
    pub comparison: Comparison,
    /// Where everything is, if it is still there.
    pub folder: Option<PathBuf>,
    /// The page that stays.
    pub report: Option<PathBuf>,
    /// What was done, in this order.
    pub steps: Vec<StepEnded>,
    /// How full the drives are.
    pub maps: Vec<DriveMap>,
}

/// How full a drive is.
#[derive(Debug)]
pub struct DriveMap {
    /// The drive.
    pub serial: Serial,
    /// Files of the seed.
    pub files: u64,
    /// Their bytes.
    pub used: ByteSize,
    /// The drive's own bytes.
    pub whole: ByteSize,
}

impl Summary {
    /// What was staged.
    pub fn note_seed(&mut self, shown: &SeedShown) {
        let totals = &shown.seed.totals;
        self.staged.push(format!(
            "{}, {}, of the source became {}, {}, to ship",
            count(totals.source_files, "file"),
            ByteSize(totals.source_bytes),
            count(totals.files, "file"),
            ByteSize(totals.bytes),
        ));
        if totals.unreadable_files > 0 {
            let files = count(totals.unreadable_files, "file");
            self.staged.push(format!("{files} could not be read"));
        }
    }

    /// What the drives hold, and how full they are.
    pub fn note_drives(&mut self, prepared: &Prepared, named: &[DriveName]) {
        let of = |serial: &Serial| {
            named.iter().find_map(|name| match name {
                DriveName::Path { serial: Some(own), bytes, .. } if own == serial => *bytes,
                _ => None,
            })
        };
        for drive in &prepared.outcome.sealed {
            let whole = of(&drive.serial).unwrap_or(ByteSize(drive.sealed.bytes));
            self.maps.push(DriveMap {
                serial: drive.serial.clone(),
                files: drive.sealed.files,
                used: ByteSize(drive.sealed.bytes),
                whole,
            });
            let (files, bytes) = (count(drive.sealed.files, "file"), ByteSize(drive.sealed.bytes));
            self.drives.push(format!("{}: {files}, {bytes}", drive.serial));
        }
    }

    /// What the dock said.
    pub fn note_dock(&mut self, replies: &Replies) {
        for reply in &replies.0 {
            if let Reply::Drive { serial, status, bytes_succeeded, .. } = reply {
                let bytes = ByteSize(*bytes_succeeded);
                self.dock.push(format!("{serial}: {status}, {bytes} became blobs"));
            }
        }
    }

    /// What the vault has done.
    pub fn note_vault(&mut self, ran: &Ran) {
        self.vault.push(format!("{} is {}", ran.name, ran.state.word()));
        if let Some(backup) = ran.increment.as_ref().and_then(|own| own.backup.as_ref()) {
            let (files, bytes) = (count(backup.files, "file"), ByteSize(backup.bytes));
            self.vault.push(format!("its newest snapshot has {files}, {bytes}"));
        }
    }

    /// The same in sections, each with its lines.
    pub fn sections(&self) -> Vec<(&'static str, Vec<String>)> {
        let Comparison { equal, bytes, differences } = &self.comparison;
        let mut copy = vec![format!("{equal} files and folders, {}, are equal", ByteSize(*bytes))];
        copy.extend(differences.iter().take(SHOWN).map(|text| format!("DIFFERENT: {text}")));
        if differences.len() > SHOWN {
            copy.push(format!("and {} more differences", differences.len() - SHOWN));
        }
        [
            ("Staged", self.staged.clone()),
            ("On the drives", self.drives.clone()),
            ("In the datacenter", self.dock.clone()),
            ("In the vault", self.vault.clone()),
            ("The restored copy", copy),
        ]
        .into_iter()
        .filter(|(_, lines)| !lines.is_empty())
        .collect()
    }
}
