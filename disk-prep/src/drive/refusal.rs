//! Why the guard lets nobody write, beside what the drive itself is: what the kernel tells of its
//! users, or cannot tell; names that meet; what came to lie on it. Always exit 4.

use std::io;
use std::path::PathBuf;

use crate::noun::{Diagnose, ErrorKind, Hint, Serial};

/// A refusal; nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum Refusal {
    /// The kernel has something to say of who uses a drive that cannot be read or understood.
    #[error("Nobody can tell whether drive {serial} is in use: {what}")]
    UseUnknown { serial: Serial, what: String },
    /// A file of the kernel's that decides what may be written, and cannot be read or understood.
    #[error("Cannot read what the kernel says in {}", path.display())]
    KernelUnreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Two names that were given lead to the same bytes.
    #[error("{} and {} are one medium under two names", first.display(), second.display())]
    MediumTwice { first: PathBuf, second: PathBuf },
    /// Somebody's file lies where an image was to be made.
    #[error("A file that this run did not make has come to lie at {}", path.display())]
    ImageAppeared { path: PathBuf },
    /// An image lies in what is shipped, or beside the journals.
    #[error(
        "Drive {serial} lies in {}, which is to be shipped or kept: {}",
        folder.display(), path.display()
    )]
    InSource { serial: Serial, path: PathBuf, folder: PathBuf },
    /// It was blank when it was begun, and now holds what is not ours.
    #[error("Drive {serial} was blank when it was begun, and somebody has used it since: {found}")]
    UsedSinceBegun { serial: Serial, found: String },
    /// Drives that were filled before and after make nothing whole together.
    #[error(
        "Drive {serial} is not sealed, since its source has changed while it was filled: {what}"
    )]
    SourcesChanged { serial: Serial, what: String },
}

impl Diagnose for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Refusal::UseUnknown { .. } => "drive-use-unknown",
            Refusal::KernelUnreadable { .. } => "kernel-unreadable",
            Refusal::MediumTwice { .. } => "medium-twice",
            Refusal::ImageAppeared { .. } => "image-appeared",
            Refusal::InSource { .. } => "drive-in-source",
            Refusal::UsedSinceBegun { .. } => "drive-used-since-begun",
            Refusal::SourcesChanged { .. } => "repository-changed",
        }
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Guard
    }

    fn hint(&self) -> Option<Hint> {
        let text = match self {
            Refusal::UseUnknown { .. } | Refusal::KernelUnreadable { .. } => {
                "run as root with `/proc` and `/sys` mounted; if what the message names belongs to \
                 one drive, unplug that drive"
                    .to_owned()
            }
            Refusal::MediumTwice { .. } => "name it once".to_owned(),
            Refusal::ImageAppeared { .. } => {
                "move that file away, or name the image otherwise".to_owned()
            }
            Refusal::InSource { .. } => "put the image elsewhere".to_owned(),
            Refusal::UsedSinceBegun { serial, .. } => format!(
                "use another drive; or if all that is on it may go, `azseed drive release \
                 {serial}`, then `azseed prep` with `--erase {serial}`"
            ),
            Refusal::SourcesChanged { .. } => {
                "bring the files back, then run the same command again; or begin a new seed of it"
                    .to_owned()
            }
        };
        Some(Hint::new(text))
    }
}
