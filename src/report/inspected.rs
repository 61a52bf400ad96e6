//! What is on a drive, for a person and as records.

use disk_prep::inspect::{Files, Inspection, VolumeFound};
use disk_prep::noun::{ByteSize, Diagnose, DriveFault, ErrorKind, Serial};
use disk_prep::volume::bitlocker::unlock::{Protector, VolumeMetadata};
use disk_prep::volume::gpt::{OtherLayout, PartitionTable};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::record::{Record, line as record};
use crate::journey::inspect::Inspected;
use crate::outcome::{Exit, Outcome, chain};

/// A partition of the drive.
#[derive(Serialize, JsonSchema)]
struct PartitionRecord<'a> {
    /// Its place in the table, from 1.
    number: u32,
    /// What it is for, a GUID.
    #[schemars(with = "String")]
    kind: Uuid,
    /// Its identifier, a GUID.
    #[schemars(with = "String")]
    guid: Uuid,
    /// First byte, from the start of the drive.
    start: u64,
    /// Length in bytes.
    bytes: u64,
    /// Its name.
    name: &'a str,
}

/// Why something could not be looked at.
#[derive(Serialize, JsonSchema)]
struct FaultRecord {
    /// Its code; `azseed explain` knows it.
    code: &'static str,
    /// What failed and why.
    message: String,
}

/// What is on a drive; its files follow, one record each.
#[derive(Serialize, JsonSchema)]
pub(super) struct InspectionRecord<'a> {
    /// Serial number.
    #[schemars(with = "String")]
    serial: &'a Serial,
    /// Size in bytes.
    bytes: u64,
    /// Whether it is blank.
    blank: bool,
    /// What makes it not blank; null for a blank drive.
    content: Option<&'a str>,
    /// What is wrong with the partition tables although one can be read.
    table_doubts: Vec<String>,
    /// Identifier of the drive, a GUID; null without a GPT.
    #[schemars(with = "Option<String>")]
    disk_guid: Option<Uuid>,
    /// The partitions in use, in the order of the table.
    partitions: Vec<PartitionRecord<'a>>,
    /// How the BitLocker volume is encrypted; null if there is none that is read.
    cipher: Option<String>,
    /// Where the three BitLocker metadata blocks begin, in bytes from the start of the volume.
    metadata: Option<[u64; 3]>,
    /// Whether it has a BitLocker volume, or what may be one.
    bitlocker: bool,
    /// All that unlocks the volume.
    protectors: Option<Vec<String>>,
    /// Why the volume is not read; null if it is, or if there is none.
    closed: Option<FaultRecord>,
    /// Why less than all could be looked at; null if all was.
    fault: Option<FaultRecord>,
    /// Label of the file system; null unless the volume was unlocked.
    label: Option<&'a str>,
    /// Version of NTFS; null unless the volume was unlocked.
    ntfs_version: Option<&'a str>,
}

impl Record for InspectionRecord<'_> {
    const TYPE: &'static str = "inspection";
}

/// A file on a drive.
#[derive(Serialize, JsonSchema)]
pub(super) struct FileRecord<'a> {
    /// Its path on the volume.
    path: &'a str,
    /// Its length in bytes.
    bytes: u64,
}

impl Record for FileRecord<'_> {
    const TYPE: &'static str = "file";
}

/// What cannot be read on a drive.
#[derive(Serialize, JsonSchema)]
pub(super) struct UnreadableRecord<'a> {
    /// Its path on the volume.
    path: &'a str,
    /// Why.
    fault: &'a str,
}

impl Record for UnreadableRecord<'_> {
    const TYPE: &'static str = "unreadable";
}

impl Inspected {
    fn table(&self) -> Option<&PartitionTable> {
        self.0.tables.as_ref().and_then(|tables| tables.best())
    }
}

/// What was found on a drive, without the words that make a sentence of it.
fn short(content: &str) -> &str {
    content.strip_prefix("it holds ").unwrap_or(content)
}

/// A fault in one line: what, why, its code.
fn line(error: &dyn Diagnose) -> String {
    format!("{} (see `azseed explain {}`)", chain(error), error.code())
}

