//! Managed disks and their incremental snapshots, as facts. Their bytes are page blobs, which the blob
//! service keeps.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::vm::is_name;
use crate::error::Error;

/// Names of one's own.
pub(crate) type Tags = BTreeMap<String, String>;

/// Kinds of disks (`managed-disks` 1).
pub(crate) const DISK_SKUS: [&str; 7] = [
    "Standard_LRS",
    "StandardSSD_LRS",
    "StandardSSD_ZRS",
    "Premium_LRS",
    "Premium_ZRS",
    "PremiumV2_LRS",
    "UltraSSD_LRS",
];
/// Snapshots of these are brought together in the background, and cannot be read before.
const BY_AND_BY: [&str; 2] = ["PremiumV2_LRS", "UltraSSD_LRS"];
/// How long that takes.
const BACKGROUND: SignedDuration = SignedDuration::from_mins(10);

/// Where the bytes of a disk come from, in the word of `createOption`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum Origin {
    /// A blob: what restores of machines make.
    #[default]
    Import,
    /// Nothing was in it.
    Empty,
    /// A caller wrote it.
    Upload,
    /// An image of the gallery: the system's disk of a machine.
    FromImage,
}

/// The machine that has a disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attachment {
    /// Tells the machine from another one of its name.
    pub vm: String,
    /// The place of a data disk; `None` of the system's.
    pub lun: Option<u32>,
}

/// A managed disk. One that a restore of a machine made has its bytes in `DIR/disks/GROUP/NAME.img`
/// until somebody reads it, and one that a machine has in that machine's own file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ManagedDisk {
    pub group: String,
    pub name: String,
    pub region: String,
    /// Without the footer.
    pub bytes: u64,
    /// Tells it from another one of the same name.
    #[serde(default = "new_id")]
    pub id: String,
    #[serde(default = "plain_sku")]
    pub sku: String,
    #[serde(default)]
    pub tags: Tags,
    #[serde(default)]
    pub made: Timestamp,
    #[serde(default)]
    pub origin: Origin,
    /// Whether a caller has not ended writing it yet.
    #[serde(default)]
    pub is_uploading: bool,
    /// The machine that has it.
    #[serde(default)]
    pub machine: Option<Attachment>,
}

/// An incremental snapshot of a managed disk; it outlives the disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DiskSnapshot {
    pub group: String,
    pub name: String,
    pub region: String,
    pub id: String,
    pub tags: Tags,
    pub made: Timestamp,
    /// The disk's resource id.
    pub source: String,
    /// What tells that disk from another one of its name.
    pub source_id: String,
    pub bytes: u64,
    /// The snapshot of the disk's page blob.
    pub version: String,
    /// When its bytes can be read.
    pub whole_at: Timestamp,
}

fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn plain_sku() -> String {
    DISK_SKUS[0].to_owned()
}

impl ManagedDisk {
    /// A plain one.
    pub fn new(group: &str, name: &str, region: &str, bytes: u64, now: Timestamp) -> Self {
        ManagedDisk {
            group: group.to_owned(),
            name: name.to_owned(),
            region: region.to_owned(),
            bytes,
            id: new_id(),
            sku: plain_sku(),
            tags: Tags::new(),
            made: now,
            origin: Origin::default(),
            is_uploading: false,
            machine: None,
        }
    }

    pub fn is(&self, group: &str, name: &str) -> bool {
        self.group.eq_ignore_ascii_case(group) && self.name.eq_ignore_ascii_case(name)
    }

    /// When a snapshot that is taken now can be read.
    pub fn whole_at(&self, now: Timestamp) -> Timestamp {
        match BY_AND_BY.contains(&self.sku.as_str()) {
            true => now.saturating_add(BACKGROUND).unwrap_or(Timestamp::MAX),
            false => now,
        }
    }

    /// The kind of this name, in any case.
    pub fn sku_named(word: &str) -> Option<&'static str> {
        DISK_SKUS.into_iter().find(|own| own.eq_ignore_ascii_case(word))
    }
}

