//! Everything that can go wrong with a drive, each with a stable code. What failed, on what,
//! where; expected and actual.

use std::io;
use std::path::PathBuf;

use crate::dataset::CsvFault;
use crate::drive::Refusal;
use crate::journal::{Holder, JournalFault, KeeperError};
use crate::manifest::ManifestError;
use crate::noun::{Diagnose, DrivePath, ErrorKind, Hint, Serial, lines, shown};
use crate::sys::beneath::Unexpected;
use crate::volume::{bitlocker, gpt, ntfs};

/// The error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum Error {
    /// The data set could not be listed.
    #[error("Cannot list {path}")]
    Scan {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Names or files that NTFS, the manifest or Azure cannot hold.
    #[error("{} of the files in {} cannot be shipped{}", faults.len(), shown(root), lines(faults))]
    Unshippable { root: PathBuf, faults: Vec<String> },
    /// A CSV file that could not be read.
    #[error("Cannot read {path}")]
    CsvFile {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Rows of a CSV file that cannot be taken, all of them.
    #[error("{path} has {}; nothing was started{}", count(faults), lines(faults))]
    Csv { path: PathBuf, faults: Vec<CsvFault> },
    /// Names that NTFS takes for one, or for a system file's.
    #[error("The files cannot lie on one volume")]
    Names {
        #[source]
        source: ntfs::Error,
    },
    /// The data set is empty.
    #[error("There is no file to copy in {}", shown(root))]
    NothingToCopy { root: PathBuf },
    /// A file, or the part of a repository that stays together, is larger than any drive named.
    #[error(
        "{what} needs {need_bytes} bytes on one drive; the largest named has room for {room_bytes}"
    )]
    TooLargeForDrives { what: String, need_bytes: u64, room_bytes: u64 },

    /// No such drive, device or image file.
    #[error("There is no drive {name}")]
    NoSuchDrive { name: String },
    /// The device or image could not be opened.
    #[error("Cannot open {path}")]
    Open {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// What a path names is neither an image file nor a whole block device.
    #[error("{path} is not an image file or a whole block device: {what}")]
    NotADrive { path: PathBuf, what: &'static str },
    /// A block device without a serial of its own, and none was given.
    #[error("{path} reports no serial number")]
    NoSerial { path: PathBuf },
    /// The device says another serial than the one asked for.
    #[error("{path} is drive {actual}, not {expected}")]
    SerialMismatch { path: PathBuf, expected: Serial, actual: Serial },
    /// Two of the named drives have one serial, or one drive was named twice.
    #[error("Serial {serial} was named twice: {first} and {second}")]
    SerialTwice { serial: Serial, first: PathBuf, second: PathBuf },
    /// Two devices report one serial, so nobody can tell them apart.
    #[error("Two devices say that they are drive {serial}: {first} and {second}")]
    SerialShared { serial: Serial, first: PathBuf, second: PathBuf },
    /// Not of the kind that the service connects.
    #[error("Drive {serial} is no SATA drive: {what}")]
    NotSata { serial: Serial, what: String },
    /// A drive with zones that takes writes only in their order.
    #[error("Drive {serial} is host-managed SMR, which takes no file system of ours")]
    HostManaged { serial: Serial },
    /// Too small to be worth a volume.
    #[error("Drive {serial} has {actual} bytes, the smallest we prepare has {expected}")]
    TooSmall { serial: Serial, expected: u64, actual: u64 },
    /// Sectors the service cannot read.
    #[error("Drive {serial} has {actual}-byte logical sectors, the service takes only {expected}")]
    SectorSize { serial: Serial, expected: u64, actual: u64 },
    /// The kernel or another program uses it.
    #[error("Drive {serial} is in use by {holder}")]
    DriveInUse { serial: Serial, holder: String },
    /// Refused by the guard for what the kernel tells, or does not.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It holds something and was not named for erasing.
    #[error("Drive {serial} is not blank: {found}")]
    NotBlank { serial: Serial, found: String },
    /// It may be erased, but what happens to its free space was not said.
    #[error("Drive {serial} was used before, so its free space holds old data")]
    WipeUndecided { serial: Serial },
    /// `--wipe discard` on a drive that may keep what is discarded.
    #[error("Drive {serial} cannot be wiped by discarding: {what}")]
    DiscardNotSafe { serial: Serial, what: String },
    /// A seal of ours is on it, from a job that this run knows nothing of.
    #[error("Drive {serial} was sealed for job {job}")]
    SealedElsewhere { serial: Serial, job: String },
    /// On resume: not the drive the journal tells of.
    #[error("Drive {serial} is not the drive that its journal tells of: {what}")]
    WrongDrive { serial: Serial, what: String },

    /// A read from the drive failed.
    #[error("Cannot read drive {serial} at {offset:#x}")]
    Read {
        serial: Serial,
        offset: u64,
        #[source]
        source: io::Error,
    },
    /// A write to the drive failed.
    #[error("Cannot write drive {serial} at {offset:#x}")]
    Write {
        serial: Serial,
        offset: u64,
        #[source]
        source: io::Error,
    },
    /// The drive did not confirm what was written.
    #[error("Drive {serial} cannot flush what was written")]
    Flush {
        serial: Serial,
        #[source]
        source: io::Error,
    },
    /// What was written last does not read back.
    #[error("Drive {serial} reads back other bytes than were written at {offset:#x}")]
    ReadBack { serial: Serial, offset: u64 },
    /// With `--strict`, a source file that changed costs the drive.
    #[error("{path} changed while it was copied to drive {serial}: {reason}")]
    SourceChanged { serial: Serial, path: DrivePath, reason: String },
    /// Without these files of a repository nobody can read it.
    #[error(
        "Drive {serial} is not sealed, as a repository is unreadable without these files{}",
        lines(missing)
    )]
    RepositoryIncomplete { serial: Serial, missing: Vec<String> },
    /// The folder of all sources went away, as when a share is unmounted.
    #[error("The source {path} went away while drive {serial} was filled")]
    SourceGone {
        serial: Serial,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The system gives no further thread.
    #[error("Cannot make a thread for drive {serial}")]
    Thread {
        serial: Serial,
        #[source]
        source: io::Error,
    },
    /// Somebody asked to stop.
    #[error("Stopped as asked; drive {serial} can be resumed")]
    Stopped { serial: Serial },

    /// A journal or plan file is damaged.
    #[error("The journal {path} cannot be used: {fault}")]
    Journal { path: PathBuf, fault: JournalFault },
    /// A journal or plan file could not be read or written.
    #[error("Cannot use {path}")]
    JournalFile {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The folder for journals cannot be written at all.
    #[error("No journal can be written in {path}, so no drive was begun")]
    NoJournals {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Another run holds the journal, the drive or the staging path.
    #[error("{what} is held by another run")]
    Held { what: String },
    /// Another run has claimed a drive, the planning of files or the making of jobs.
    #[error("{what} is claimed by process {} on {} since {:.0}", .holder.process, .holder.host, .holder.since)]
    Claimed { what: String, path: PathBuf, holder: Box<Holder> },
    /// The folder for journals does not keep files private.
    #[error("{path} does not keep file modes, so a recovery password would be readable by others")]
    ModesIgnored { path: PathBuf },
    /// The recovery password of a new drive could not be sealed or put away.
    #[error("The recovery password of drive {serial} cannot be kept")]
    PasswordNotKept {
        serial: Serial,
        #[source]
        source: KeeperError,
    },
    /// The journal holds the recovery password only sealed, and it was not opened.
    #[error("The recovery password of drive {serial} cannot be opened")]
    PasswordSealed {
        serial: Serial,
        #[source]
        source: KeeperError,
    },

    /// The drive's size allows no partitions of ours.
    #[error("Drive {serial} cannot be partitioned")]
    Partitions {
        serial: Serial,
        #[source]
        source: gpt::Error,
    },
    /// The encrypted volume could not be made, or its key not regained.
    #[error("The encrypted volume of drive {serial} cannot be made")]
    Volume {
        serial: Serial,
        #[source]
        source: bitlocker::write::Error,
    },
    /// No random numbers.
    #[error("Cannot draw random bytes for drive {serial}")]
    Randomness {
        serial: Serial,
        #[source]
        source: io::Error,
    },
    /// Both copies of the partition table are unreadable, or hold no volume of ours.
    #[error("Drive {serial} has no partition table with a data partition: {fault}")]
    PartitionTable { serial: Serial, fault: String },
    /// The drive has partitions of the old kind.
    #[error("Drive {serial} has an MBR partition table; a drive for the service has a GPT")]
    MasterBootRecord { serial: Serial },
    /// A volume begins at the drive's first byte.
    #[error("Drive {serial} has no partition table, but {what} from its first byte on")]
    NoPartitions { serial: Serial, what: &'static str },
    /// The volume could not be unlocked or read.
    #[error("The volume of drive {serial} cannot be unlocked")]
    Unlock {
        serial: Serial,
        #[source]
        source: bitlocker::unlock::Error,
    },
    /// Not finished yet.
    #[error("Drive {serial} is not sealed yet")]
    NotSealed { serial: Serial },
    /// Neither a journal nor a file says how to unlock it.
    #[error("There is no journal of drive {serial}, and no recovery password was given")]
    NoRecoveryPassword { serial: Serial },
    /// The volume could not be planned.
    #[error("The volume of drive {serial} cannot be laid out")]
    Layout {
        serial: Serial,
        #[source]
        source: ntfs::Error,
    },
    /// The file system cannot be read.
    #[error("The file system of drive {serial} cannot be read: {fault}")]
    FileSystem { serial: Serial, fault: String },
    /// The manifest cannot be read.
    #[error("The manifest of drive {serial} cannot be read")]
    Manifest {
        serial: Serial,
        #[source]
        source: ManifestError,
    },
}

fn count(faults: &[CsvFault]) -> String {
    crate::noun::count(faults.len(), "fault")
}

impl Error {
    /// Whether the drive itself is at fault, so that another drive may do better.
    pub fn is_of_the_drive(&self) -> bool {
        matches!(
            self,
            Error::Read { .. }
                | Error::Write { .. }
                | Error::Flush { .. }
                | Error::ReadBack { .. }
                | Error::SourceChanged { .. }
        )
    }

    /// What stands in a folder where a plain file must be, if that is the reason.
    fn unexpected(&self) -> Option<&Unexpected> {
        match self {
            Error::Scan { source, .. }
            | Error::JournalFile { source, .. }
            | Error::NoJournals { source, .. } => Unexpected::of(source),
            _ => None,
        }
    }
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        if let Some(unexpected) = self.unexpected() {
            return unexpected.code();
        }
        match self {
            Error::Scan { .. } => "source-unreadable",
            Error::Unshippable { .. } => "names-unshippable",
            Error::NothingToCopy { .. } => "nothing-to-copy",
            Error::CsvFile { .. } => "csv-unreadable",
            Error::Csv { .. } => "csv-invalid",
            Error::TooLargeForDrives { .. } => "file-too-large-for-drives",
            Error::NoSuchDrive { .. } => "no-such-drive",
            Error::Open { .. } => "drive-open-failed",
            Error::NotADrive { .. } => "not-a-drive",
            Error::NoSerial { .. } => "drive-without-serial",
            Error::SerialMismatch { .. } => "serial-mismatch",
            Error::SerialTwice { .. } => "serial-twice",
            Error::SerialShared { .. } => "serial-shared",
            Error::NotSata { .. } => "drive-not-sata",
            Error::HostManaged { .. } => "drive-host-managed",
            Error::TooSmall { .. } => "drive-too-small",
            Error::SectorSize { .. } => "sector-size",
            Error::DriveInUse { .. } => "drive-in-use",
            Error::Refused(refusal) => refusal.code(),
            Error::NotBlank { .. } => "drive-not-blank",
            Error::WipeUndecided { .. } => "wipe-undecided",
            Error::DiscardNotSafe { .. } => "discard-not-safe",
            Error::SealedElsewhere { .. } => "drive-sealed-elsewhere",
            Error::WrongDrive { .. } => "wrong-drive",
            Error::Read { .. } => "drive-read-failed",
            Error::Write { .. } => "drive-write-failed",
            Error::Flush { .. } => "drive-flush-failed",
            Error::ReadBack { .. } => "drive-read-back",
            Error::SourceChanged { .. } => "source-changed",
            Error::RepositoryIncomplete { .. } => "repository-incomplete",
            Error::SourceGone { .. } => "source-gone",
            Error::Thread { .. } => "thread-not-made",
            Error::Stopped { .. } => "stopped",
            Error::Journal { .. } => "journal-damaged",
            Error::JournalFile { .. } => "journal-file",
            Error::NoJournals { .. } => "journals-not-writable",
            Error::Held { .. } => "held-by-another-run",
            Error::Claimed { .. } => "claimed-by-another-run",
            Error::ModesIgnored { .. } => "modes-ignored",
            Error::PasswordNotKept { source, .. } | Error::PasswordSealed { source, .. } => {
                source.inner().code()
            }
            Error::Partitions { source, .. } => source.code(),
            Error::Volume { source, .. } => source.code(),
            Error::Randomness { .. } => "volume-randomness",
            Error::PartitionTable { .. } => "partition-table-unreadable",
            Error::MasterBootRecord { .. } => "drive-mbr",
            Error::NoPartitions { .. } => "drive-without-partitions",
            Error::NotSealed { .. } => "drive-not-sealed",
            Error::NoRecoveryPassword { .. } => "no-recovery-password",
            Error::Unlock { source, .. } => source.code(),
            Error::Names { source } | Error::Layout { source, .. } => source.code(),
            Error::FileSystem { .. } => "file-system-unreadable",
            Error::Manifest { .. } => "manifest-unreadable",
        }
    }

    fn kind(&self) -> ErrorKind {
        if let Some(unexpected) = self.unexpected() {
            return unexpected.kind();
        }
        match self {
            Error::Unshippable { .. }
            | Error::NothingToCopy { .. }
            | Error::CsvFile { .. }
            | Error::Csv { .. }
            | Error::SerialTwice { .. } => ErrorKind::Usage,
            Error::NoSuchDrive { .. } => ErrorKind::NotFound,
            Error::TooLargeForDrives { .. }
            | Error::Write { .. }
            | Error::Flush { .. }
            | Error::Read { .. }
            | Error::ReadBack { .. }
            | Error::JournalFile { .. }
            | Error::Thread { .. }
            | Error::SourceGone { .. }
            | Error::RepositoryIncomplete { .. }
            | Error::SourceChanged { .. } => ErrorKind::Resumable,
            Error::NotADrive { .. }
            | Error::NoSerial { .. }
            | Error::SerialMismatch { .. }
            | Error::SerialShared { .. }
            | Error::NotSata { .. }
            | Error::HostManaged { .. }
            | Error::TooSmall { .. }
            | Error::SectorSize { .. }
            | Error::DriveInUse { .. }
            | Error::Refused(_)
            | Error::NotBlank { .. }
            | Error::WipeUndecided { .. }
            | Error::DiscardNotSafe { .. }
            | Error::SealedElsewhere { .. }
            | Error::WrongDrive { .. }
            | Error::NotSealed { .. }
            | Error::NoJournals { .. }
            | Error::ModesIgnored { .. } => ErrorKind::Guard,
            Error::NoRecoveryPassword { .. } => ErrorKind::Usage,
            Error::PasswordNotKept { source, .. } | Error::PasswordSealed { source, .. } => {
                source.inner().kind()
            }
            Error::Stopped { .. } => ErrorKind::Interrupted,
            Error::Held { .. } | Error::Claimed { .. } => ErrorKind::Busy,
            Error::Unlock { source, .. } => source.kind(),
            Error::Names { source } | Error::Layout { source, .. } => source.kind(),
            Error::Partitions { source, .. } => source.kind(),
            Error::Volume { source, .. } => source.kind(),
            Error::PartitionTable { .. }
            | Error::MasterBootRecord { .. }
            | Error::NoPartitions { .. }
            | Error::FileSystem { .. }
            | Error::Manifest { .. } => ErrorKind::Difference,
            Error::Scan { .. }
            | Error::Open { .. }
            | Error::Randomness { .. }
            | Error::Journal { .. } => ErrorKind::Failed,
        }
    }

    fn hint(&self) -> Option<Hint> {
        if let Some(unexpected) = self.unexpected() {
            return unexpected.hint();
        }
        let text = match self {
            Error::Names { source } | Error::Layout { source, .. } => return source.hint(),
            Error::PasswordNotKept { source, .. } | Error::PasswordSealed { source, .. } => {
                return source.inner().hint();
            }
            Error::ModesIgnored { .. } => {
                "give an age recipient to seal it for with `--encrypt-keys-for`, or of a repository \
                 the password with `--password-file`; or use `--staging` elsewhere"
                    .to_owned()
            }
            Error::Unshippable { .. } => {
                "rename these files, or leave them out of the data set".to_owned()
            }
            Error::Csv { .. } => "mend these lines, then run the same command again".to_owned(),
            Error::TooLargeForDrives { .. } => "name a larger drive with `--drive`".to_owned(),
            Error::NoSerial { path } => {
                format!("give it one: `--drive {},serial=SERIAL`", path.display())
            }
            Error::SerialShared { .. } => {
                "unplug one of them; a bridge may report a serial of its own".to_owned()
            }
            Error::DriveInUse { .. } => {
                "unmount it, or stop what uses it, or leave this drive out".to_owned()
            }
            Error::Refused(refusal) => return refusal.hint(),
            Error::NotBlank { serial, .. } => {
                format!("if all that is on it may go, add `--erase {serial}`")
            }
            Error::WipeUndecided { .. } => {
                "add `--wipe zero` to overwrite it, `--wipe discard` to have the drive drop it, or \
                 `--wipe none` to leave it"
                    .to_owned()
            }
            Error::DiscardNotSafe { .. } => "use `--wipe zero`".to_owned(),
            Error::Held { .. } => "wait until the other run has ended".to_owned(),
            Error::Claimed { path, .. } => format!(
                "wait until that run has ended; if it is dead, `azseed drive release SERIAL` with a \
                 drive that it had frees its claims (this one is {})",
                path.display()
            ),
            Error::Write { .. } | Error::Flush { .. } | Error::ReadBack { .. } => {
                "check cable and power and run the same command again; if it fails again, take \
                 another drive"
                    .to_owned()
            }
            Error::JournalFile { .. } => {
                "bring the folder back or free space in it, then run the same command again"
                    .to_owned()
            }
            Error::RepositoryIncomplete { serial, .. } => format!(
                "when they can be read, run the same command again; if the repository was changed \
                 since, give the drive up with `azseed drive release {serial}`, then prepare it again"
            ),
            Error::SourceGone { .. } => {
                "bring it back, as by mounting it again, then run the same command again".to_owned()
            }
            Error::NoJournals { .. } => {
                "make it writable; the data of a path that must stay as it is can be adopted into \
                 another with `azseed stage adopt`"
                    .to_owned()
            }
            Error::NoRecoveryPassword { .. } => {
                "name the staging path with `--staging`, or a file with the password with \
                 `--recovery-password-file`"
                    .to_owned()
            }
            Error::Stopped { .. } => "run the same command again to go on".to_owned(),
            _ => return None,
        };
        Some(Hint::new(text))
    }
}
