//! Why files cannot be listed or shipped.

use std::io;
use std::path::PathBuf;

use super::table::CsvFault;
use crate::noun::{Diagnose, ErrorKind, Hint, count, lines, shown};
use crate::sys::beneath::Unexpected;

/// Why there is no data set.
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
    #[error("{path} has {}; nothing was started{}", count(faults.len(), "fault"), lines(faults))]
    Csv { path: PathBuf, faults: Vec<CsvFault> },
    /// The data set is empty.
    #[error("There is no file to copy in {}", shown(root))]
    NothingToCopy { root: PathBuf },
}

impl Error {
    /// What stands in a folder where a plain file must be, if that is the reason.
    fn unexpected(&self) -> Option<&Unexpected> {
        match self {
            Error::Scan { source, .. } => Unexpected::of(source),
            _ => None,
        }
    }
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::Scan { .. } => self.unexpected().map_or("source-unreadable", Diagnose::code),
            Error::Unshippable { .. } => "names-unshippable",
            Error::CsvFile { .. } => "csv-unreadable",
            Error::Csv { .. } => "csv-invalid",
            Error::NothingToCopy { .. } => "nothing-to-copy",
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Error::Scan { .. } => self.unexpected().map_or(ErrorKind::Failed, Diagnose::kind),
            _ => ErrorKind::Usage,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Error::Scan { .. } => self.unexpected().and_then(Diagnose::hint),
            Error::Unshippable { .. } => {
                Some(Hint::new("rename these files, or leave them out of the data set"))
            }
            Error::Csv { .. } => {
                Some(Hint::new("mend these lines, then run the same command again"))
            }
            Error::CsvFile { .. } | Error::NothingToCopy { .. } => None,
        }
    }
}
