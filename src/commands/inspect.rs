//! `inspect`: what is on a drive, for a person.

use disk_prep::drive::find;
use disk_prep::inspect::{Inspection, inspect};
use disk_prep::journal::JournalFolder;
use disk_prep::noun::{ByteSize, visible_lines};
use disk_prep::volume::gpt::PartitionTable;
use serde_json::{Value, json};

use super::door::Door;
use super::keeper::keeper;
use super::verify::{recovery_password, staging_of};
use super::{Failure, Outcome};
use crate::cli::{Global, InspectArgs};
use crate::staging::Staging;
use crate::state::State;

/// Runs `inspect`.
pub fn run(
    args: &InspectArgs,
    global: &Global,
    door: &Door<'_>,
) -> Result<Box<dyn Outcome>, Failure> {
    let given = recovery_password(args.recovery_password_file.as_deref())?;
    let state = State::open(global.state.as_deref())?;
    let serial = find(&args.drive)?.serial;
    let staging = staging_of(args.staging.as_deref(), &serial, &state, door)?;
    let keeper = keeper(staging.as_ref(), &args.keys, None, &state);
    let folder = staging.as_ref().map(Staging::journals);
    let found = inspect(&args.drive, |drive| {
        if given.is_some() {
            return Ok(given);
        }
        let histories = folder.as_ref().map_or(Ok(Vec::new()), JournalFolder::read)?;
        let own = histories.into_iter().find(|history| history.begun.serial == drive.serial);
        own.map(|history| history.begun.password(keeper.as_ref())).transpose()
    })?;
    Ok(Box::new(Inspected(found)))
}

struct Inspected(Inspection);

impl Inspected {
    fn table(&self) -> Option<&PartitionTable> {
        self.0.tables.as_ref().and_then(|tables| tables.best())
    }
}

/// What was found on a drive, without the words that make a sentence of it.
fn short(content: &str) -> &str {
    content.strip_prefix("it holds ").unwrap_or(content)
}

impl Outcome for Inspected {
    fn text(&self) -> String {
        let Inspection { drive, content, volume, files, tables } = &self.0;
        let mut lines = vec![
            format!("Drive        {}", drive.serial),
            format!("Size         {} ({} bytes)", ByteSize(drive.bytes), drive.bytes),
            format!("Content      {}", content.as_deref().map_or("blank", short)),
        ];
        if let Some(tables) = tables {
            for (name, copy) in [("primary", &tables.primary), ("backup", &tables.backup)] {
                let state = copy.as_ref().err().map_or("whole".to_owned(), ToString::to_string);
                lines.push(format!("GPT          {name}: {state}"));
            }
        }
        if let Some(table) = self.table() {
            lines.push(format!("Disk GUID    {}", table.disk_guid));
            for partition in &table.partitions {
                lines.push(format!(
                    "Partition {}  {} bytes from {}, {}",
                    partition.number, partition.bytes, partition.start, partition.name
                ));
            }
        }
        match volume {
            None => lines.push("BitLocker    no".to_owned()),
            Some(volume) => {
                lines.push(format!("BitLocker    {}, {}", volume.cipher, volume.description));
                let protector =
                    volume.protector_id.map_or("none".to_owned(), |id| format!("{{{id}}}"));
                lines.push(format!("Protector    recovery password {protector}"));
                let [first, second, third] = volume.metadata;
                lines.push(format!("Metadata     at {first:#x}, {second:#x}, {third:#x}"));
                lines.push(format!("Header copy  at {:#x}", volume.header_copy));
            }
        }
        match files {
            None if volume.is_some() => {
                lines.push(
                    "Files        locked: name `--staging` or `--recovery-password-file`".into(),
                );
            }
            None => {}
            Some(files) => {
                let facts = &files.facts;
                lines.push(format!(
                    "NTFS         version {}, label {}, clusters of {}, serial {:016X}",
                    facts.version, facts.label, facts.cluster_bytes, facts.serial
                ));
                lines.push(format!("Files        {}", files.list.len()));
                lines.extend(files.list.iter().map(|(path, bytes)| format!("{bytes:>16}  {path}")));
            }
        }
        visible_lines(&lines)
    }

    fn json(&self) -> Vec<Value> {
        let Inspection { drive, content, volume, files, .. } = &self.0;
        let partitions: Vec<Value> = self
            .table()
            .into_iter()
            .flat_map(|table| &table.partitions)
            .map(|partition| {
                json!({
                    "number": partition.number, "kind": partition.kind, "guid": partition.guid,
                    "start": partition.start, "bytes": partition.bytes, "name": partition.name,
                })
            })
            .collect();
        let mut lines = vec![json!({
            "type": "inspection", "version": 1, "serial": drive.serial, "bytes": drive.bytes,
            "blank": content.is_none(), "content": content,
            "disk_guid": self.table().map(|table| table.disk_guid), "partitions": partitions,
            "cipher": volume.as_ref().map(|volume| volume.cipher.to_string()),
            "metadata": volume.as_ref().map(|volume| volume.metadata),
            "label": files.as_ref().map(|files| &files.facts.label),
            "ntfs_version": files.as_ref().map(|files| &files.facts.version),
        })];
        for (path, bytes) in files.iter().flat_map(|files| &files.list) {
            lines.push(json!({"type": "file", "version": 1, "path": path, "bytes": bytes}));
        }
        lines
    }
}
