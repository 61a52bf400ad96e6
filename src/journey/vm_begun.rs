//! What the service does not tell of a job that is under way: which disks a restore is to bring that
//! this machine began, and until when the point of a backup is kept. A convenience, in the state
//! directory; another machine knows nothing of it.

use std::path::PathBuf;

use disk_prep::sys::durable::{self, Access};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::state::{State, StateError, io_at};
use crate::vm_backup::{MachineId, VaultId};

/// The folders of these records.
const RESTORES: &str = "vm-restores";
const BACKUPS: &str = "vm-backups";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Record {
    version: u32,
    /// Places of the data disks; all without it.
    luns: Option<Vec<u32>>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    /// The point is kept until then.
    until: Timestamp,
}

/// A backup that is about to be asked for.
#[derive(Serialize, Deserialize)]
struct Asked {
    version: u32,
    /// The point is to be kept until then.
    until: Timestamp,
    /// When it was asked for, by the service's clock.
    at: Timestamp,
}

/// The backup of a machine by a vault whose point is kept until then.
pub(super) type AskedFor<'a> = (&'a State, &'a VaultId, &'a MachineId, Timestamp);

/// So much sooner or later than it was asked for the service says that a job began: it tells whole
/// seconds, and a call may be made again.
const SOONER: SignedDuration = SignedDuration::from_secs(2);
const LATER: SignedDuration = SignedDuration::from_mins(10);

/// The name of the record of a backup that is asked for; that of a job has its id.
fn name_of(vault: &VaultId, machine: &MachineId) -> String {
    let both = format!("{vault} {machine}").to_lowercase();
    let digest = Sha256::digest(both);
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("asked-{hex}")
}

/// Where the record of a job lies; none of a job whose id is no name of a file.
fn place(state: &State, folder: &str, job: &str) -> Option<PathBuf> {
    let is_id =
        !job.is_empty() && job.bytes().all(|own| own.is_ascii_alphanumeric() || own == b'-');
    is_id.then(|| state.folder().join(folder).join(format!("{job}.json")))
}

fn sorted(luns: &Option<Vec<u32>>) -> Option<Vec<u32>> {
    let mut luns = luns.clone()?;
    luns.sort_unstable();
    luns.dedup();
    Some(luns)
}

/// Notes the disks of a restore that was begun.
pub(super) fn note(state: &State, job: &str, luns: &Option<Vec<u32>>) -> Result<(), StateError> {
    write(state, (RESTORES, job), &Record { version: VERSION, luns: sorted(luns) })
}

fn write(
    state: &State,
    (folder, job): (&str, &str),
    record: &impl Serialize,
) -> Result<(), StateError> {
    let Some(path) = place(state, folder, job) else { return Ok(()) };
    state.make_folder(&state.folder().join(folder), Access::Public)?;
    let text = serde_json::to_vec(record).expect("numbers and times can be written");
    durable::write(&path, &text, Access::Public).map_err(io_at(&path))
}

fn read<T: DeserializeOwned>(state: &State, folder: &str, job: &str) -> Option<T> {
    let bytes = durable::read(&place(state, folder, job)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Notes until when the point of a backup is kept that was begun.
pub(super) fn note_kept(state: &State, job: &str, until: Timestamp) -> Result<(), StateError> {
    write(state, (BACKUPS, job), &Kept { version: VERSION, until })
}

/// Whether a backup that is under way is known to be one whose point is kept until then.
pub(super) fn is_kept(state: &State, job: &str, until: Timestamp) -> bool {
    let record: Option<Kept> = read(state, BACKUPS, job);
    record.is_some_and(|own| own.version == VERSION && own.until == until)
}

/// Notes a backup before it is asked for: who is killed before the answer is there knows it again.
pub(super) fn note_asked(
    (state, vault, machine, until): AskedFor<'_>,
    at: Timestamp,
) -> Result<(), StateError> {
    let record = Asked { version: VERSION, until, at };
    write(state, (BACKUPS, &name_of(vault, machine)), &record)
}

/// Forgets one that did not come to be.
pub(super) fn forget_asked((state, vault, machine, _): AskedFor<'_>) {
    if let Some(path) = place(state, BACKUPS, &name_of(vault, machine)) {
        // It may never have been written.
        let _ = std::fs::remove_file(path);
    }
}

/// Whether a backup that began then is the one that was asked for.
pub(super) fn is_asked((state, vault, machine, until): AskedFor<'_>, start: Timestamp) -> bool {
    let record: Option<Asked> = read(state, BACKUPS, &name_of(vault, machine));
    record.is_some_and(|own| {
        let after = start.duration_since(own.at);
        own.version == VERSION && own.until == until && (-SOONER..=LATER).contains(&after)
    })
}

/// Whether a restore that is under way brings these disks; `None` if this machine did not begin it.
pub(super) fn is_of(state: &State, job: &str, luns: &Option<Vec<u32>>) -> Option<bool> {
    let record: Record = read(state, RESTORES, job)?;
    (record.version == VERSION).then(|| record.luns == sorted(luns))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn disks_are_known_in_any_order_and_only_of_a_job_that_was_noted() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(Some(folder.path())).unwrap();
        note(&state, "j-1", &Some(vec![1, 0])).unwrap();
        assert_eq!(is_of(&state, "j-1", &Some(vec![0, 1, 1])), Some(true));
        assert_eq!(is_of(&state, "j-1", &Some(vec![0])), Some(false));
        assert_eq!(is_of(&state, "j-1", &None), Some(false));
        assert_eq!(is_of(&state, "j-2", &None), None);
        note(&state, "../x", &None).unwrap();
        assert_eq!(is_of(&state, "../x", &None), None);
        assert_eq!(fs::read_dir(folder.path().join(RESTORES)).unwrap().count(), 1);
        let until: Timestamp = "2027-06-01T00:00:00Z".parse().unwrap();
        note_kept(&state, "j-1", until).unwrap();
        assert!(is_kept(&state, "j-1", until) && !is_kept(&state, "j-2", until));
        assert!(!is_kept(&state, "j-1", Timestamp::UNIX_EPOCH));
        // What is no folder is told and not waited for.
        fs::remove_dir_all(folder.path().join(BACKUPS)).unwrap();
        let (owner, fifo) = (rustix::fs::Mode::RWXU, rustix::fs::FileType::Fifo);
        let pipe = folder.path().join(BACKUPS);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, fifo, owner, 0).unwrap();
        assert!(note_kept(&state, "j-1", until).is_err() && !is_kept(&state, "j-1", until));
        let record = folder.path().join(RESTORES).join("j-3.json");
        rustix::fs::mknodat(rustix::fs::CWD, record, fifo, owner, 0).unwrap();
        assert_eq!(is_of(&state, "j-3", &None), None);
    }
}
