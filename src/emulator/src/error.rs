//! What can go wrong with the emulator itself. What it answers to callers is no error of ours.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use disk_prep::noun::{Diagnose, ErrorKind, Hint, bare_addresses};
use url::Url;

use super::jobs::book::BookError;

/// The error of this room.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum Error {
    #[error("Cannot use {path}")]
    Folder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} is damaged: {fault}")]
    Damaged { path: PathBuf, fault: String },
    #[error("An emulator is running on {path} already")]
    Running { path: PathBuf },
    #[error("No emulator is running on {path}")]
    NotRunning { path: PathBuf },
    #[error("Cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("The emulator refused: {message}")]
    Refused { message: String },
    #[error("The connection to the emulator on {path} broke")]
    Broken {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "{} is no place for blobs: it begins with https://, or with http:// on this machine",
        bare_addresses(endpoint.as_str())
    )]
    BlobEndpoint { endpoint: Url },
    #[error(
        "The blob service at {} did not take what a drive holds",
        bare_addresses(endpoint.as_str())
    )]
    BlobService {
        endpoint: Url,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("The emulator knows no mischief \"{named}\"; it knows {known}")]
    Mischief { named: String, known: String },
    #[error("{word} says nothing of a machine; here it is one of {known}")]
    VmWord { word: String, known: String },
    #[error("Drive {serial}: the process that reads it failed: {fault}")]
    Worker { serial: String, fault: String },
    #[error(transparent)]
    Book(#[from] BookError),
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::Folder { .. } => "emulator-folder",
            Error::Damaged { .. } => "emulator-damaged",
            Error::Running { .. } => "emulator-running",
            Error::NotRunning { .. } => "emulator-not-running",
            Error::Listen { .. } => "emulator-listen",
            Error::Refused { .. } => "emulator-refused",
            Error::Broken { .. } => "emulator-broken",
            Error::BlobEndpoint { .. } => "emulator-blob-endpoint",
            Error::BlobService { .. } => "emulator-blob-service",
            Error::Mischief { .. } => "emulator-mischief",
            Error::VmWord { .. } => "emulator-vm-word",
            Error::Worker { .. } => "dock-worker",
            Error::Book(error) => error.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Error::Running { .. } => ErrorKind::Busy,
            Error::NotRunning { .. } | Error::Broken { .. } => ErrorKind::Unreachable,
            Error::Refused { .. } => ErrorKind::Refused,
            Error::BlobEndpoint { .. } | Error::Mischief { .. } | Error::VmWord { .. } => {
                ErrorKind::Usage
            }
            _ => ErrorKind::Failed,
        }
    }

    fn hint(&self) -> Option<Hint> {
        let text = match self {
            Error::NotRunning { path } => {
                return Some(Hint::new(format!(
                    "start one in another terminal: `azseed emulator --listen 127.0.0.1:0 --data {}`",
                    path.display()
                )));
            }
            Error::Running { .. } => "stop it, or name another folder with `--data`",
            Error::Mischief { .. } => "name one of these, with `:COUNT` behind it if need be",
            Error::Damaged { .. } => "remove the file; the emulator makes it anew",
            _ => return None,
        };
        Some(Hint::new(text))
    }
}
