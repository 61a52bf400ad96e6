//! What of a seed lies on no drive: told before a parcel goes without it, and when a container is
//! compared with what the drives had.

use disk_prep::journal::CopyState;
use disk_prep::noun::{ByteSize, count, typed};

use super::work::Work;
use crate::outcome::{Attendant, Failure};
use crate::staging::Staging;

/// Tells of files that no drive has, and what takes them; nothing where the data is not there any more.
pub(super) fn warn_of_unplaced(
    staging: &Staging,
    attendant: &dyn Attendant,
) -> Result<(), Failure> {
    let Ok(work) = Work::of_seed(staging.clone()) else { return Ok(()) };
    let folder = staging.journals();
    let (mut files, mut bytes) = (work.set.files.len(), work.set.files.total_bytes());
    for history in folder.survey()? {
        if matches!(history.state, CopyState::SetAside | CopyState::Released) {
            continue;
        }
        let planned = folder.read_plan(&history)?.files;
        files = files.saturating_sub(planned.len());
        bytes = bytes.saturating_sub(planned.total_bytes());
    }
    if files > 0 {
        let line = typed(["azseed", "prep", "--staging", &staging.path().to_string_lossy()]);
        attendant.warn(&format!(
            "no drive has {} with {}: `{line} --drive DEV` with more drives goes on",
            count(files, "file"),
            ByteSize(bytes)
        ));
    }
    Ok(())
}
