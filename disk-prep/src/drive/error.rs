//! Why a name leads to no drive that can be used. What is wrong with a drive that was found is its
//! [`Fault`].

use std::io;
use std::path::PathBuf;

use super::fault::Fault;
use crate::noun::{ByteSize, Diagnose, DriveError, ErrorKind, Hint, Serial};

/// Why a drive cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum Error {
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
    /// What is there has another size than the one asked for.
    #[error("{path} has {actual}, not the {asked} that were asked for")]
    SizeMismatch { path: PathBuf, asked: ByteSize, actual: ByteSize },
    /// A file of the kernel's that decides what may be written, and cannot be read or understood.
    #[error("Cannot read what the kernel says in {}", path.display())]
    KernelUnreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Two of the named drives have one serial, or one drive was named twice.
    #[error("Serial {serial} was named twice: {first} and {second}")]
    SerialTwice { serial: Serial, first: PathBuf, second: PathBuf },
    /// Two names that were given lead to the same bytes.
    #[error("{} and {} are one medium under two names", first.display(), second.display())]
    MediumTwice { first: PathBuf, second: PathBuf },
    /// Somebody's file lies where an image was to be made.
    #[error("A file that this run did not make has come to lie at {}", path.display())]
    ImageAppeared { path: PathBuf },
    /// Another run holds the drive or its image.
    #[error("{what} is held by another run")]
    Held { what: String },
    /// A drive that was found has a fault.
    #[error(transparent)]
    OfDrive(#[from] DriveError<Fault>),
}

impl Error {
    /// Whether somebody uses or holds the drive.
    pub fn is_in_use(&self) -> bool {
        match self {
            Error::Held { .. } => true,
            Error::OfDrive(error) => matches!(error.fault, Fault::InUse { .. }),
            _ => false,
        }
    }
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::NoSuchDrive { .. } => "no-such-drive",
            Error::Open { .. } => "drive-open-failed",
            Error::NotADrive { .. } => "not-a-drive",
            Error::NoSerial { .. } => "drive-without-serial",
            Error::SerialMismatch { .. } => "serial-mismatch",
            Error::SizeMismatch { .. } => "size-mismatch",
            Error::KernelUnreadable { .. } => "kernel-unreadable",
            Error::SerialTwice { .. } => "serial-twice",
            Error::MediumTwice { .. } => "medium-twice",
            Error::ImageAppeared { .. } => "image-appeared",
            Error::Held { .. } => "held-by-another-run",
            Error::OfDrive(error) => error.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Error::NoSuchDrive { .. } => ErrorKind::NotFound,
            Error::Open { .. } => ErrorKind::Failed,
            Error::SerialTwice { .. } | Error::SizeMismatch { .. } => ErrorKind::Usage,
            Error::Held { .. } => ErrorKind::Busy,
            Error::OfDrive(error) => error.kind(),
            _ => ErrorKind::Guard,
        }
    }

    fn hint(&self) -> Option<Hint> {
        Some(match self {
            Error::NoSerial { path } => {
                Hint::new(format!("give it one: name it `{},serial=SERIAL`", path.display()))
            }
            Error::KernelUnreadable { .. } => Hint::KernelTables,
            Error::MediumTwice { .. } => Hint::new("name it once"),
            Error::SizeMismatch { .. } => {
                Hint::new("leave `size=` out: it is for an image that is to be made")
            }
            Error::ImageAppeared { .. } => {
                Hint::new("move that file away, or name the image otherwise")
            }
            Error::Held { .. } => Hint::OtherRun,
            Error::OfDrive(error) => return error.hint(),
            Error::NoSuchDrive { name } if is_of_windows(name) => Hint::new(
                "drives have no letters here: `azseed drive list` shows their serials and paths",
            ),
            Error::Open { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => {
                    Hint::new("make the folder that the image is to lie in first")
                }
                io::ErrorKind::PermissionDenied => {
                    Hint::new("run it as root, or as a user who may read and write it")
                }
                _ => return None,
            },
            Error::NoSuchDrive { .. }
            | Error::NotADrive { .. }
            | Error::SerialMismatch { .. }
            | Error::SerialTwice { .. } => return None,
        })
    }
}

/// Whether a name is a drive's letter, or its path, of Windows.
fn is_of_windows(name: &str) -> bool {
    let letter = name.trim_end_matches(['\\', '/']).trim_end_matches(':');
    let is_letter = letter.len() == 1 && letter.chars().all(|own| own.is_ascii_alphabetic());
    is_letter || name.starts_with(r"\\.\")
}