impl Inspected {
    fn layout_lines(&self, lines: &mut Vec<String>) {
        if let Some(tables) = &self.0.tables {
            for (name, copy) in [("primary", &tables.primary), ("backup", &tables.backup)] {
                let state = copy.as_ref().err().map_or("whole".to_owned(), ToString::to_string);
                lines.push(format!("GPT          {name}: {state}"));
            }
            lines.extend(tables.doubts.iter().map(|doubt| format!("GPT          but {doubt}")));
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
        match &self.0.other {
            Some(OtherLayout::MasterBootRecord(partitions)) => {
                lines.push("GPT          no: there is an MBR partition table instead".to_owned());
                lines.extend(partitions.iter().map(|partition| {
                    let (number, kind) = (partition.number, partition.kind);
                    let (bytes, start) = (partition.bytes, partition.start);
                    format!("Partition {number}  {bytes} bytes from {start}, kind {kind:#04x}")
                }));
            }
            Some(OtherLayout::NoPartitions(what)) => {
                lines.push(format!("GPT          no: {what} takes the whole drive"));
            }
            _ => {}
        }
    }

    fn volume_lines(&self, lines: &mut Vec<String>) {
        match &self.0.volume {
            VolumeFound::None => lines.push("BitLocker    no".to_owned()),
            VolumeFound::Closed(error) => lines.push(format!("BitLocker    {}", line(error))),
            VolumeFound::BitLocker(volume) => {
                let VolumeMetadata { cipher, description, .. } = &**volume;
                lines.push(format!("BitLocker    {cipher}, {description}"));
                let mut id = volume.protector_id;
                for protector in &volume.protectors {
                    let id = match protector {
                        Protector::RecoveryPassword => id.take(),
                        _ => None,
                    };
                    let id = id.map(|id| format!(" {{{id}}}")).unwrap_or_default();
                    lines.push(format!("Protector    {protector}{id}"));
                }
                if volume.protectors.is_empty() {
                    lines.push("Protector    none".to_owned());
                }
                let [first, second, third] = volume.metadata;
                lines.push(format!("Metadata     at {first:#x}, {second:#x}, {third:#x}"));
                lines.push(format!("Header copy  at {:#x}", volume.header_copy));
            }
        }
    }

    fn file_lines(&self, lines: &mut Vec<String>) {
        let Inspection { volume, files, fault, .. } = &self.0;
        match files {
            None => {
                if let Some(fault) = fault {
                    lines.push(format!("Files        not shown: {}", line(fault)));
                } else if let VolumeFound::BitLocker(volume) = volume {
                    let key = "name `--staging` or `--recovery-password-file`";
                    lines.push(match volume.protectors.contains(&Protector::RecoveryPassword) {
                        true => format!("Files        locked: {key}"),
                        false => "Files        locked: no recovery password opens it".to_owned(),
                    });
                }
            }
            Some(Files { facts, list, unreadable }) => {
                lines.push(format!(
                    "NTFS         version {}, label {}, clusters of {}, serial {:016X}",
                    facts.version, facts.label, facts.cluster_bytes, facts.serial
                ));
                lines.push(format!("Files        {}", list.len()));
                lines.extend(list.iter().map(|(path, bytes)| format!("{bytes:>16}  {path}")));
                lines.extend(unreadable.iter().map(|fault| format!("Unreadable   {fault}")));
                if let Some(fault) = fault {
                    lines.push(format!("Unreadable   {}", line(fault)));
                }
            }
        }
    }

    /// The BitLocker volume, if it is one that is read.
    fn metadata(&self) -> Option<&VolumeMetadata> {
        match &self.0.volume {
            VolumeFound::BitLocker(metadata) => Some(metadata),
            _ => None,
        }
    }
}

impl Outcome for Inspected {
    fn lines(&self) -> Vec<String> {
        let Inspection { drive, content, .. } = &self.0;
        let mut lines = vec![
            format!("Drive        {}", drive.serial),
            format!("Size         {} ({} bytes)", ByteSize(drive.bytes), drive.bytes),
            format!("Content      {}", content.as_deref().map_or("blank", short)),
        ];
        self.layout_lines(&mut lines);
        self.volume_lines(&mut lines);
        self.file_lines(&mut lines);
        lines
    }

    fn exit(&self) -> Exit {
        let unreadable = self.0.files.as_ref().is_some_and(|files| !files.unreadable.is_empty());
        match &self.0.fault {
            Some(error) if error.fault.is_of_the_drive() => Exit::Failed(ErrorKind::Difference),
            Some(error) => Exit::Failed(error.kind()),
            None if unreadable => Exit::Failed(ErrorKind::Difference),
            None => Exit::Done,
        }
    }

    fn json(&self) -> Vec<Value> {
        let Inspection { drive, content, tables, files, volume, fault, .. } = &self.0;
        let told = |error: &dyn Diagnose| FaultRecord { code: error.code(), message: line(error) };
        let closed = match volume {
            VolumeFound::Closed(error) => Some(told(error)),
            _ => None,
        };
        let protectors = self
            .metadata()
            .map(|own| own.protectors.iter().map(ToString::to_string).collect::<Vec<_>>());
        let partitions = self
            .table()
            .into_iter()
            .flat_map(|table| &table.partitions)
            .map(|partition| PartitionRecord {
                number: partition.number,
                kind: partition.kind,
                guid: partition.guid,
                start: partition.start,
                bytes: partition.bytes,
                name: &partition.name,
            })
            .collect();
        let doubts = tables.iter().flat_map(|own| &own.doubts);
        let mut lines = vec![record(&InspectionRecord {
            serial: &drive.serial,
            bytes: drive.bytes,
            blank: content.is_none(),
            content: content.as_deref(),
            table_doubts: doubts.map(ToString::to_string).collect(),
            disk_guid: self.table().map(|table| table.disk_guid),
            partitions,
            cipher: self.metadata().map(|volume| volume.cipher.to_string()),
            metadata: self.metadata().map(|volume| volume.metadata),
            bitlocker: !matches!(volume, VolumeFound::None),
            protectors,
            closed,
            fault: fault.as_ref().map(|fault| told(fault)),
            label: files.as_ref().map(|files| files.facts.label.as_str()),
            ntfs_version: files.as_ref().map(|files| files.facts.version.as_str()),
        })];
        for (path, bytes) in files.iter().flat_map(|files| &files.list) {
            lines.push(record(&FileRecord { path, bytes: *bytes }));
        }
        for own in files.iter().flat_map(|files| &files.unreadable) {
            lines.push(record(&UnreadableRecord { path: &own.path, fault: &own.fault }));
        }
        lines
    }
}
