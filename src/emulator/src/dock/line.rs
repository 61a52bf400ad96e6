//! What goes between the emulator and the process that reads a drive: one JSON object a line;
//! content follows its line raw. The reader of a drive may be led astray by it, so the emulator
//! takes nothing it says for more than a claim about that drive.

use std::io::{self, BufRead, Read, Write};

use disk_prep::noun::secret;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::manifest::{Entry, Part};
use super::side::Side;

/// The longest line; names are far shorter.
const LONGEST: u64 = 1 << 20;
/// Room for a line with a key, which is one of the short ones.
const ROOM: usize = 4096;

/// What the reader is told: the job's fields for this drive.
#[derive(Serialize, Deserialize)]
pub(super) struct Task {
    pub serial: String,
    #[serde(with = "secret")]
    pub key: SecretString,
    pub manifest_file: String,
    pub manifest_hash: String,
    pub header_hash: Option<String>,
}

/// What the reader tells.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type")]
pub(super) enum WorkerLine {
    /// The manifest was read; its bytes follow.
    Manifest { bytes: u64, total_bytes: u64 },
    /// A blob begins.
    Blob { entry: Entry },
    /// A metadata or properties file of it was read; what it says.
    Side { side: Side, status: String, values: Vec<(String, String)> },
    /// A part of it was read; if `status` is Completed, its bytes follow.
    Part { part: Part, status: String },
    /// The blob has ended.
    BlobEnd { status: String },
    /// The drive has ended.
    End { status: String },
}

/// Writes one line.
pub(crate) fn send<T: Serialize>(to: &mut impl Write, value: &T) -> io::Result<()> {
    to.write_all(&secret::cleared(|line| {
        serde_json::to_writer(&mut *line, value)?;
        line.write_all(b"\n")
    })?)
}

/// Reads one line.
pub(super) fn receive<T: DeserializeOwned>(from: &mut impl BufRead) -> io::Result<T> {
    let mut line = Zeroizing::new(Vec::with_capacity(ROOM));
    from.take(LONGEST).read_until(b'\n', &mut line)?;
    if line.last() != Some(&b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_slice(&line)?)
}
