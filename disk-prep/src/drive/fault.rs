//! What is wrong with one drive: why it is not fit, not free, not blank, or not the one it should
//! be. Nothing was written then.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::device;
use crate::limits::SECTOR_BYTES;
use crate::noun::{DriveFault, ErrorKind, Hint, Serial};

/// Advice for a drive that may be sealed: who only wants to go on must not erase it.
pub const PERHAPS_SEALED: &str = "it may be a sealed drive of another machine: look at it with \
                                  `azseed inspect`, or use another drive";

/// What is wrong with one drive.
#[derive(Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum Fault {
    /// Two devices report one serial, so nobody can tell them apart.
    SerialShared { first: PathBuf, second: PathBuf },
    /// Not of the kind that the service connects.
    NotSata { what: String },
    /// A drive with zones that takes writes only in their order.
    HostManaged,
    /// Too small to be worth a volume.
    TooSmall { expected: u64, actual: u64 },
    /// Sectors the service cannot read.
    SectorSize { expected: u64, actual: u64 },
    /// Of a size that only a part of a sector more makes.
    NotWholeSectors { actual: u64 },
    /// A switch, its firmware or the kernel keeps it from being written.
    WriteProtected,
    /// The kernel or another program uses it.
    InUse { holder: String },
    /// The kernel has something to say of who uses it that cannot be read or understood.
    UseUnknown { what: String },
    /// It holds something and was not named for erasing.
    NotBlank {
        found: String,
        /// Whether a sealed drive looks like that.
        encrypted: bool,
    },
    /// It may be erased, but what happens to its free space was not said.
    WipeUndecided,
    /// `--wipe discard` on a drive that may keep what is discarded.
    DiscardNotSafe { what: String },
    /// An image lies in what is shipped, or beside the journals.
    InSource { path: PathBuf, folder: PathBuf },
    /// It holds what is neither ours nor was there when it was begun.
    UsedSinceBegun { found: String },
    /// Not the drive it was, or that the journal tells of.
    WrongDrive { what: String },
    /// No random numbers.
    Randomness { source: io::Error },
    /// A call to its device failed.
    Device(device::Fault),
}

impl Fault {
    /// Neither partition table has the GUID of the journal.
    pub fn other_tables() -> Self {
        let what = "neither partition table is the one that was written".to_owned();
        Fault::WrongDrive { what }
    }
}

impl From<device::Fault> for Fault {
    fn from(fault: device::Fault) -> Self {
        Fault::Device(fault)
    }
}

