//! What can go wrong with a disk's backup.

use std::io;
use std::path::PathBuf;

use disk_prep::noun::{ByteSize, JobName, VaultName};
use jiff::Timestamp;

use super::engine::Engine;
use super::fault::{RecordFault, SnapshotRule};
use super::table::TableFault;
use crate::azure::{self, PageBlob};
use crate::state::StateError;

/// The error of this room.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("Cannot use {blob}")]
    Blob {
        blob: String,
        #[source]
        source: azure::Error,
    },
    #[error("Cannot use {blob}")]
    Closed {
        blob: String,
        #[source]
        source: azure::Error,
    },
    #[error("{blob} does not exist")]
    NoSource { blob: String },
    #[error("{blob} is no page blob")]
    NoPages { blob: String },
    #[error("{blob} is there and is no backup of {source_blob} by this program")]
    Foreign { blob: String, source_blob: String },
    #[error("{blob} is the copy of the disk backup {owner}")]
    OfOther { blob: String, owner: VaultName, line: String },
    #[error(
        "{blob} is the copy of two disk backups, {name} and {owner}, so no point of it is deleted"
    )]
    OfTwo { blob: String, name: VaultName, owner: VaultName },
    #[error("{blob} is to be the backup of itself")]
    Itself { blob: String },
    #[error("{blob} is at a service that has no {call}")]
    NotServed { blob: String, call: &'static str },
    #[error("{engine} makes no point of {source_word}")]
    NoEngine { engine: Engine, source_word: String },
    #[error("{blob} would be in a premium account, {sku}, whose blobs have 100 snapshots at most")]
    PremiumTarget { blob: String, sku: String },
    #[error("{blob} would be in an account with a hierarchical namespace")]
    FoldersTarget { blob: String },
    #[error("{blob} has {bytes} bytes, and a page blob has 8 TiB at most")]
    TooLong { blob: String, bytes: u64 },
    #[error("The snapshot {snapshot} of {blob}, which the backup holds, is gone")]
    BaselineLost { blob: String, snapshot: String },
    #[error("{blob} does not tell what changed since the snapshot {snapshot}: {code}")]
    NoDifference { blob: String, snapshot: String, code: String },
    #[error("The list of changed pages of {blob} cannot be: {rule}, at byte {offset}")]
    List { blob: String, rule: &'static str, offset: u64 },
    #[error("The copy of {blob} by the service came to nothing: {why}")]
    Copy { blob: String, why: String },
    #[error("{blob} reads back different from what was sent, at byte {offset}")]
    ReadBack { blob: String, offset: u64 },
    #[error("{blob} arrives with another MD5 than the service tells, at byte {offset}")]
    Transport { blob: String, offset: u64 },
    #[error("These rules keep nothing: {keep}")]
    KeepsNothing { keep: String },
    #[error("Another run holds the backup {name}")]
    Busy { name: VaultName },
    #[error("The record of {name} beside its copy is changed by others again and again")]
    RecordBusy { name: VaultName },
    #[error("There is no disk backup {name} on this machine")]
    Unknown { name: VaultName },
    #[error("The disk backup {name} is another one: {what}")]
    Asked { name: VaultName, what: String },
    #[error("The disk backup {name} is another one: {what}")]
    NotFree { name: VaultName, what: String, flag: &'static str },
    #[error("The disk backup {name} in {place} is another one: {what}")]
    Kept { name: VaultName, place: String, what: String },
    #[error("The disk backup {name} in {place} is another one by now than this machine knows")]
    Replaced { name: VaultName, place: String },
    #[error("{} is backed up by the machine {host} as {name}, and this one is {here}", path.display())]
    OtherHost { name: VaultName, path: PathBuf, host: String, here: String },
    #[error("{} is another device by now: {name} was made of {had}, and this is {has}", path.display())]
    OtherDevice { name: VaultName, path: PathBuf, had: String, has: String, line: String },
    #[error(
        "{} has {} by now, and had {} at the last point of {name}; a point was made of it all the same",
        path.display(),
        ByteSize(*now),
        ByteSize(*before)
    )]
    ImageShrunk { name: VaultName, path: PathBuf, before: u64, now: u64 },
    #[error("The new disk is backed up as {backup}: {what}")]
    RestoredOther { backup: VaultName, what: String },
    #[error("Cannot use {}, the record of a disk's backup", path.display())]
    Record {
        path: PathBuf,
        #[source]
        fault: RecordFault,
    },
    #[error("{} is a record of form {version}, written by a newer azseed", path.display())]
    NewerRecord { path: PathBuf, version: u32 },
    #[error(transparent)]
    State(#[from] StateError),
    #[error("The right to write to {blob} was lost in mid-run")]
    LeaseLost { blob: String },
    #[error("Stopped before the round was done")]
    Stopped,
    #[error("{blob} is there, and is nothing that this restore has begun")]
    Taken { blob: String },
    #[error("{blob} was written to by something else since its last point")]
    CopyChanged { blob: String },
    #[error("{blob} is gone, and with it the points of {name}")]
    CopyGone { name: VaultName, blob: String },
    #[error("{blob} has lost its snapshots, which were the points of {name}")]
    PointsGone { name: VaultName, blob: String },
    #[error(
        "The point {snapshot} of {blob} is not what the disk was, at byte {offset}; {} holds it as \
         it is",
        path.display()
    )]
    PointDiffers { snapshot: String, blob: String, path: PathBuf, offset: u64 },
    #[error(
        "The point {snapshot} of {blob} is not what the disk was, at byte {offset}; nothing was made of it"
    )]
    PointWrong { name: VaultName, snapshot: String, blob: String, offset: u64 },
    #[error(
        "The point {snapshot}, as {blob} has it, is not what the disk was, at byte {offset}; {made} was \
         begun of it, and is half made"
    )]
    PointHalf {
        snapshot: String,
        blob: String,
        offset: u64,
        made: String,
        /// The backup that was to be its own.
        backup: Option<VaultName>,
    },
    #[error("The snapshot {snapshot} of {blob} is gone")]
    PointGone { blob: String, snapshot: String },
    #[error("{blob} has no snapshot {snapshot}")]
    NotTaken { blob: String, snapshot: String, line: String },
    #[error("{name} has no point yet")]
    NoPointYet { name: VaultName },
    #[error("{name} has no point of {at} or before")]
    NoPoint { name: VaultName, at: Timestamp },
    #[error("{blob} is in use: somebody has a lease of it")]
    InUse { blob: String },
    #[error("A point is being put over {blob}, and that has not ended")]
    Promoting { blob: String },
    #[error("The disk of {name} is being restored, and that has not ended")]
    Restoring { name: VaultName },
    #[error("{} is there, and is left alone", path.display())]
    ImageThere { path: PathBuf },
    #[error("{} was begun from another point, {snapshot}", path.display())]
    ImageBegun { path: PathBuf, snapshot: String },
    #[error("{}, the note of how far an image is, is damaged", path.display())]
    ImageNote {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("Cannot use {}", path.display())]
    Image {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is no file and no block device", path.display())]
    NoImage { path: PathBuf },
    #[error("{} is an image in the form {form}, and no plain sequence of a disk's bytes", path.display())]
    ImageForm { path: PathBuf, form: &'static str },
    #[error("{} is not the VHD that was asked for: {fault}", path.display())]
    ImageVhd { path: PathBuf, fault: &'static str },
    #[error("{} would be a page blob of {bytes} bytes, which there is none of", path.display())]
    ImageLength { path: PathBuf, bytes: u64 },
    #[error("{} was written to while it was read, so there is no point of it", path.display())]
    ImageMoved { path: PathBuf },
    #[error("The backup {owner} goes on from the snapshot {snapshot} of {blob}")]
    OfBackup { blob: String, snapshot: String, owner: String },
    #[error(
        "No journal of a drive of job {job} is here, so nothing tells what it brought to {blob}"
    )]
    NoJournals { job: JobName, blob: String },
    #[error("{name} backs an image up, and no image is written over")]
    OfImage { name: VaultName },
    #[error("{name} backs a managed disk up, and none is written over")]
    OfManaged { name: VaultName },
    #[error("The point {snapshot} of {bytes} bytes cannot become a managed disk: {fault}")]
    NoDisk { snapshot: String, bytes: u64, fault: &'static str },
    #[error("The upload of {disk} was ended before the disk was whole: byte {offset} is another")]
    UploadEnded { disk: String, offset: u64 },
    #[error("Cannot use the log of a round, {}", path.display())]
    RunLog {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("The point {snapshot} of {name} has no digest table that it could be proven by")]
    NoTable { name: VaultName, snapshot: String },
    #[error("{blob} takes no snapshot now: {}", rule.words())]
    NoSnapshot { blob: String, rule: SnapshotRule },
    #[error("The digest table {blob} cannot be used")]
    Table {
        blob: String,
        #[source]
        source: TableFault,
    },
}

/// What the service says to who writes under a lease that is not the blob's any more.
const LEASE_LOST: [&str; 4] = [
    "LeaseIdMismatchWithBlobOperation",
    "LeaseNotPresentWithBlobOperation",
    "LeaseLost",
    "LeaseIdMissing",
];

/// Whether the service says that a lease is not the blob's any more.
pub(super) fn is_lease_lost(error: &azure::Error) -> bool {
    matches!(error, azure::Error::Refused { code, .. } if LEASE_LOST.contains(&code.as_str()))
}

impl Error {
    /// What the service says of a blob.
    pub fn of(blob: &dyn PageBlob, source: azure::Error) -> Self {
        match &source {
            refused if is_lease_lost(refused) => Error::LeaseLost { blob: blob.address() },
            azure::Error::Refused { code, .. } => match SnapshotRule::of(code) {
                Some(rule) => Error::NoSnapshot { blob: blob.address(), rule },
                None => Error::Blob { blob: blob.address(), source },
            },
            _ => Error::Blob { blob: blob.address(), source },
        }
    }
}
