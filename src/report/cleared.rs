//! What was cleared, in words and as a record.

use disk_prep::noun::{ErrorKind, count};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::path::Path;

use super::record::{Record, line};
use crate::journey::cleanup::Cleared;
use crate::outcome::{Exit, Outcome};

/// What was deleted once the vault had all of the seed.
#[derive(Serialize, JsonSchema)]
pub(super) struct CleanupRecord<'a> {
    /// The vault.
    vault: &'a str,
    /// The staging path.
    staging: &'a Path,
    /// Imported blobs that are gone.
    blobs_deleted: u64,
    /// Imported blobs that were left alone, since somebody changed them.
    blobs_left: &'a [String],
    /// Files of the staging path that are gone.
    files_deleted: u64,
}

impl Record for CleanupRecord<'_> {
    const TYPE: &'static str = "cleanup";
}

impl Outcome for Cleared {
    fn lines(&self) -> Vec<String> {
        let Cleared { vault, staging, blobs_deleted, files_deleted, .. } = self;
        let mut lines = vec![match (blobs_deleted, files_deleted) {
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
            staging: &self.staging,
            blobs_deleted: self.blobs_deleted,
            blobs_left: &self.blobs_left,
            files_deleted: self.files_deleted,
        })]
    }

    fn exit(&self) -> Exit {
        Exit::of((!self.blobs_left.is_empty()).then_some(ErrorKind::LeftOut))
    }
}
