//! What one line of the log says.

use disk_prep::noun::{JobName, Serial, Sha256Digest};
use disk_prep::sys::machine::{machine, people};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One line, without the digest that stands before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Version of the form.
    pub version: u32,
    /// Its number; the first is 1.
    pub number: u64,
    /// Digest of the entry that it follows; zeros before the first.
    pub previous: Sha256Digest,
    /// When it was written, by the clock of the machine that wrote it.
    pub at: Timestamp,
    /// Who wrote it.
    pub by: Who,
    /// What was done.
    #[serde(flatten)]
    pub deed: Deed,
    /// The report that the run has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
}

/// Who wrote an entry, as the kernel of that machine says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The user that the program ran as.
    pub user: String,
    /// The user that signed in on the machine, where its kernel knows another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// Name of the machine.
    pub host: String,
    /// Id of the machine.
    pub machine: String,
    /// Version of the program.
    pub program: String,
}

impl Who {
    /// This run.
    pub fn here() -> Self {
        let ((machine, host), (user, login)) = (machine(), people());
        let login = login.filter(|login| *login != user);
        Who { user, login, host, machine, program: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// A file below `reports/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Its name there.
    pub name: String,
    /// What it holds.
    pub sha256: Sha256Digest,
}

/// What a recovery password has opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProvenBy {
    /// The volume on the drive.
    Drive,
    /// The key in the drive's journal.
    Journal,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "deed", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Deed {
    /// A drive was sealed.
    Sealed {
        /// The drive.
        serial: Serial,
        /// Its job.
        job: JobName,
        /// Hash of its manifest, as the job has it.
        manifest_hash: String,
        /// When, by its journal.
        sealed_at: Timestamp,
        /// Whether the run that writes this has sealed it; else it found it so.
        by_this_run: bool,
    },
    /// A run of `prep` has ended.
    Prepared {
        /// The job.
        job: JobName,
    },
    /// Drives were read back.
    Verified {
        /// Those that were found equal.
        equal: Vec<Serial>,
        /// Those that were not, or could not be read.
        unequal: Vec<Serial>,
    },
    /// Drives were put into the parcel of a job.
    Packed {
        /// The job.
        job: String,
        /// All its drives.
        drives: Vec<String>,
    },
    /// The service was told of a parcel.
    Shipped {
        /// The job.
        job: String,
        /// With whom it is on its way.
        carrier: String,
        /// Its tracking number.
        tracking_number: String,
        /// The drives of the job.
        drives: Vec<String>,
    },
    /// The service says that it has drives.
    Received {
        /// The job.
        job: String,
        /// The drives.
        drives: Vec<String>,
    },
    /// A drive was given up.
    Released {
        /// The drive.
        serial: Serial,
        /// The job that it was for.
        job: JobName,
    },
    /// A vault has taken the seed in.
    Ingested {
        /// The vault.
        vault: String,
    },
    /// What drives did not bring was sent.
    Repaired {
        /// The job.
        job: JobName,
    },
    /// Recovery passwords were shown to somebody.
    Revealed {
        /// The drives.
        drives: Vec<Serial>,
    },
    /// What was in escrow has opened a drive.
    Proven {
        /// The drive.
        serial: Serial,
        /// What was opened.
        proven_by: ProvenBy,
    },
    /// What was in escrow has not opened a drive.
    NotProven {
        /// The drive.
        serial: Serial,
        /// Why, as a code that `azseed explain` knows.
        code: String,
    },
    /// What a later version of the program does.
    #[serde(other, skip_serializing)]
    Other,
}

impl Deed {
    /// The word of the log.
    pub fn word(&self) -> &'static str {
        match self {
            Deed::Sealed { .. } => "sealed",
            Deed::Prepared { .. } => "prepared",
            Deed::Verified { .. } => "verified",
            Deed::Packed { .. } => "packed",
            Deed::Shipped { .. } => "shipped",
            Deed::Received { .. } => "received",
            Deed::Released { .. } => "released",
            Deed::Ingested { .. } => "ingested",
            Deed::Repaired { .. } => "repaired",
            Deed::Revealed { .. } => "revealed",
            Deed::Proven { .. } => "proven",
            Deed::NotProven { .. } => "not-proven",
            Deed::Other => "other",
        }
    }

    /// The drives that it is about.
    pub fn drives(&self) -> Vec<&str> {
        match self {
            Deed::Sealed { serial, .. }
            | Deed::Released { serial, .. }
            | Deed::Proven { serial, .. }
            | Deed::NotProven { serial, .. } => vec![serial.as_str()],
            Deed::Verified { equal, unequal } => {
                equal.iter().chain(unequal).map(Serial::as_str).collect()
            }
            Deed::Packed { drives, .. }
            | Deed::Shipped { drives, .. }
            | Deed::Received { drives, .. } => drives.iter().map(String::as_str).collect(),
            Deed::Revealed { drives } => drives.iter().map(Serial::as_str).collect(),
            Deed::Prepared { .. } | Deed::Ingested { .. } | Deed::Repaired { .. } | Deed::Other => {
                Vec::new()
            }
        }
    }
}
