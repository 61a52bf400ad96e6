//! How a disk's backup stands, as a person and a script see it.

use disk_prep::noun::{ByteSize, VaultName, count, typed};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::disk_backup::{listed_record, moment, proof_words};
use super::record::{Record, line};
use crate::disk_backup::{DiskBackup, Engine, Via};
use crate::journey::disk_look::DiskStatus;
use crate::outcome::Outcome;

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
