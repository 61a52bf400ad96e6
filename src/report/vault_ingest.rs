//! What taking a seed in will ask of the service, as a person and a script see it.

use disk_prep::noun::{ByteSize, count};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::journey::vault_ingest::Expected;
use crate::outcome::Outcome;
use crate::vault::Estimate;

/// What an ingest will ask of the service, before it begins. Prices differ by account, region and
/// tier, so it is operations and bytes.
#[derive(Serialize, JsonSchema)]
pub(super) struct IngestEstimateRecord<'a> {
    /// The vault.
    vault: &'a str,
    /// Blobs of the seed.
    blobs: u64,
    /// Blobs that the vault has.
    unchanged: u64,
    /// Blobs that the service copies; of 0 bytes over the network if it can.
    copies: u64,
    /// Their bytes.
    copy_bytes: u64,
    /// Blobs that are sent from the staging path, since the import lacks them.
    from_staging: u64,
    /// Their bytes.
    staging_bytes: u64,
    /// Operations that write a blob or its properties.
    write_operations: u64,
    /// Operations that read a blob or its properties.
    read_operations: u64,
    /// Operations that list.
    list_operations: u64,
    /// Whether the blobs stay where they were imported, and are read once by this machine.
    in_place: bool,
}

impl Record for IngestEstimateRecord<'_> {
    const TYPE: &'static str = "ingest-estimate";
}

/// What is written, and what is read: a copy reads its source, and in place each blob is looked at
/// and read before its MD5 is set.
fn operations(own: &Estimate) -> (u64, u64) {
    let reads = if own.in_place { 2 * own.copies } else { own.copies };
    (own.copies + own.from_staging, reads)
}

impl Outcome for Expected {
    fn lines(&self) -> Vec<String> {
        let own = &self.estimate;
        let (writes, reads) = operations(own);
        let what = if own.in_place { "to be read where they are" } else { "to be copied" };
        vec![format!(
            "The seed has {}; {} in the vault, {} ({}) {what}, {} ({}) to be sent from the staging \
             path: {}, {} and {}",
            count(own.blobs, "blob"),
            own.unchanged,
            own.copies,
            ByteSize(own.copy_bytes),
            own.from_staging,
            ByteSize(own.staging_bytes),
            count(writes, "write operation"),
            count(reads, "read operation"),
            count(own.lists, "list operation"),
        )]
    }

    fn json(&self) -> Vec<Value> {
        let own = &self.estimate;
        let (write_operations, read_operations) = operations(own);
        vec![line(&IngestEstimateRecord {
            vault: &self.vault,
            blobs: own.blobs,
            unchanged: own.unchanged,
            copies: own.copies,
            copy_bytes: own.copy_bytes,
            from_staging: own.from_staging,
            staging_bytes: own.staging_bytes,
            write_operations,
            read_operations,
            list_operations: own.lists,
            in_place: own.in_place,
        })]
    }
}
