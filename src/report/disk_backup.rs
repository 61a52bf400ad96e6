//! Disks' backups, as a person and a script see them.

use disk_prep::noun::{BlobPlace, ByteSize, JobName, VaultName, count, typed};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::disk_backup::{DiskBackup, DiskPoint, Engine, Made, Proof, ProvenBy, VhdForm, Via};
use crate::journey::disk_backup::{RoundEnd, Rounds};
use crate::journey::disk_look::{DiskStatus, Disks, ListedDisk, Points, Released};
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

/// How a copy stands at the service.
#[derive(Serialize, JsonSchema)]
pub(super) struct DiskStatusRecord<'a> {
    /// The backup's name.
    #[schemars(with = "String")]
    name: &'a VaultName,
    /// The source's snapshot that the copy holds; null before the first point.
    baseline: Option<&'a str>,
    /// Whether that snapshot is there; without it only a whole new copy goes on.
    has_baseline: bool,
    /// The source's snapshot that the copy is being brought to; null if it is whole.
    pending: Option<&'a str>,
    /// How what changed is found out for it: `service`, `client` or `all`.
    pending_mode: Option<&'a str>,
    /// How many points there are.
    points: usize,
    /// The source's snapshot that the point is equal to which was proven last; null if none was.
    proven_source_snapshot: Option<&'a str>,
    /// Bytes that are written in the copy; null where there is none.
    copy_bytes: Option<u64>,
    /// Bytes beyond it that only points hold; null if the service does not tell that.
    points_bytes: Option<u64>,
    /// Whether a run holds the copy now.
    leased: bool,
    /// When the next point is due.
    next: Timestamp,
}

impl Record for DiskStatusRecord<'_> {
    const TYPE: &'static str = "disk-status";
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
fn listed_record<'a>(backup: &'a DiskBackup, newest: Option<&'a str>) -> DiskBackupRecord<'a> {
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
    format!(
        "{kind} of {name} at {}: {} written, {} cleared, of {}{proven}",
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
fn proof_words(proof: &Proof) -> String {
    let how = match proof.by {
        ProvenBy::Source => "by the disk's snapshot",
        ProvenBy::Table => "by its digest table",
    };
    let part = if proof.is_whole { "" } else { ", a share of it" };
    format!("proven on {:.0} {how}{part}", proof.at)
}

/// What is not as it is without a word.
fn manner_line(backup: &DiskBackup) -> Option<String> {
    match (backup.engine, backup.transfer) {
        (Engine::Diff, Via::Client) => None,
        (Engine::Diff, Via::Server) => {
            Some("What changed is carried by the service, from blob to blob".to_owned())
        }
        (Engine::IncrementalCopy, _) => {
            Some("The service makes the points, by incremental copies".to_owned())
        }
        (Engine::FullCopy, _) => Some("Every point is a whole copy, a blob of its own".to_owned()),
    }
}

impl Outcome for DiskStatus {
    fn lines(&self) -> Vec<String> {
        let DiskBackup { name, source, target, .. } = &self.backup;
        let mut lines = vec![format!("Disk {name}: {source} to {target}")];
        lines.extend(manner_line(&self.backup));
        let chain = self.chain.as_ref();
        match chain.and_then(|chain| chain.baseline.as_ref()) {
            None if self.points > 0 => lines.push(format!(
                "The copy does not say any more what it holds: `{}` makes a whole new one",
                typed(["azseed", "disk-backup", "run", name.as_str(), "--full"])
            )),
            None => {
                let image = self.backup.image.as_ref();
                lines.push(match image.and_then(|own| own.seed.as_ref()) {
                    Some(seed) => format!(
                        "There is no point yet: the first copy goes by drive, with the job {}",
                        seed.job
                    ),
                    None => "There is no point yet".to_owned(),
                });
            }
            Some(baseline) => {
                let baseline = moment(baseline);
                let holds = match self.backup.engine {
                    Engine::FullCopy => "the newest is of",
                    Engine::Diff | Engine::IncrementalCopy => "the copy holds",
                };
                lines.push(format!("{}, {holds} {baseline}", count(self.points, "point")));
                if !self.has_baseline {
                    lines.push(format!(
                        "That snapshot of the source is gone: `azseed disk-backup run {name} \
                         --full` makes a whole new copy"
                    ));
                }
            }
        }
        if let Some(pending) = chain.and_then(|chain| chain.pending.as_ref()) {
            let time = moment(&pending.snapshot);
            let line = typed(["azseed", "disk-backup", "run", name.as_str()]);
            lines.push(match self.is_leased {
                true => format!("A round is under way: to {time}"),
                false => format!("A round was stopped: to {time}. `{line}` goes on with it"),
            });
        }
        if self.is_leased {
            lines.push("A run holds the copy".to_owned());
        }
        match &self.proven {
            Some((point, proof)) => {
                lines.push(format!("Point {}: {}", moment(point), proof_words(proof)));
            }
            None => lines.push("No point was proven yet".to_owned()),
        }
        if let Some(stored) = self.stored {
            let points = match stored.points_bytes {
                Some(bytes) => format!("{} that only points hold", ByteSize(bytes)),
                None => "what only points hold, which the service does not tell".to_owned(),
            };
            lines
                .push(format!("Billed: {} in the copy, and {points}", ByteSize(stored.copy_bytes)));
        }
        if let Some(last) = &self.backup.last {
            let requests = usize::try_from(last.requests).unwrap_or(usize::MAX);
            lines.push(format!(
                "The last round: {} written and {} cleared, by {}",
                ByteSize(last.changed_bytes),
                ByteSize(last.cleared_bytes),
                count(requests, "request")
            ));
        }
        lines.push(format!("Kept: {}", self.backup.keep));
        lines.push(format!("Next point: {:.0}", self.next));
        if self.backup.source.managed().is_some() {
            lines.push("Not copied along: snapshots of the disk that others have taken".to_owned());
        }
        if self.backup.source.place().is_some() {
            lines.push(
                "Not copied along: the source's own snapshots, its lease, its access tier"
                    .to_owned(),
            );
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let chain = self.chain.as_ref();
        let pending = chain.and_then(|chain| chain.pending.as_ref());
        let status = DiskStatusRecord {
            name: &self.backup.name,
            baseline: chain.and_then(|chain| chain.baseline.as_deref()),
            has_baseline: self.has_baseline,
            pending: pending.map(|pending| pending.snapshot.as_str()),
            pending_mode: pending.and_then(|pending| pending.mode).map(|mode| mode.word()),
            points: self.points,
            proven_source_snapshot: self.proven.as_ref().map(|(point, _)| point.as_str()),
            copy_bytes: self.stored.map(|own| own.copy_bytes),
            points_bytes: self.stored.and_then(|own| own.points_bytes),
            leased: self.is_leased,
            next: self.next,
        };
        vec![line(&listed_record(&self.backup, self.newest.as_deref())), line(&status)]
    }
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