impl DriveFault for Fault {
    fn tell(&self, serial: &Serial, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::SerialShared { first, second } => {
                let (first, second) = (first.display(), second.display());
                write!(f, "Two devices say that they are drive {serial}: {first} and {second}")
            }
            Fault::NotSata { what } => write!(f, "Drive {serial} is no SATA drive: {what}"),
            Fault::HostManaged => {
                write!(f, "Drive {serial} is host-managed SMR, which takes no file system of ours")
            }
            Fault::TooSmall { expected, actual } => write!(
                f,
                "Drive {serial} has {actual} bytes, the smallest we prepare has {expected}"
            ),
            Fault::SectorSize { expected, actual } => write!(
                f,
                "Drive {serial} has {actual}-byte logical sectors, the service takes only {expected}"
            ),
            Fault::NotWholeSectors { actual } => {
                write!(
                    f,
                    "Drive {serial} of {actual} bytes is not whole sectors of {SECTOR_BYTES} bytes"
                )
            }
            Fault::WriteProtected => write!(f, "Drive {serial} is write-protected"),
            Fault::InUse { holder } => write!(f, "Drive {serial} is in use by {holder}"),
            Fault::UseUnknown { what } => {
                write!(f, "Nobody can tell whether drive {serial} is in use: {what}")
            }
            Fault::NotBlank { found, .. } => write!(f, "Drive {serial} is not blank: {found}"),
            Fault::WipeUndecided => {
                write!(f, "Drive {serial} was used before, so its free space holds old data")
            }
            Fault::DiscardNotSafe { what } => {
                write!(f, "Drive {serial} cannot be wiped by discarding: {what}")
            }
            Fault::InSource { path, folder } => write!(
                f,
                "Drive {serial} lies in {}, which is to be shipped or kept: {}",
                folder.display(),
                path.display()
            ),
            Fault::UsedSinceBegun { found } => {
                write!(f, "Somebody has used drive {serial} since it was begun: {found}")
            }
            Fault::WrongDrive { what } => {
                write!(f, "Drive {serial} is not the drive that its journal tells of: {what}")
            }
            Fault::Randomness { .. } => write!(f, "Cannot draw random bytes for drive {serial}"),
            Fault::Device(fault) => fault.tell(serial, f),
        }
    }

    fn cause(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Fault::Randomness { source } => Some(source),
            Fault::Device(fault) => fault.cause(),
            _ => None,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Fault::SerialShared { .. } => "serial-shared",
            Fault::NotSata { .. } => "drive-not-sata",
            Fault::HostManaged => "drive-host-managed",
            Fault::TooSmall { .. } => "drive-too-small",
            Fault::SectorSize { .. } => "sector-size",
            Fault::NotWholeSectors { .. } => "disk-not-whole-sectors",
            Fault::WriteProtected => "drive-write-protected",
            Fault::InUse { .. } => "drive-in-use",
            Fault::UseUnknown { .. } => "drive-use-unknown",
            Fault::NotBlank { .. } => "drive-not-blank",
            Fault::WipeUndecided => "wipe-undecided",
            Fault::DiscardNotSafe { .. } => "discard-not-safe",
            Fault::InSource { .. } => "drive-in-source",
            Fault::UsedSinceBegun { .. } => "drive-used-since-begun",
            Fault::WrongDrive { .. } => "wrong-drive",
            Fault::Randomness { .. } => "volume-randomness",
            Fault::Device(fault) => fault.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Fault::Randomness { .. } => ErrorKind::Failed,
            Fault::Device(fault) => fault.kind(),
            _ => ErrorKind::Guard,
        }
    }

    fn hint(&self, serial: &Serial) -> Option<Hint> {
        Some(match self {
            Fault::SerialShared { .. } => {
                Hint::new("unplug one of them; a bridge may report a serial of its own")
            }
            Fault::NotWholeSectors { .. } => {
                Hint::new("use another drive; an image file gets a size in whole MiB")
            }
            Fault::WriteProtected => Hint::new(
                "set its switch to writing, or attach it without `--read-only`, or leave this \
                 drive out",
            ),
            Fault::InUse { .. } => {
                Hint::new("unmount it, or stop what uses it, or leave this drive out")
            }
            Fault::UseUnknown { .. } => Hint::KernelTables,
            Fault::NotBlank { encrypted: true, .. } => Hint::new(PERHAPS_SEALED),
            Fault::NotBlank { encrypted: false, .. } => Hint::Erase(serial.clone()),
            Fault::WipeUndecided => Hint::new(
                "add `--wipe zero` to overwrite it, `--wipe discard` to have the drive drop it, or \
                 `--wipe none` to leave it",
            ),
            Fault::DiscardNotSafe { .. } => Hint::new("use `--wipe zero`"),
            Fault::InSource { .. } => Hint::new("put the image elsewhere"),
            Fault::UsedSinceBegun { .. } => Hint::new(format!(
                "use another drive; or if all that is on it may go, `azseed drive release \
                 {serial}`, then `azseed prep` with `--erase {serial}`"
            )),
            Fault::Device(fault) => return fault.hint(serial),
            Fault::NotSata { .. }
            | Fault::HostManaged
            | Fault::TooSmall { .. }
            | Fault::SectorSize { .. }
            | Fault::WrongDrive { .. }
            | Fault::Randomness { .. } => return None,
        })
    }

    fn is_of_the_drive(&self) -> bool {
        matches!(self, Fault::Device(_))
    }
}
