//! What this machine remembers of a disk's backup, `STATE/disk-backups/NAME.json`. The copy's own
//! metadata go before it: a record that was lost is made anew by the same `protect`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use disk_prep::noun::{BlobPlace, VaultName};
use disk_prep::sys::durable::{self, Access};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::engine::{Engine, Via};
use super::error::Error;
use super::fault::RecordFault;
use super::keep::Keep;
use super::points::Copies;
use super::source::{DiskSource, ImageTerms};
use crate::state::{State, StateError, io_at};

/// How the first copy is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirstCopy {
    /// By whatever the service can be trusted with.
    #[default]
    Auto,
    /// The service copies.
    Copy,
    /// It goes through this machine.
    Stream,
    /// A drive brings it.
    Drive,
}

/// How what changed is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiffWish {
    /// By the service where a trial shows that it tells the truth.
    #[default]
    Auto,
    /// By the service.
    Service,
    /// By comparing both snapshots here.
    Client,
}

impl FirstCopy {
    /// The word for a person and a script.
    pub fn word(self) -> &'static str {
        match self {
            FirstCopy::Auto => "auto",
            FirstCopy::Copy => "copy",
            FirstCopy::Stream => "stream",
            FirstCopy::Drive => "drive",
        }
    }
}

impl fmt::Display for FirstCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl DiffWish {
    /// The word for a person and a script.
    pub fn word(self) -> &'static str {
        match self {
            DiffWish::Auto => "auto",
            DiffWish::Service => "service",
            DiffWish::Client => "client",
        }
    }
}

impl fmt::Display for DiffWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What is read back after a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// Nothing beyond the checksum of every write.
    #[default]
    None,
    /// What was written.
    Changed,
    /// The whole point and the whole snapshot.
    Full,
}

/// What came of the last round.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LastRound {
    /// When it ended.
    pub at: Timestamp,
    /// The source's snapshot.
    pub source_snapshot: String,
    /// The point.
    pub backup_snapshot: String,
    /// Bytes that were written.
    pub changed_bytes: u64,
    /// Bytes that were cleared.
    pub cleared_bytes: u64,
    /// Calls that wrote or cleared.
    pub requests: u64,
}

/// That a point was proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// When.
    pub at: Timestamp,
    /// By what.
    pub by: ProvenBy,
    /// Whether all of it was, and not a share.
    pub is_whole: bool,
}

/// What a point was compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProvenBy {
    /// The source's snapshot.
    Source,
    /// Its digest table.
    Table,
}

impl ProvenBy {
    /// The word for a script.
    pub fn word(self) -> &'static str {
        match self {
            ProvenBy::Source => "source",
            ProvenBy::Table => "table",
        }
    }
}

/// The record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskBackup {
    /// Of this form.
    pub version: u32,
    /// How often the record beside the copy was written; of two the one that counts more is newer.
    #[serde(default)]
    pub revision: u64,
    /// The backup's identity.
    pub id: Uuid,
    /// Its name.
    pub name: VaultName,
    /// What is backed up.
    pub source: DiskSource,
    /// What is remembered of an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageTerms>,
    /// The copy, of the generation that goes on.
    pub target: BlobPlace,
    /// How often a whole new copy was begun; 1 is the first.
    #[serde(default = "first_generation")]
    pub generation: u32,
    /// Seconds from one round to the next.
    pub every_secs: u64,
    /// How the first copy is made.
    #[serde(default)]
    pub first: FirstCopy,
    /// How what changed is found out.
    #[serde(default)]
    pub diff: DiffWish,
    /// Who carries what changed.
    #[serde(default)]
    pub transfer: Via,
    /// What makes a point.
    #[serde(default)]
    pub engine: Engine,
    /// The id under which the last run held the copy.
    #[serde(default)]
    pub run: Option<Uuid>,
    /// What came of the last round.
    #[serde(default)]
    pub last: Option<LastRound>,
    /// Which points are kept.
    #[serde(default)]
    pub keep: Keep,
    /// Points that were proven, by the copy's snapshot.
    #[serde(default)]
    pub proofs: BTreeMap<String, Proof>,
    /// The point that the source was restored from.
    #[serde(default)]
    pub restored: Option<RestoredFrom>,
}

