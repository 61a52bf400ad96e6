//! Disks' backups, as a person and a script see them.

use disk_prep::noun::{BlobPlace, ByteSize, JobName, VaultName};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::disk_backup::{DiskBackup, DiskPoint, Made, Proof, ProvenBy, VhdForm};
use crate::journey::disk_backup::{RoundEnd, Rounds};
use crate::journey::disk_look::{Disks, ListedDisk, Points, Released};
use crate::journey::disk_seed::Underway;
use crate::outcome::Outcome;

/// A disk that is backed up.
#[derive(Serialize, JsonSchema)]
pub(super) struct DiskBackupRecord<'a> {
    /// Its name.
    #[schemars(with = "String")]
    name: &'a VaultName,
    /// The backup's identity, which its snapshots carry.
    id: String,
    /// What is backed up: account, container and blob, or `image:` and a path.
    source: String,
    /// How an image becomes a VHD: `as-is`, `add` or `none`; null for a page blob.
    vhd: Option<&'a str>,
    /// The job that brings the first copy by drive; null if none does.
    #[schemars(with = "Option<String>")]
    seed_job: Option<&'a JobName>,
    /// The copy.
    #[schemars(with = "String")]
    target: &'a BlobPlace,
    /// 1, and one more for each whole new copy.
    generation: u32,
    /// What makes a point: `diff`, `incremental-copy` or `full-copy`.
    engine: &'a str,
    /// Who carries what changed: `client` or `server`.
    transfer: &'a str,
    /// How what changed is found out: `auto`, `service` or `client`.
    diff: &'a str,
    /// Seconds from one point to the next.
    every_secs: u64,
    /// The source's snapshot that the last point is equal to; null before the first.
    last_source_snapshot: Option<&'a str>,
    /// When the last point was made.
    last_at: Option<Timestamp>,
    /// Bytes that the last round wrote.
    changed_bytes: Option<u64>,
    /// Bytes that it cleared.
    cleared_bytes: Option<u64>,
    /// The copy's snapshot that was proven last.
    proven: Option<&'a str>,
    /// When that was.
    proven_at: Option<Timestamp>,
    /// By what: `source` or `table`.
    proven_by: Option<&'a str>,
    /// Whether all of it was, and not a share.
    proven_whole: Option<bool>,
    /// How many of the last points are kept.
    keep_last: Option<u16>,
    /// Of how many days the last one.
    keep_daily: Option<u16>,
    /// Of how many weeks.
    keep_weekly: Option<u16>,
    /// Of how many months.
    keep_monthly: Option<u16>,
    /// Of how many years.
    keep_yearly: Option<u16>,
    /// The backup whose point the disk was restored from.
    #[schemars(with = "Option<String>")]
    restored_from: Option<&'a VaultName>,
}

impl Record for DiskBackupRecord<'_> {
    const TYPE: &'static str = "disk-backup";
}

/// A point that can be restored.
#[derive(Serialize, JsonSchema)]
pub(super) struct DiskPointRecord<'a> {
    /// The backup's name.
    #[schemars(with = "String")]
    name: &'a VaultName,
    /// The source's snapshot, which is the time of the point.
    source_snapshot: &'a str,
    /// The copy's snapshot, which is equal to it.
    backup_snapshot: &'a str,
    /// Its length.
    bytes: u64,
    /// The blob whose snapshot that is.
    copy: &'a str,
    /// Which copy has it; 1 is the first.
    generation: u32,
    /// When it was proven last; null if it never was.
    proven_at: Option<Timestamp>,
    /// By what: `source` or `table`.
    proven_by: Option<&'a str>,
    /// Whether all of it was, and not a share.
    proven_whole: Option<bool>,
}

impl Record for DiskPointRecord<'_> {
    const TYPE: &'static str = "disk-point";
}

/// A round is over.
#[derive(Serialize, JsonSchema)]
pub(super) struct DiskRoundRecord<'a> {
    /// The backup's name.
    #[schemars(with = "String")]
    name: &'a VaultName,
    /// `point`, `not-due`, or `in-transit` while a drive brings the first copy.
    outcome: &'a str,
    /// The source's snapshot; null if no point was due.
    source_snapshot: Option<&'a str>,
    /// The copy's snapshot.
    backup_snapshot: Option<&'a str>,
    /// The disk's length.
    bytes: Option<u64>,
    /// Bytes that were written.
    changed_bytes: Option<u64>,
    /// Bytes that were cleared.
    cleared_bytes: Option<u64>,
    /// Bytes that were read of the source by this machine.
    read_bytes: Option<u64>,
    /// Calls that wrote or cleared.
    requests: Option<u64>,
    /// Whether it is the first point.
    first: Option<bool>,
    /// Whether a round that was begun before was gone on with.
    resumed: Option<bool>,
    /// Bytes that were compared afterwards; null if that was not asked for.
    proven_bytes: Option<u64>,
    /// When the next point is due; null where only a first one was made.
    next: Option<Timestamp>,
    /// How many seconds it took; null where only a first one was made.
    seconds: Option<u64>,
    /// Whether the service wrote all that was written, and this machine none of it.
    by_service: Option<bool>,
}

