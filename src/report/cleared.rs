//! What was cleared, in words and as a record.

use disk_prep::noun::{ErrorKind, count};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::path_text::PathText;
use super::record::{Record, line};
use crate::journey::cleanup::Cleared;
use crate::journey::cleanup_files::{FilesCleared, length_alone};
use crate::outcome::{Exit, Outcome};

/// What was deleted once the vault had all of the seed.
#[derive(Serialize, JsonSchema)]
pub(super) struct CleanupRecord<'a> {
    /// The vault.
    vault: &'a str,
    /// The staging path.
    staging: PathText<'a>,
    /// Imported blobs that are gone.
    blobs_deleted: u64,
    /// Imported blobs that were left alone, since somebody changed them.
    blobs_left: &'a [String],
    /// Files of the staging path that are gone.
    files_deleted: u64,
    /// When it was cleared before this call; null if this call did it, or nothing did.
    cleared_at: Option<Timestamp>,
    /// Whether it was only looked at.
    dry_run: bool,
    /// What would go, in a sentence; null if nothing is left, or it was not only looked at.
    would_go: Option<&'a str>,
}

impl Record for CleanupRecord<'_> {
    const TYPE: &'static str = "cleanup";
}

impl Outcome for Cleared {
    fn lines(&self) -> Vec<String> {
        let Cleared { vault, staging, blobs_deleted, files_deleted, .. } = self;
        if let Some(what) = &self.would_go {
            return vec![what.clone()];
        }
        let mut lines = vec![match (blobs_deleted, files_deleted) {
            (0, 0) if self.cleared_at.is_some() => format!(
                "Vault {vault} had all of the seed, and it was cleared on {}",
                self.cleared_at.unwrap_or_default().strftime("%Y-%m-%d")
            ),
            (0, 0) => format!("Vault {vault} has all of the seed. Nothing was left to delete"),
            _ => format!(
                "Vault {vault} has all of the seed. Deleted: {}, {} of {}",
                count(*blobs_deleted, "imported blob"),
                count(*files_deleted, "file"),
                staging.display()
            ),
        }];
        for name in &self.blobs_left {
            lines.push(format!("Left alone, since somebody changed it: {name}"));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        vec![line(&CleanupRecord {
            vault: &self.vault,
            staging: PathText(&self.staging),
            blobs_deleted: self.blobs_deleted,
            blobs_left: &self.blobs_left,
            files_deleted: self.files_deleted,
            cleared_at: self.cleared_at,
            dry_run: self.is_dry,
            would_go: self.would_go.as_deref(),
        })]
    }

    fn exit(&self) -> Exit {
        Exit::of((!self.blobs_left.is_empty()).then_some(ErrorKind::LeftOut))
    }
}

/// A job of plain files is at its end.
#[derive(Serialize, JsonSchema)]
pub(super) struct JobClearedRecord<'a> {
    /// The job.
    job: &'a str,
    /// Serial numbers of its drives, which are free for other data.
    drives: &'a [String],
    /// Blobs that are equal to what the drives had, in length and MD5.
    equal: u64,
    /// Blobs that are equal in length, and of which the service has no MD5.
    unproven: u64,
    /// Whether this call changed anything, or would have.
    changed: bool,
    /// Whether it was only looked at.
    dry_run: bool,
}

impl Record for JobClearedRecord<'_> {
    const TYPE: &'static str = "job-cleared";
}

impl Outcome for FilesCleared {
    fn lines(&self) -> Vec<String> {
        let FilesCleared { job, drives, found, is_changed, is_dry } = self;
        let files = count(found.equal.saturating_add(found.unproven), "file");
        let drives = drives.join(", ");
        let alone = length_alone(found.unproven);
        vec![match (is_changed, is_dry) {
            (true, false) => {
                format!("Job {job} is at its end: {files} where they belong{alone}; free: {drives}")
            }
            (true, true) => format!(
                "Job {job} would be at its end: {files} where they belong{alone}; it would free: {drives}"
            ),
            (false, _) => format!("Job {job} was at its end before. Nothing was left to do"),
        }]
    }

    fn json(&self) -> Vec<Value> {
        vec![line(&JobClearedRecord {
            job: &self.job,
            drives: &self.drives,
            equal: self.found.equal,
            unproven: self.found.unproven,
            changed: self.is_changed,
            dry_run: self.is_dry,
        })]
    }
}
