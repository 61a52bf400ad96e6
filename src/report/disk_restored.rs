//! A disk or an image file that was made of a point, and a disk that a point went over.

use disk_prep::noun::{BlobPlace, ByteSize, VaultName, shell_word, typed};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::disk_backup::{backup_record, moment};
use super::record::{Record, line};
use crate::disk_backup::DiskSource;
use crate::journey::disk_promote::PromotedDisk;
use crate::journey::disk_restore::{NewDisk, RestoredDisk};
use crate::outcome::Outcome;

/// A point became a disk or an image file.
#[derive(Serialize, JsonSchema)]
pub(super) struct DiskRestoredRecord<'a> {
    /// The backup's name.
    #[schemars(with = "String")]
    name: &'a VaultName,
    /// The point: the snapshot of the disk that it is equal to.
    source_snapshot: &'a str,
    /// The snapshot of the copy that was read.
    backup_snapshot: &'a str,
    /// Its length.
    bytes: u64,
    /// The new page blob; null for a managed disk and an image file.
    #[schemars(with = "Option<String>")]
    blob: Option<&'a BlobPlace>,
    /// The resource id of the new managed disk; null for anything else.
    managed_disk: Option<String>,
    /// The image file; null for a disk in Azure.
    image: Option<String>,
    /// Bytes that this machine read of the point; 0 where the service copied.
    read_bytes: u64,
    /// Bytes that this machine wrote.
    written_bytes: u64,
    /// Bytes that were compared afterwards; null if that was not asked for.
    proven_bytes: Option<u64>,
    /// What the backup of the new disk is called; null if it has none.
    #[schemars(with = "Option<String>")]
    backup_name: Option<&'a VaultName>,
    /// The new disk's first snapshot, from which its backup goes on.
    first_snapshot: Option<&'a str>,
    /// Whether nothing was left to do.
    was_there: bool,
    /// Commands that make a virtual machine use it.
    commands: Vec<String>,
    /// Whether all of the point was compared with its digest table; null if it has none.
    compared_with_table: Option<bool>,
}

impl Record for DiskRestoredRecord<'_> {
    const TYPE: &'static str = "disk-restored";
}

/// A point went over the disk itself.
#[derive(Serialize, JsonSchema)]
pub(super) struct DiskPromotedRecord<'a> {
    /// The backup's name.
    #[schemars(with = "String")]
    name: &'a VaultName,
    /// The disk.
    #[schemars(with = "String")]
    disk: &'a BlobPlace,
    /// The point.
    source_snapshot: &'a str,
    /// The disk's snapshot of what it held before.
    before: &'a str,
    /// Bytes that were written.
    changed_bytes: u64,
    /// Bytes that were cleared.
    cleared_bytes: u64,
    /// Bytes that were compared afterwards; null if that was not asked for.
    proven_bytes: Option<u64>,
    /// Whether a run before had begun it.
    resumed: bool,
    /// Commands that start the virtual machine again, and that let the snapshot go.
    commands: Vec<String>,
}

impl Record for DiskPromotedRecord<'_> {
    const TYPE: &'static str = "disk-promoted";
}

/// A disk of a virtual machine is a managed disk today; a blob is made one first.
fn machine_commands(place: &DiskSource, address: &str) -> Vec<String> {
    let source = shell_word(address);
    let (create, disk) = match place.managed() {
        Some(_) => (None, source.to_string()),
        None => {
            let made =
                format!("az disk create --resource-group GROUP --name DISK --source {source}");
            (Some(made), "DISK".to_owned())
        }
    };
    let swap = [
        "az vm deallocate --resource-group GROUP --name VM".to_owned(),
        format!("az vm update --resource-group GROUP --name VM --os-disk {disk}"),
        "az vm start --resource-group GROUP --name VM".to_owned(),
    ];
    create.into_iter().chain(swap).collect()
}

impl RestoredDisk {
    /// Whether the point was compared with its digest table, and what compares it if not.
    fn table_line(&self) -> Option<String> {
        Some(match self.is_compared? {
            true => "The point was compared with its digest table".to_owned(),
            false => {
                let (name, at) = (self.name.as_str(), self.point.source_snapshot.as_str());
                let line = typed(["azseed", "disk-backup", "verify", name, "--at", at]);
                format!(
                    "The point was not compared with its digest table, since this machine did not \
                     read all of it now: `{line}` compares it"
                )
            }
        })
    }

    fn commands(&self) -> Vec<String> {
        match &self.new {
            NewDisk::Disk { place, address, .. } => machine_commands(place, address),
            NewDisk::Image { .. } => Vec::new(),
        }
    }
}

