//! The words of an ingest: what is asked of it, what it will ask of the service, what came of it.

use std::io;

use bytes::Bytes;

use crate::vault::error::Error;
use crate::vault::versions::Versions;

/// Its name for who watches.
pub(super) const TASK: &str = "ingest";

/// Where a blob that the import lost is looked for: the staging path. `None` if it is not there.
pub type Spare<'a> = &'a (dyn Fn(&str) -> io::Result<Option<Bytes>> + Sync);

/// Whether snapshots may be shown, each with its name.
pub type Prove<'a> = &'a (dyn Fn(Vec<(String, Bytes)>) -> Result<(), Error> + Sync);

/// How the blobs of a seed came into the vault. Counts of blobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ingested {
    /// Already held, with equal length and MD5.
    pub unchanged: u64,
    /// Copied and proven by the service.
    pub copied: u64,
    /// Read from the import, hashed and written by us.
    pub streamed: u64,
    /// Taken from the staging path, since the import had them wrong or not at all.
    pub repaired: u64,
}

/// What an ingest will ask of the service, as far as the lists of both containers tell. What it
/// costs is for whoever knows the prices of the account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Blobs of the seed.
    pub blobs: u64,
    /// Blobs that the vault has.
    pub unchanged: u64,
    /// Blobs to be copied inside the service: one write and one read of the source each.
    pub copies: u64,
    /// Their bytes.
    pub copy_bytes: u64,
    /// Blobs that the import lacks and that are sent from the staging path.
    pub from_staging: u64,
    /// Their bytes.
    pub staging_bytes: u64,
    /// Calls that list: both containers before, the vault after.
    pub lists: u64,
    /// Whether the blobs stay where they are, and each is read once in place of a copy.
    pub in_place: bool,
}

/// How a seed is taken in.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it is made of functions")]
pub struct Taking<'a> {
    /// Where blobs that the import lost are looked for.
    pub spare: Spare<'a>,
    /// Bytes that may be sent from there; no limit if `None`.
    pub repair_limit: Option<u64>,
    /// Told what it will ask of the service, before it begins.
    pub tell: &'a (dyn Fn(&Estimate) + Sync),
    /// Asked when all but the snapshots is there, with these: whether they may be shown.
    pub prove: Option<Prove<'a>>,
    /// Told which version of each blob was proven.
    pub versions: Option<&'a Versions>,
}