impl DiskSnapshot {
    pub fn is(&self, group: &str, name: &str) -> bool {
        self.group.eq_ignore_ascii_case(group) && self.name.eq_ignore_ascii_case(name)
    }

    /// How much of it is there, of a hundred; none of one that never was in the background.
    pub fn percent(&self, now: Timestamp) -> Option<f64> {
        let whole = self.whole_at.duration_since(self.made);
        if whole.is_zero() {
            return None;
        }
        let gone = now.duration_since(self.made).as_secs_f64() / whole.as_secs_f64();
        Some((gone * 100.0).clamp(0.0, 100.0).floor())
    }
}

/// What a managed disk is to be; what is not said stays, or is that of a plain one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are the words of the command")]
pub struct DiskOrder {
    pub name: String,
    pub group: Option<String>,
    pub region: Option<String>,
    pub sku: Option<String>,
    pub bytes: Option<u64>,
}

impl DiskOrder {
    /// The group that is meant.
    pub(crate) fn group(&self) -> &str {
        self.group.as_deref().unwrap_or("rg")
    }

    /// Refuses words that are none.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let refused = |message: String| Err(Error::Refused { message });
        for word in [self.group(), &self.name] {
            if !is_name(word) {
                return refused(format!("{word} is no name of letters, digits and -_.()"));
            }
        }
        if let Some(word) = self.sku.as_deref().filter(|own| ManagedDisk::sku_named(own).is_none())
        {
            return refused(format!("{word} is none of {}", DISK_SKUS.join(", ")));
        }
        match self.bytes {
            Some(bytes) if bytes == 0 || bytes % 512 != 0 => {
                refused(format!("a disk has {bytes} bytes, which are no sectors of 512"))
            }
            _ => Ok(()),
        }
    }

    /// Changes what is known of a disk; its length is its bytes' matter.
    pub(crate) fn change(&self, own: &mut ManagedDisk) {
        if let Some(region) = &self.region {
            own.region = region.to_lowercase().replace(' ', "");
        }
        if let Some(sku) = self.sku.as_deref().and_then(ManagedDisk::sku_named) {
            own.sku = sku.to_owned();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_snapshots_in_the_background_come_by_and_by() {
        let now: Timestamp = "2026-11-29T04:00:00Z".parse().unwrap();
        let mut disk = ManagedDisk::new("rg", "os", "westus", 1 << 20, now);
        assert_eq!(disk.whole_at(now), now);
        let order = DiskOrder { sku: Some("ultrassd_lrs".to_owned()), ..DiskOrder::default() };
        order.change(&mut disk);
        let snapshot = DiskSnapshot {
            group: disk.group.clone(),
            name: "s".to_owned(),
            region: disk.region.clone(),
            id: new_id(),
            tags: Tags::new(),
            made: now,
            source: String::new(),
            source_id: disk.id.clone(),
            bytes: disk.bytes,
            version: String::new(),
            whole_at: disk.whole_at(now),
        };
        let percent = |secs| snapshot.percent(now + SignedDuration::from_secs(secs));
        assert_eq!([percent(0), percent(150), percent(600)], [Some(0.0), Some(25.0), Some(100.0)]);
        assert_eq!(DiskSnapshot { whole_at: now, ..snapshot }.percent(now), None);
    }

    #[test]
    fn a_disk_that_there_is_none_of_is_refused() {
        let order = |name: &str, sku: &str, bytes| DiskOrder {
            name: name.to_owned(),
            sku: Some(sku.to_owned()),
            bytes: Some(bytes),
            ..DiskOrder::default()
        };
        assert!(order("os", "premium_lrs", 512).check().is_ok());
        for (name, sku, bytes) in
            [("a/b", "Premium_LRS", 512), ("os", "Gold", 512), ("os", "Premium_LRS", 513)]
        {
            assert!(order(name, sku, bytes).check().is_err(), "{name} {sku} {bytes}");
        }
    }
}