impl Record for DiskRoundRecord<'_> {
    const TYPE: &'static str = "disk-round";
}

/// A disk that this machine has forgotten.
#[derive(Serialize, JsonSchema)]
pub(super) struct DiskReleasedRecord<'a> {
    /// Its name.
    #[schemars(with = "String")]
    name: &'a VaultName,
    /// The copy, which stays with its points; null if a damaged record did not say it.
    #[schemars(with = "Option<String>")]
    target: Option<&'a BlobPlace>,
}

impl Record for DiskReleasedRecord<'_> {
    const TYPE: &'static str = "disk-released";
}

pub(super) fn backup_record(backup: &DiskBackup) -> DiskBackupRecord<'_> {
    let last = backup.last.as_ref();
    let proven = backup.last_proof();
    let keep = backup.keep;
    DiskBackupRecord {
        name: &backup.name,
        id: backup.id.to_string(),
        source: backup.source.to_string(),
        vhd: backup.image.as_ref().map(|own| vhd_word(own.vhd)),
        seed_job: backup.image.as_ref().and_then(|own| Some(&own.seed.as_ref()?.job)),
        target: &backup.target,
        generation: backup.generation,
        engine: backup.engine.word(),
        transfer: backup.transfer.word(),
        diff: backup.diff.word(),
        every_secs: backup.every_secs,
        last_source_snapshot: last.map(|last| last.source_snapshot.as_str()),
        last_at: last.map(|last| last.at),
        changed_bytes: last.map(|last| last.changed_bytes),
        cleared_bytes: last.map(|last| last.cleared_bytes),
        proven: proven.map(|(point, _)| point),
        proven_at: proven.map(|(_, proof)| proof.at),
        proven_by: proven.map(|(_, proof)| proof.by.word()),
        proven_whole: proven.map(|(_, proof)| proof.is_whole),
        keep_last: keep.last,
        keep_daily: keep.spans.daily,
        keep_weekly: keep.spans.weekly,
        keep_monthly: keep.spans.monthly,
        keep_yearly: keep.spans.yearly,
        restored_from: backup.restored.as_ref().map(|from| &from.name),
    }
}

/// The same with the newest point that its copy tells, which no round of it need have made.
pub(super) fn listed_record<'a>(
    backup: &'a DiskBackup,
    newest: Option<&'a str>,
) -> DiskBackupRecord<'a> {
    DiskBackupRecord { last_source_snapshot: newest, ..backup_record(backup) }
}

fn vhd_word(form: VhdForm) -> &'static str {
    match form {
        VhdForm::AsIs => "as-is",
        VhdForm::Add => "add",
        VhdForm::None => "none",
    }
}

pub(super) fn round_record<'a>(
    name: &'a VaultName,
    made: Option<&'a Made>,
    idle: &'static str,
    next: Option<(Timestamp, u64)>,
) -> DiskRoundRecord<'a> {
    DiskRoundRecord {
        name,
        outcome: if made.is_some() { "point" } else { idle },
        source_snapshot: made.map(|made| made.source_snapshot.as_str()),
        backup_snapshot: made.map(|made| made.point.as_str()),
        bytes: made.map(|made| made.bytes),
        changed_bytes: made.map(|made| made.counts.written_bytes),
        cleared_bytes: made.map(|made| made.counts.cleared_bytes),
        read_bytes: made.map(|made| made.counts.read_bytes),
        requests: made.map(|made| made.counts.requests),
        first: made.map(|made| made.is_first),
        resumed: made.map(|made| made.is_resumed),
        proven_bytes: made.and_then(|made| made.proven.as_ref()).map(|proven| proven.bytes),
        next: next.map(|(next, _)| next),
        seconds: next.map(|(_, secs)| secs),
        by_service: made.map(|made| made.by_service),
    }
}

/// The time of a point as a person reads it, which `--at` takes. With all its digits it is the name
/// of a snapshot.
pub(super) fn moment(point: &str) -> String {
    point.parse::<Timestamp>().map_or(point.to_owned(), |at| format!("{at:.0}"))
}