/// What a disk is restored from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoredFrom {
    /// The backup.
    pub name: VaultName,
    /// The snapshot of its copy.
    pub backup_snapshot: String,
    /// Whether that has ended; until then there is no round.
    pub is_whole: bool,
}

fn first_generation() -> u32 {
    1
}

const FOLDER: &str = "disk-backups";
const VHD: &str = ".vhd";
/// The form that this program writes.
pub const FORM: u32 = 1;

/// What every form of a record says of itself.
#[derive(Deserialize)]
struct Form {
    version: u32,
}

/// The records of this machine.
#[derive(Debug)]
pub struct Known {
    /// By name.
    pub all: Vec<DiskBackup>,
    /// Why the others cannot be used.
    pub unusable: Vec<Error>,
}

fn path(state: &State, name: &VaultName) -> PathBuf {
    state.folder().join(FOLDER).join(format!("{name}.json"))
}

/// What a record holds, if it is there.
fn content(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match durable::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) => match error.kind() {
            std::io::ErrorKind::NotFound => Ok(None),
            std::io::ErrorKind::InvalidData => {
                Err(Error::Record { path: path.to_owned(), fault: RecordFault::NoFile })
            }
            _ => Err(io_at(path)(error).into()),
        },
    }
}

fn log_path(state: &State, name: &VaultName) -> PathBuf {
    state.folder().join(FOLDER).join(format!("{name}.run"))
}

impl DiskBackup {
    /// The name of the copy of a generation: whole new copies stand beside the first.
    pub fn copy_name(&self, generation: u32) -> String {
        let old = self.target.name();
        let is_first = self.generation == 1;
        let own = format!(".g{}", self.generation);
        let stem = old.strip_suffix(VHD).unwrap_or(old);
        let first = stem.strip_suffix(&own).filter(|_| !is_first).unwrap_or(stem);
        match generation {
            _ if generation == self.generation => old.to_owned(),
            1 => format!("{first}{VHD}"),
            _ => format!("{first}.g{generation}{VHD}"),
        }
    }

    /// The names of all copies, the first one first.
    pub fn copy_names(&self) -> Vec<String> {
        (1..=self.generation).map(|generation| self.copy_name(generation)).collect()
    }

    /// The copies that have its points; `source` is the address of the disk.
    pub fn copies(&self, source: &str) -> Copies {
        match self.engine {
            Engine::Diff => Copies::Marked(self.copy_names()),
            Engine::IncrementalCopy => {
                Copies::ByService { names: self.copy_names(), source: source.to_owned() }
            }
            Engine::FullCopy => {
                let own = self.target.name();
                let stem = own.strip_suffix(VHD).unwrap_or(own).to_owned();
                Copies::Whole { stem, backup: self.id.to_string() }
            }
        }
    }

    /// The name of the blob that is leased where the copy itself cannot be.
    pub fn lock_name(&self) -> String {
        format!("azseed/disks/{}/lock", self.name)
    }

    /// The proof of a point that is the newest.
    pub fn last_proof(&self) -> Option<(&str, &Proof)> {
        let newest = self.proofs.iter().max_by_key(|(_, proof)| proof.at);
        newest.map(|(point, proof)| (point.as_str(), proof))
    }

    /// The one of this name; `None` if this machine knows none.
    pub fn open(state: &State, name: &VaultName) -> Result<Option<Self>, Error> {
        let path = path(state, name);
        match content(&path)? {
            Some(text) => Self::read(&text, &path, name.as_str()).map(Some),
            None => Ok(None),
        }
    }

