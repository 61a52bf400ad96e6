//! Which disks a restore is to bring that this machine began: the service does not tell it of a job
//! that is under way. A convenience, in the state directory; another machine knows nothing of it.

use std::fs;
use std::path::PathBuf;

use disk_prep::sys::durable::{self, Access};
use serde::{Deserialize, Serialize};

use crate::state::{State, StateError, io_at};

/// The folder of these records.
const FOLDER: &str = "vm-restores";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Record {
    version: u32,
    /// Places of the data disks; all without it.
    luns: Option<Vec<u32>>,
}

/// Where the record of a job lies; none of a job whose id is no name of a file.
fn place(state: &State, job: &str) -> Option<PathBuf> {
    let is_id =
        !job.is_empty() && job.bytes().all(|own| own.is_ascii_alphanumeric() || own == b'-');
    is_id.then(|| state.folder().join(FOLDER).join(format!("{job}.json")))
}

fn sorted(luns: &Option<Vec<u32>>) -> Option<Vec<u32>> {
    let mut luns = luns.clone()?;
    luns.sort_unstable();
    luns.dedup();
    Some(luns)
}

/// Notes the disks of a restore that was begun.
pub(super) fn note(state: &State, job: &str, luns: &Option<Vec<u32>>) -> Result<(), StateError> {
    let Some(path) = place(state, job) else { return Ok(()) };
    state.make_folder(&state.folder().join(FOLDER), Access::Public)?;
    let record = Record { version: VERSION, luns: sorted(luns) };
    let text = serde_json::to_vec(&record).expect("numbers can be written");
    durable::write(&path, &text, Access::Public).map_err(io_at(&path))
}

/// Whether a restore that is under way brings these disks; `None` if this machine did not begin it.
pub(super) fn is_of(state: &State, job: &str, luns: &Option<Vec<u32>>) -> Option<bool> {
    let bytes = fs::read(place(state, job)?).ok()?;
    let record: Record = serde_json::from_slice(&bytes).ok()?;
    (record.version == VERSION).then(|| record.luns == sorted(luns))
}

#[cfg(test)]
mod tests {
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
        assert_eq!(fs::read_dir(folder.path().join(FOLDER)).unwrap().count(), 1);
    }
}