impl Outcome for RestoredDisk {
    fn lines(&self) -> Vec<String> {
        let (name, point) = (&self.name, moment(&self.point.source_snapshot));
        let bytes = ByteSize(self.point.bytes);
        let proven = |bytes: Option<u64>| {
            bytes.map_or(String::new(), |bytes| {
                format!("; compared as a whole, {}", ByteSize(bytes))
            })
        };
        let (made, backup) = match &self.new {
            NewDisk::Image { path, made } => {
                let (path, written) = (path.display(), ByteSize(made.written_bytes));
                let proven = proven(made.proven_bytes);
                if made.was_there {
                    return vec![format!(
                        "{name} at {point} is the image {path}: {bytes}. It was there, and nothing \
                         was left to do{proven}"
                    )];
                }
                let own = format!(
                    "{name} at {point} is the image {path}: {bytes}, {written} of them written{proven}"
                );
                return vec![own];
            }
            NewDisk::Disk { place, made, backup, .. } => {
                let how = match (made.was_there, proven(made.proven_bytes)) {
                    (true, proven) => format!(". It was there, and nothing was left to do{proven}"),
                    (false, proven) => proven,
                };
                (format!("{name} at {point} is the disk {place}: {bytes}{how}"), backup)
            }
        };
        let mut lines = vec![made];
        lines.extend(self.table_line());
        lines.push(match backup {
            Some(own) => format!(
                "It is backed up as {}, to {}: the next round sends only what changes from now on",
                own.name, own.target
            ),
            None => "It has no backup of its own".to_owned(),
        });
        lines
            .push("For a virtual machine, with its own names in place of the capitals:".to_owned());
        lines.extend(self.commands().into_iter().map(|own| format!("  {own}")));
        let disk = match &self.new {
            NewDisk::Disk { place, address, .. } if place.managed().is_some() => {
                shell_word(address)
            }
            _ => "DISK".into(),
        };
        lines.push(format!("  (a data disk: `az vm disk attach --vm-name VM --name {disk}`)"));
        lines
    }

    fn json(&self) -> Vec<Value> {
        let point = &self.point;
        let empty = DiskRestoredRecord {
            name: &self.name,
            source_snapshot: &point.source_snapshot,
            backup_snapshot: &point.backup_snapshot,
            bytes: point.bytes,
            blob: None,
            managed_disk: None,
            image: None,
            read_bytes: 0,
            written_bytes: 0,
            proven_bytes: None,
            backup_name: None,
            first_snapshot: None,
            was_there: false,
            commands: self.commands(),
            compared_with_table: self.is_compared,
        };
        match &self.new {
            NewDisk::Image { path, made } => vec![line(&DiskRestoredRecord {
                image: Some(path.display().to_string()),
                read_bytes: made.read_bytes,
                written_bytes: made.written_bytes,
                proven_bytes: made.proven_bytes,
                was_there: made.was_there,
                ..empty
            })],
            NewDisk::Disk { place, made, backup, .. } => {
                let own = line(&DiskRestoredRecord {
                    blob: place.place(),
                    managed_disk: place.managed().map(ToString::to_string),
                    read_bytes: made.counts.read_bytes,
                    written_bytes: made.counts.written_bytes,
                    proven_bytes: made.proven_bytes,
                    backup_name: backup.as_ref().map(|own| &own.name),
                    first_snapshot: made.snapshot.as_deref(),
                    was_there: made.was_there,
                    ..empty
                });
                let backup = backup.as_ref().map(|own| line(&backup_record(own)));
                std::iter::once(own).chain(backup).collect()
            }
        }
    }
}

impl PromotedDisk {
    fn commands(&self) -> [String; 2] {
        let disk = &self.disk;
        [
            "az vm start --resource-group GROUP --name VM".to_owned(),
            format!(
                "az storage blob delete --account-name {} --container-name {} --name {} --snapshot {}",
                disk.account(),
                disk.container(),
                shell_word(disk.name()),
                shell_word(&self.made.before)
            ),
        ]
    }
}

impl Outcome for PromotedDisk {
    fn lines(&self) -> Vec<String> {
        let (made, counts) = (&self.made, self.made.counts);
        let proven = match made.proven_bytes {
            Some(bytes) => format!("; compared as a whole, {}", ByteSize(bytes)),
            None => String::new(),
        };
        let [start, delete] = self.commands();
        vec![
            format!(
                "The disk {} is what it was at {}: {} written, {} cleared{proven}",
                self.disk,
                moment(&self.point.source_snapshot),
                ByteSize(counts.written_bytes),
                ByteSize(counts.cleared_bytes)
            ),
            format!("What it held before is its snapshot {}, which stays", made.before),
            format!("The virtual machine can be started: {start}"),
            format!("When the snapshot is not needed any more: {delete}"),
        ]
    }

    fn json(&self) -> Vec<Value> {
        let (made, counts) = (&self.made, self.made.counts);
        vec![line(&DiskPromotedRecord {
            name: &self.name,
            disk: &self.disk,
            source_snapshot: &self.point.source_snapshot,
            before: &made.before,
            changed_bytes: counts.written_bytes,
            cleared_bytes: counts.cleared_bytes,
            proven_bytes: made.proven_bytes,
            resumed: made.is_resumed,
            commands: self.commands().to_vec(),
        })]
    }
}
