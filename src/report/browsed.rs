//! What snapshots hold, as a person and a script see it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::path_text::PathText;
use super::record::{Record, line};
use crate::journey::vault_read::{Entries, Looked};
use crate::outcome::{Exit, Outcome};
use crate::repository::{Entry, EntryKind};
use disk_prep::noun::{ErrorKind, count};

/// An entry of a snapshot.
#[derive(Serialize, JsonSchema)]
pub(super) struct EntryRecord<'a> {
    /// Id of the snapshot.
    snapshot: &'a str,
    /// When the snapshot was made.
    time: Timestamp,
    /// The machine that it is of.
    host: &'a str,
    /// The whole path.
    path: PathText<'a>,
    /// `file`, `folder`, `link` or `special`.
    kind: &'static str,
    /// Bytes of a file.
    bytes: u64,
    /// Permissions, in octal digits; null if the snapshot does not say.
    mode: Option<String>,
    /// Number of the owner; null if the snapshot does not say.
    uid: Option<u32>,
    /// Number of the group; null if the snapshot does not say.
    gid: Option<u32>,
    /// Name of the owner; null if the snapshot does not say.
    user: Option<&'a str>,
    /// Name of the group; null if the snapshot does not say.
    group: Option<&'a str>,
    /// When it was changed; null if the snapshot does not say.
    mtime: Option<Timestamp>,
    /// Where a link leads; null of anything else.
    link_target: Option<PathText<'a>>,
}

impl Record for EntryRecord<'_> {
    const TYPE: &'static str = "snapshot-entry";
}

/// The end of a look into snapshots.
#[derive(Serialize, JsonSchema)]
pub(super) struct LookedRecord<'a> {
    /// Entries that were shown.
    found: usize,
    /// Snapshots that were looked into.
    snapshots: usize,
    /// What could not be read.
    damaged: &'a [String],
}

impl Record for LookedRecord<'_> {
    const TYPE: &'static str = "snapshot-looked";
}

fn word(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File => "file",
        EntryKind::Folder => "folder",
        EntryKind::Link => "link",
        EntryKind::Special(_) => "special",
    }
}

fn entry_line(own: &Entry) -> String {
    let letter = match own.kind {
        EntryKind::File => '-',
        EntryKind::Folder => 'd',
        EntryKind::Link => 'l',
        EntryKind::Special(letter) => letter,
    };
    let mode = own.mode.map_or("----".to_owned(), |mode| format!("{mode:04o}"));
    let id = |number: Option<u32>| number.map_or("-".to_owned(), |number| number.to_string());
    let name = |name: &Option<String>, number| name.clone().unwrap_or_else(|| id(number));
    let (user, group) =
        (name(&own.owner_name.0, own.owner.0), name(&own.owner_name.1, own.owner.1));
    let time = own.mtime.map_or("-".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string());
    let target =
        own.link_target.as_ref().map_or(String::new(), |to| format!(" -> {}", to.display()));
    let owner = format!("{user}:{group}");
    let (bytes, path) = (own.bytes, own.path.display());
    format!("{letter}{mode} {owner:<17} {bytes:>14} {time:<19} {path}{target}")
}

impl Outcome for Entries {
    fn lines(&self) -> Vec<String> {
        let of = &self.snapshot.id[..8];
        self.entries.iter().map(|own| format!("{of} {}", entry_line(own))).collect()
    }

    fn json(&self) -> Vec<Value> {
        let record = |own: &Entry| {
            line(&EntryRecord {
                snapshot: &self.snapshot.id,
                time: self.snapshot.time,
                host: &self.snapshot.host,
                path: PathText(&own.path),
                kind: word(own.kind),
                bytes: own.bytes,
                mode: own.mode.map(|mode| format!("{mode:04o}")),
                uid: own.owner.0,
                gid: own.owner.1,
                user: own.owner_name.0.as_deref(),
                group: own.owner_name.1.as_deref(),
                mtime: own.mtime,
                link_target: own.link_target.as_deref().map(PathText),
            })
        };
        self.entries.iter().map(record).collect()
    }
}

impl Outcome for Looked {
    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> =
            self.damaged.iter().map(|what| format!("Cannot be read: {what}")).collect();
        if self.found == 0 {
            let snapshots = count(self.snapshots as u64, "snapshot");
            lines.push(format!("Nothing found in {snapshots}"));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let Looked { found, snapshots, damaged } = self;
        vec![line(&LookedRecord { found: *found, snapshots: *snapshots, damaged })]
    }

    fn exit(&self) -> Exit {
        Exit::of((!self.damaged.is_empty()).then_some(ErrorKind::Difference))
    }
}