    /// Whether this machine has a record of this name, whatever it says.
    pub fn is_known(state: &State, name: &VaultName) -> bool {
        path(state, name).exists()
    }

    /// All that this machine knows; one that cannot be used keeps nobody from the others.
    pub fn all(state: &State) -> Result<Known, Error> {
        let mut known = Known { all: Vec::new(), unusable: Vec::new() };
        let mut paths = state.records_in(&state.folder().join(FOLDER))?;
        paths.sort();
        for path in paths {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let own = content(&path)
                .and_then(|text| text.map(|text| Self::read(&text, &path, &name)).transpose());
            match own {
                Ok(own) => known.all.extend(own),
                Err(error) => known.unusable.push(error),
            }
        }
        known.all.sort_by(|one: &Self, other| one.name.as_str().cmp(other.name.as_str()));
        Ok(known)
    }

    /// As it is kept.
    pub fn text(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("texts and numbers can be written")
    }

    /// One that was kept at `path` under a name.
    pub fn read(text: &[u8], path: &Path, name: &str) -> Result<Self, Error> {
        let wrong = |fault| Error::Record { path: path.to_owned(), fault };
        let damaged = |source| wrong(RecordFault::Damaged(source));
        let Form { version } = serde_json::from_slice(text).map_err(damaged)?;
        if version > FORM {
            return Err(Error::NewerRecord { path: path.to_owned(), version });
        }
        let own: Self = serde_json::from_slice(text).map_err(damaged)?;
        match own.name.as_str() == name {
            true => Ok(own),
            false => Err(wrong(RecordFault::OtherName(own.name))),
        }
    }

    /// This machine's record and the one beside the copy, as they hold together: what stands there goes
    /// before what this machine knew, unless that is newer.
    pub fn joined(self, found: Self) -> Self {
        // Stamps of the copy's service first: clocks of machines may be wrong.
        let at = |own: &Self| own.last.as_ref().map(|last| (last.backup_snapshot.clone(), last.at));
        // Records of older programs do not count; of theirs the one with the later round is newer.
        let is_newer = match self.revision.max(found.revision) {
            0 => at(&found) > at(&self),
            _ => found.revision >= self.revision,
        };
        if !is_newer {
            return self;
        }
        let is_later = self.generation == found.generation && at(&self) > at(&found);
        let mut proofs = found.proofs.clone();
        // Of a run that ended before it could say so there.
        if found.revision == self.revision {
            proofs.extend(self.proofs);
        }
        let last = if is_later { self.last } else { found.last.clone() };
        DiskBackup { run: self.run, last, proofs, ..found }
    }

    /// The log of a round of an image.
    pub fn run_log(&self, state: &State) -> Result<PathBuf, StateError> {
        state.make_folder(&state.folder().join(FOLDER), Access::Public)?;
        Ok(log_path(state, &self.name))
    }

    /// Keeps it.
    pub fn save(&self, state: &State) -> Result<(), StateError> {
        state.make_folder(&state.folder().join(FOLDER), Access::Public)?;
        let path = path(state, &self.name);
        durable::write(&path, &self.text(), Access::Public).map_err(io_at(&path))
    }

    /// Forgets one of this name, with the log of its round, which others may go on with meanwhile; blobs
    /// and points stay.
    pub fn forget(state: &State, name: &VaultName) -> Result<(), StateError> {
        let (path, log) = (path(state, name), log_path(state, name));
        match durable::remove(&log) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            removed => removed.map_err(io_at(&log))?,
        }
        durable::remove(&path).map_err(io_at(&path))
    }
}

/// A time from point to point, as it is typed.
pub fn typed_time(secs: u64) -> String {
    match secs {
        secs if secs.is_multiple_of(86_400) => format!("{}d", secs / 86_400),
        secs if secs.is_multiple_of(3600) => format!("{}h", secs / 3600),
        secs => format!("{}m", secs / 60),
    }
}

#[cfg(test)]
mod tests;
