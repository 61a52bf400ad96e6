//! Whether each parcel that the drives need has a name: more than ten go in several, whose names are
//! longer by a suffix.

use disk_prep::drive::NamedDrive;
use disk_prep::limits::DRIVES_PER_JOB;
use disk_prep::noun::{Diagnose, ErrorKind, Hint, JobName, Service};
use disk_prep::plan::{count_drives, spread};
use disk_prep::pool::{room, without_place};

use crate::import_job::{check_name, part_name};
use crate::journey::work::Work;
use crate::outcome::{Failure, chain};
use crate::staging::drives_of;

/// More parcels than any seed goes in; a name with room for that is looked at no closer.
const MANY_PARCELS: usize = 999;

/// A name that has no room for the suffix of a parcel.
#[derive(Debug, thiserror::Error)]
#[error("The drives of job {job} go in {parcels} parcels, and the last has no name: {why}")]
struct NoRoom {
    job: JobName,
    parcels: usize,
    why: String,
}

impl Diagnose for NoRoom {
    fn code(&self) -> &'static str {
        "job-name-refused"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new(format!(
            "ten drives go in one parcel: name larger drives, or begin a seed with a shorter \
             `--job`, with room for x{} at its end",
            self.parcels
        )))
    }
}

/// The names of the parcels that the drives of a run, and those of runs before it, may need; refused
/// if the service takes one of them for no name.
pub(super) fn parcel_names(
    work: &Work,
    service: Service,
    found: &[NamedDrive],
    named: usize,
) -> Result<Vec<JobName>, Failure> {
    check_name(service, &work.job)?;
    let has_room = last_name(service, &work.job, MANY_PARCELS).is_ok();
    let drives = if has_room { named } else { drives_needed(work, found)?.max(named) };
    let parcels = drives.div_ceil(DRIVES_PER_JOB).max(1);
    if let Err(Failure(error)) = last_name(service, &work.job, parcels) {
        let why = chain(error.as_ref());
        return Err(NoRoom { job: work.job.clone(), parcels, why }.into());
    }
    let names = (0..parcels).map(|part| part_name(&work.job, part));
    Ok(names.collect::<Result<_, _>>()?)
}

fn last_name(service: Service, job: &JobName, parcels: usize) -> Result<(), Failure> {
    Ok(check_name(service, &part_name(job, parcels - 1)?)?)
}

/// So many drives have the data or will: what finds no room goes onto more like the largest. What
/// cannot be spread is told where it is.
fn drives_needed(work: &Work, found: &[NamedDrive]) -> Result<usize, Failure> {
    let folder = work.journals();
    let held = drives_of(&folder)?;
    let is_new = |own: &&NamedDrive| !held.contains(&own.drive.serial);
    let room_of = |own: &NamedDrive| room(&own.drive.serial, own.drive.bytes).ok();
    let rooms: Vec<_> = found.iter().filter(is_new).filter_map(room_of).collect();
    let files = without_place(&folder, &work.set)?;
    let Ok(spread) = spread(&files, &rooms) else { return Ok(held.len() + rooms.len()) };
    let missing = files.select(spread.unplaced.iter().map(|&at| at as usize));
    let largest = found.iter().filter_map(room_of).max_by_key(|own| own.volume_bytes);
    let more = largest.filter(|_| !missing.is_empty());
    let more = more.and_then(|own| count_drives(&missing, &own).ok()).unwrap_or_default();
    Ok(held.len() + spread.loads.len() + more)
}