pub(super) fn made_line(name: &VaultName, made: &Made) -> String {
    let counts = made.counts;
    let kind = if made.is_first { "First point" } else { "Point" };
    let proven = match &made.proven {
        Some(proven) => format!("; compared as a whole, {}", ByteSize(proven.bytes)),
        None => String::new(),
    };
    let by = if made.by_service { " by the service" } else { "" };
    format!(
        "{kind} of {name} at {}: {} written{by}, {} cleared, of {}{proven}",
        moment(&made.source_snapshot),
        ByteSize(counts.written_bytes),
        ByteSize(counts.cleared_bytes),
        ByteSize(made.bytes)
    )
}

fn point_record<'a>(backup: &'a DiskBackup, point: &'a DiskPoint) -> DiskPointRecord<'a> {
    let proof = backup.proofs.get(&point.backup_snapshot);
    DiskPointRecord {
        name: &backup.name,
        source_snapshot: &point.source_snapshot,
        backup_snapshot: &point.backup_snapshot,
        bytes: point.bytes,
        copy: &point.copy,
        generation: point.generation,
        proven_at: proof.map(|proof| proof.at),
        proven_by: proof.map(|proof| proof.by.word()),
        proven_whole: proof.map(|proof| proof.is_whole),
    }
}

impl Outcome for Rounds {
    fn lines(&self) -> Vec<String> {
        if self.0.is_empty() {
            return vec!["This machine backs no disk up".to_owned()];
        }
        let one = |end: &RoundEnd| match (&end.made, &end.underway) {
            (Some(made), _) => made_line(&end.name, made),
            (None, Some(Underway { job, state })) => format!(
                "The first copy of {} goes by drive, and is not there yet: job {job} is {state}",
                end.name
            ),
            (None, None) => format!("Nothing is due for {} before {:.0}", end.name, end.next),
        };
        self.0.iter().map(one).collect()
    }

    fn json(&self) -> Vec<Value> {
        let one = |end: &RoundEnd| {
            let idle = if end.underway.is_some() { "in-transit" } else { "not-due" };
            line(&round_record(&end.name, end.made.as_ref(), idle, Some((end.next, end.secs))))
        };
        self.0.iter().map(one).collect()
    }
}

impl Outcome for Disks {
    fn lines(&self) -> Vec<String> {
        if self.0.is_empty() {
            return vec!["This machine backs no disk up".to_owned()];
        }
        let one = |ListedDisk { backup: own, newest }: &ListedDisk| {
            let last = newest.as_ref().map_or("no point yet".to_owned(), |own| moment(own));
            format!("{}  {} to {}  last point: {last}", own.name, own.source, own.target)
        };
        self.0.iter().map(one).collect()
    }

    fn json(&self) -> Vec<Value> {
        self.0.iter().map(|own| line(&listed_record(&own.backup, own.newest.as_deref()))).collect()
    }
}

impl Outcome for Points {
    fn lines(&self) -> Vec<String> {
        if self.all.is_empty() {
            return vec![format!("{} has no point yet", self.backup.name)];
        }
        // Of two points of one second all digits are shown: they sort by time.
        let times: Vec<String> = self.all.iter().map(|own| moment(&own.source_snapshot)).collect();
        let has_twin = |at: usize| {
            let own = times.get(at);
            own == times.get(at + 1) || (at > 0 && own == times.get(at - 1))
        };
        let one = |(at, point): (usize, &DiskPoint)| {
            let proof = self.backup.proofs.get(&point.backup_snapshot);
            let proven = proof.map_or("not proven yet".to_owned(), proof_words);
            let time = if has_twin(at) { &point.source_snapshot } else { &times[at] };
            format!("{time}  {}  {proven}", ByteSize(point.bytes))
        };
        self.all.iter().enumerate().map(one).collect()
    }

    fn json(&self) -> Vec<Value> {
        self.all.iter().map(|point| line(&point_record(&self.backup, point))).collect()
    }
}

/// When and how a point was proven.
pub(super) fn proof_words(proof: &Proof) -> String {
    let how = match proof.by {
        ProvenBy::Source => "by the disk's snapshot",
        ProvenBy::Table => "by its digest table",
    };
    let part = if proof.is_whole { "" } else { ", a share of it" };
    format!("proven on {:.0} {how}{part}", proof.at)
}

impl Outcome for Released {
    fn lines(&self) -> Vec<String> {
        let Released { name, target } = self;
        vec![match target {
            Some(target) => format!("Disk {name} is forgotten here; {target} and its points stay"),
            None => format!("The damaged record of {name} is gone; its copy and its points stay"),
        }]
    }

    fn json(&self) -> Vec<Value> {
        vec![line(&DiskReleasedRecord { name: &self.name, target: self.target.as_ref() })]
    }
}
