//! A disk's first copy before it is made, as a person and a script see it.

use disk_prep::limits::PAGE_BLOB_RATE;
use disk_prep::noun::{ByteSize, VaultName, count, lasting};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::disk_backup::{Engine, typed_time};
use crate::journey::disk_first::FirstAhead;
use crate::outcome::Outcome;

/// A first copy that is about to be made.
#[derive(Serialize, JsonSchema)]
pub(super) struct DiskFirstRecord<'a> {
    /// The backup's name.
    #[schemars(with = "String")]
    name: &'a VaultName,
    /// The disk's length.
    bytes: u64,
    /// Bytes that go into the copy; of an image that many at most.
    written_bytes: u64,
    /// Seconds that this takes at best.
    least_secs: u64,
    /// Snapshots that the disk has by others, which are not copied along.
    snapshots: usize,
}

impl Record for DiskFirstRecord<'_> {
    const TYPE: &'static str = "disk-first-copy";
}

impl FirstAhead {
    fn size_line(&self) -> String {
        let FirstAhead { backup, bytes, written_bytes, least_secs, .. } = self;
        let (part, whole, rate) =
            (ByteSize(*written_bytes), ByteSize(*bytes), ByteSize(PAGE_BLOB_RATE));
        let time = match *least_secs {
            0..60 => "less than a minute".to_owned(),
            secs => lasting(secs),
        };
        let time = format!("At best it takes {time}: a page blob takes {rate} a second");
        if backup.source.image().is_some() {
            return format!("The first copy: {part} at most, less what holds nothing. {time}");
        }
        match backup.engine {
            Engine::Diff | Engine::IncrementalCopy => {
                format!("The first copy: {part} of {whole} are written now. {time}")
            }
            Engine::FullCopy => format!(
                "Every point of {} is a whole copy: {part} of {whole} are written now, and are sent \
                 and billed once more every {}. {time}. Kept: {}. `--engine diff` sends and keeps \
                 only what changed",
                backup.name,
                typed_time(backup.every_secs),
                backup.keep,
            ),
        }
    }

    /// What stays behind.
    fn behind_line(&self) -> Option<String> {
        let source = &self.backup.source;
        if source.image().is_some() || (source.managed().is_some() && self.snapshots == 0) {
            return None;
        }
        let mut what = Vec::new();
        if self.snapshots > 0 {
            what.push(format!("{} that it has by now", count(self.snapshots, "snapshot")));
        }
        if source.place().is_some() {
            what.extend(["its lease".to_owned(), "its access tier".to_owned()]);
        }
        Some(format!("Not copied along of the disk: {}", what.join(", ")))
    }
}

impl Outcome for FirstAhead {
    fn lines(&self) -> Vec<String> {
        std::iter::once(self.size_line()).chain(self.behind_line()).collect()
    }

    fn json(&self) -> Vec<Value> {
        let FirstAhead { backup, bytes, written_bytes, least_secs, snapshots } = self;
        vec![line(&DiskFirstRecord {
            name: &backup.name,
            bytes: *bytes,
            written_bytes: *written_bytes,
            least_secs: *least_secs,
            snapshots: *snapshots,
        })]
    }
}
