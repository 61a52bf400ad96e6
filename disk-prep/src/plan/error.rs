//! Why files cannot be spread over drives.

use crate::noun::{Diagnose, DriveError, ErrorKind, Hint};
use crate::volume::{self, ntfs};

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum Error {
    /// Names that NTFS takes for one, or for a system file's.
    #[error("The files cannot lie on one volume")]
    Names {
        #[source]
        source: ntfs::Error,
    },
    /// A file, or the part of a repository that stays together, is larger than any drive named.
    #[error(
        "{what} needs {need_bytes} bytes on one drive; the largest named has room for {room_bytes}"
    )]
    TooLarge { what: String, need_bytes: u64, room_bytes: u64 },
    /// A drive that can be no volume.
    #[error(transparent)]
    Room(#[from] DriveError<volume::Fault>),
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::Names { source } => source.code(),
            Error::TooLarge { .. } => "file-too-large-for-drives",
            Error::Room(error) => error.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Error::Names { source } => source.kind(),
            Error::TooLarge { .. } => ErrorKind::Resumable,
            Error::Room(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Error::Names { source } => source.hint(),
            Error::TooLarge { .. } => Some(Hint::new("name a larger drive with `--drive`")),
            Error::Room(error) => error.hint(),
        }
    }
}
