//! Snapshots, and what was restored of one, as a person and a script see them.

use disk_prep::noun::ByteSize;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::path_text::{PathText, PathTexts};
use super::record::{Record, line};
use crate::journey::vault_read::{Restored, Snapshots};
use crate::outcome::{Exit, Outcome};
use crate::repository::{Change, ChangeKind, Reason, RestoreDone, Snapshot};

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
    paths: PathTexts<'a>,
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
    target: PathText<'a>,
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
    /// The folder or file of the snapshot that was meant; null if all of it.
    path: Option<PathText<'a>>,
    /// Whether it was only looked at what would change; the counts then say what would be.
    dry_run: bool,
    /// Reasons that were not to count as left out.
    ignored: Vec<&'a str>,
}

impl Record for RestoredRecord<'_> {
    const TYPE: &'static str = "restored";
}

/// What a restore would change; printed by a dry run, an object for each.
#[derive(Serialize, JsonSchema)]
pub(super) struct ChangeRecord<'a> {
    /// The path below the target.
    path: PathText<'a>,
    /// What would become of it: `written`, `replaced`, `adjusted` or `in-the-way`.
    change: &'static str,
    /// Bytes of a file.
    bytes: u64,
}

impl Record for ChangeRecord<'_> {
    const TYPE: &'static str = "restore-change";
}

fn word(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Written => "written",
        ChangeKind::Replaced => "replaced",
        ChangeKind::Adjusted => "adjusted",
        ChangeKind::InTheWay => "in-the-way",
    }
}

fn change_line(change: &Change) -> String {
    let path = change.path.display();
    match change.kind {
        ChangeKind::Written => format!("Would write    {path} ({})", ByteSize(change.bytes)),
        ChangeKind::Replaced => format!("Would replace  {path} ({})", ByteSize(change.bytes)),
        ChangeKind::Adjusted => format!("Would adjust   {path}"),
        ChangeKind::InTheWay => format!("In the way     {path}"),
    }
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
                paths: PathTexts(&own.paths),
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
        let RestoreDone { folder, bytes, written, replaced, adjusted, unchanged, left_out } =
            &self.done;
        let (id, bytes) = (&self.snapshot.id[..8], ByteSize(*bytes));
        let is_whole = left_out.keys().all(|reason| self.ignored.contains(reason));
        let how = if is_whole { "restored" } else { "restored in part" };
        let (folder, is_dry_run) = (folder.display(), self.changes.is_some());
        let words = match is_dry_run {
            true => ["to write", "to replace", "to give other attributes", "there already"],
            false => ["written", "replaced", "given other attributes", "there already"],
        };
        let counts = [written, replaced, adjusted, unchanged].into_iter().zip(words);
        let counted = counts.filter(|(number, _)| **number > 0);
        let counted: Vec<String> =
            counted.map(|(number, what)| format!("{number} {what}")).collect();
        let mut lines: Vec<String> = self.changes.iter().flatten().map(change_line).collect();
        lines.push(match is_dry_run {
            true => format!("Snapshot {id} would be restored to {folder}: {bytes} to write"),
            false => format!("Snapshot {id} is {how} to {folder}: {bytes} written"),
        });
        if !counted.is_empty() {
            lines.push(format!("Files and links: {}", counted.join(", ")));
        }
        let mut words = Vec::new();
        for (reason, own) in left_out.iter().filter(|(reason, _)| {
            // What is in the way stands in the list of what would change.
            !(is_dry_run && **reason == Reason::InTheWay)
        }) {
            let is_ignored = self.ignored.contains(reason);
            words.extend(reason.word().filter(|_| !is_ignored));
            let most = if reason.word().is_some() { 1 } else { MOST_SHOWN };
            let how = if is_ignored { "Not as it was, as asked" } else { "Not as it was" };
            let shown = own.named.iter().take(most);
            lines.extend(shown.map(|(path, why)| format!("{how}: {path}: {why}")));
            let more = own.count.saturating_sub(most as u64);
            if more > 0 {
                lines.push(format!("{how}: {more} more ({})", reason.code()));
            }
        }
        if !words.is_empty() {
            let words = words.join(",");
            lines.push(format!("If that does not matter, say so with --ignore {words}"));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let done = &self.done;
        let left_out = done.left_out.iter().map(|(reason, own)| {
            let named = own.named.iter().map(|(path, reason)| NamedRecord { path, reason });
            NotRestoredRecord { code: reason.code(), count: own.count, named: named.collect() }
        });
        let change = |own: &Change| {
            line(&ChangeRecord {
                path: PathText(&own.path),
                change: word(own.kind),
                bytes: own.bytes,
            })
        };
        let mut all: Vec<Value> = self.changes.iter().flatten().map(change).collect();
        all.push(line(&RestoredRecord {
            snapshot: &self.snapshot.id,
            target: PathText(&done.folder),
            bytes: done.bytes,
            written: done.written,
            replaced: done.replaced,
            adjusted: done.adjusted,
            unchanged: done.unchanged,
            left_out: left_out.collect(),
            path: self.below.as_deref().map(PathText),
            dry_run: self.changes.is_some(),
            ignored: self.ignored.iter().map(Reason::code).collect(),
        }));
        all
    }

    fn exit(&self) -> Exit {
        let counted = self.done.left_out.keys().filter(|own| !self.ignored.contains(own));
        Exit::of(counted.map(Reason::kind))
    }
}
