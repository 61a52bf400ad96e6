//! Which points of disks' backups go and which are kept, as a person and a script see it.

use std::path::PathBuf;

use disk_prep::noun::{BlobPlace, ByteSize, VaultName, count};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::disk_backup::{backup_record, moment};
use super::path_text::PathTexts;
use super::record::{Record, line};
use crate::disk_backup::typed_time;
use crate::journey::disk_prune::{ChangedDisk, GonePoint, Pruned, PrunedDisk};
use crate::journey::disk_schedule::{DiskUnits, UnitDeed};
use crate::outcome::Outcome;

/// What goes, or went, of one disk's backup.
#[derive(Serialize, JsonSchema)]
pub(super) struct DiskPrunedRecord<'a> {
    /// The backup's name.
    #[schemars(with = "String")]
    name: &'a VaultName,
    /// The copy.
    #[schemars(with = "String")]
    target: &'a BlobPlace,
    /// How many points stay.
    kept: usize,
    /// Points that no rule keeps.
    gone: Vec<GoneRecord<'a>>,
    /// Snapshots of the disk that runs which were killed have left.
    left_over: &'a [String],
    /// Former copies that have no point any more.
    copies: &'a [String],
    /// Calls that delete.
    requests: u64,
    /// Bytes that are freed; null if the service does not tell that.
    freed_bytes: Option<u64>,
    /// Whether it was done, or only told.
    done: bool,
}

/// A point that goes.
#[derive(Serialize, JsonSchema)]
pub(super) struct GoneRecord<'a> {
    /// The disk's snapshot, which is the time of the point.
    source_snapshot: &'a str,
    /// The copy's snapshot.
    backup_snapshot: &'a str,
    /// Bytes that only it held; null if the service does not tell that.
    freed_bytes: Option<u64>,
}

impl Record for DiskPrunedRecord<'_> {
    const TYPE: &'static str = "disk-pruned";
}

fn one_lines(own: &PrunedDisk) -> Vec<String> {
    let name = &own.backup.name;
    let verb = if own.kept == 1 { "stays" } else { "stay" };
    let kept = format!("{} {verb}: {}", count(own.kept, "point"), own.backup.keep);
    if own.requests == 0 {
        return vec![format!("{name}: nothing goes; {kept}")];
    }
    let freed = |bytes: Option<u64>| {
        bytes.map_or(String::new(), |bytes| format!("  {} freed", ByteSize(bytes)))
    };
    let requests = count(usize::try_from(own.requests).unwrap_or(usize::MAX), "request");
    let verb = if own.is_done { "went" } else { "would go" };
    let mut lines =
        vec![format!("{name}: {} {verb} by {requests}; {kept}", count(own.gone.len(), "point"))];
    let one = |gone: &GonePoint| {
        format!("  {}{}", moment(&gone.point.source_snapshot), freed(gone.freed_bytes))
    };
    lines.extend(own.gone.iter().map(one));
    lines.extend(own.left_over.iter().map(|own| format!("  left-over snapshot {own} of the disk")));
    lines.extend(own.copies.iter().map(|own| format!("  former copy {own}")));
    if let Some(bytes) = own.freed_bytes().filter(|bytes| *bytes > 0) {
        lines.push(format!(
            "  {} in all; an account that keeps deleted blobs for a while keeps, and bills, them",
            ByteSize(bytes)
        ));
    }
    lines
}

impl Outcome for Pruned {
    fn lines(&self) -> Vec<String> {
        if self.0.is_empty() {
            return vec!["This machine backs no disk up".to_owned()];
        }
        self.0.iter().flat_map(one_lines).collect()
    }

    fn json(&self) -> Vec<Value> {
        self.0.iter().map(|own| line(&record(own))).collect()
    }
}

fn record(own: &PrunedDisk) -> DiskPrunedRecord<'_> {
    DiskPrunedRecord {
        name: &own.backup.name,
        target: &own.backup.target,
        kept: own.kept,
        gone: own.gone.iter().map(gone_record).collect(),
        left_over: &own.left_over,
        copies: &own.copies,
        requests: own.requests,
        freed_bytes: own.freed_bytes(),
        done: own.is_done,
    }
}

fn gone_record(gone: &GonePoint) -> GoneRecord<'_> {
    GoneRecord {
        source_snapshot: &gone.point.source_snapshot,
        backup_snapshot: &gone.point.backup_snapshot,
        freed_bytes: gone.freed_bytes,
    }
}

/// The units that back all disks up.
#[derive(Serialize, JsonSchema)]
pub(super) struct DiskScheduleRecord<'a> {
    /// What was done with them: `written`, `started` or `removed`.
    deed: &'a str,
    /// Their files; empty if there were none to delete.
    units: PathTexts<'a>,
}

impl Record for DiskScheduleRecord<'_> {
    const TYPE: &'static str = "disk-schedule";
}

impl Outcome for DiskUnits {
    fn lines(&self) -> Vec<String> {
        let lead = match (self.deed, self.files.is_empty()) {
            (UnitDeed::Removed, true) => return vec!["There were no units to delete".to_owned()],
            (UnitDeed::Removed, false) => "Deleted",
            (UnitDeed::Written | UnitDeed::Started, _) => "Written",
        };
        let one = |file: &PathBuf| format!("{lead}: {}", file.display());
        let mut lines: Vec<String> = self.files.iter().map(one).collect();
        lines.extend(match self.deed {
            UnitDeed::Written => Some(
                "Every ten minutes they do what is due; `systemctl enable --now \
                 azseed-disks.timer` starts that"
                    .to_owned(),
            ),
            UnitDeed::Started => {
                Some("The timer runs: every ten minutes it does what is due".to_owned())
            }
            UnitDeed::Removed => None,
        });
        lines
    }

    fn json(&self) -> Vec<Value> {
        let deed = match self.deed {
            UnitDeed::Written => "written",
            UnitDeed::Started => "started",
            UnitDeed::Removed => "removed",
        };
        vec![line(&DiskScheduleRecord { deed, units: PathTexts(&self.files) })]
    }
}

impl Outcome for ChangedDisk {
    fn lines(&self) -> Vec<String> {
        let own = &self.backup;
        let lead = if self.is_changed { "Set" } else { "Nothing was different" };
        // What is said goes in the place of all that was said before.
        let former = self.former.map_or(String::new(), |keep| format!(", in place of {keep}"));
        vec![format!(
            "{lead}: {} has a point every {}; kept: {}{former}",
            own.name,
            typed_time(own.every_secs),
            own.keep
        )]
    }

    fn json(&self) -> Vec<Value> {
        vec![line(&backup_record(&self.backup))]
    }
}
