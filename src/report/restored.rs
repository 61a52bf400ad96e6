//! Snapshots, and what was restored of one, as a person and a script see them.

use std::path::{Path, PathBuf};

use disk_prep::noun::ByteSize;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::journey::vault::{Restored, Snapshots};
use crate::outcome::{Exit, Outcome};
use crate::repository::{RestoreDone, Snapshot};

/// A backup in the repository of a vault.
#[derive(Serialize, JsonSchema)]
pub(super) struct SnapshotRecord<'a> {
    /// Its id.
    id: &'a str,
    /// Id of its tree.
    tree: &'a str,
    /// When it was made.
    time: Timestamp,
    /// The machine that was backed up.
    host: &'a str,
    /// What was backed up.
    paths: &'a [PathBuf],
    /// Its files; null if it does not say.
    files: Option<u64>,
    /// Their bytes; null if it does not say.
    bytes: Option<u64>,
}

impl Record for SnapshotRecord<'_> {
    const TYPE: &'static str = "snapshot";
}

/// A file that is not as it was.
#[derive(Serialize, JsonSchema)]
struct NamedRecord<'a> {
    /// Its path.
    path: &'a str,
    /// Why.
    reason: &'a str,
}

/// What is not as it was, for one reason.
#[derive(Serialize, JsonSchema)]
struct NotRestoredRecord<'a> {
    /// The reason; `azseed explain` knows it.
    code: &'a str,
    /// How many.
    count: u64,
    /// Some of these, by name.
    named: Vec<NamedRecord<'a>>,
}

/// A snapshot was restored.
#[derive(Serialize, JsonSchema)]
pub(super) struct RestoredRecord<'a> {
    /// Id of the snapshot.
    snapshot: &'a str,
    /// The folder that it was restored to.
    target: &'a Path,
    /// Bytes that were written.
    bytes: u64,
    /// Files and links that were written.
    written: u64,
    /// Files and links that stood there and were replaced.
    replaced: u64,
    /// Files and links that only got other attributes.
    adjusted: u64,
    /// Files and links that were there already.
    unchanged: u64,
    /// What is not as it was, by reason.
    left_out: Vec<NotRestoredRecord<'a>>,
}

impl Record for RestoredRecord<'_> {
    const TYPE: &'static str = "restored";
}

impl Outcome for Snapshots {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{:<10} {:<20} {:<16} {:>9} {:>10}  PATHS",
            "ID", "TIME", "HOST", "FILES", "SIZE"
        )];
        for own in &self.0 {
            let paths: Vec<String> =
                own.paths.iter().map(|path| path.display().to_string()).collect();
            let files = own.files.map_or("-".to_owned(), |files| files.to_string());
            let bytes = own.bytes.map_or("-".to_owned(), |bytes| ByteSize(bytes).to_string());
            let time = own.time.strftime("%Y-%m-%d %H:%M:%S").to_string();
            lines.push(format!(
                "{:<10} {time:<20} {:<16} {files:>9} {bytes:>10}  {}",
                &own.id[..8],
                own.host,
                paths.join(", ")
            ));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let record = |own: &Snapshot| {
            line(&SnapshotRecord {
                id: &own.id,
                tree: &own.tree,
                time: own.time,
                host: &own.host,
                paths: &own.paths,
                files: own.files,
                bytes: own.bytes,
            })
        };
        self.0.iter().map(record).collect()
    }
}

/// So many are named to a person; a script gets more.
const MOST_SHOWN: usize = 10;

impl Outcome for Restored {
    fn lines(&self) -> Vec<String> {
        let RestoreDone { bytes, written, replaced, adjusted, unchanged, left_out } = &self.done;
        let (id, bytes) = (&self.snapshot.id[..8], ByteSize(*bytes));
        let how = if left_out.is_empty() { "restored" } else { "restored in part" };
        let folder = self.folder.display();
        let counts = [
            (written, "written"),
            (replaced, "replaced"),
            (adjusted, "given other attributes"),
            (unchanged, "there already"),
        ];
        let counted = counts.iter().filter(|(number, _)| **number > 0);
        let counted: Vec<String> =
            counted.map(|(number, what)| format!("{number} {what}")).collect();
        let mut lines = vec![format!("Snapshot {id} is {how} to {folder}: {bytes} written")];
        if !counted.is_empty() {
            lines.push(format!("Files and links: {}", counted.join(", ")));
        }
        for (reason, own) in left_out {
            let shown = own.named.iter().take(MOST_SHOWN);
            lines.extend(shown.map(|(path, why)| format!("Not as it was: {path}: {why}")));
            let more = own.count.saturating_sub(MOST_SHOWN as u64);
            if more > 0 {
                lines.push(format!("Not as it was: {more} more ({})", reason.code()));
            }
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let done = &self.done;
        let left_out = done.left_out.iter().map(|(reason, own)| {
            let named = own.named.iter().map(|(path, reason)| NamedRecord { path, reason });
            NotRestoredRecord { code: reason.code(), count: own.count, named: named.collect() }
        });
        vec![line(&RestoredRecord {
            snapshot: &self.snapshot.id,
            target: &self.folder,
            bytes: done.bytes,
            written: done.written,
            replaced: done.replaced,
            adjusted: done.adjusted,
            unchanged: done.unchanged,
            left_out: left_out.collect(),
        })]
    }

    fn exit(&self) -> Exit {
        Exit::of(self.done.left_out.keys().map(|reason| reason.kind()))
    }
}
