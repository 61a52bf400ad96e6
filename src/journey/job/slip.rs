//! What goes into a parcel's papers: the job as its service has it today, and what the journals know
//! of each drive in it.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use disk_prep::journal::{History, JournalFolder};
use disk_prep::noun::{Diagnose, ErrorKind, Hint};
use jiff::Timestamp;

use super::own_drives::{expect_kept, expect_own, journals};
use super::target::MeantJob;
use crate::import_job::{Error, Job, JobService, JobStage, ShippingAddress, parts};
use crate::journey::desk::Desk;
use crate::journey::paper;
use crate::outcome::Failure;

/// Folders that a drive's map names; the rest is counted.
const MAP_ROWS: usize = 24;

/// The papers of the parcels that a call means.
#[derive(Debug)]
pub struct Slips {
    /// One a parcel.
    pub slips: Vec<Slip>,
    /// When the service was asked.
    pub at: Timestamp,
}

/// The papers of one parcel.
#[derive(Debug)]
pub struct Slip {
    /// The job.
    pub job: Job,
    /// Where the parcel goes, as the service says it today.
    pub ship_to: ShippingAddress,
    /// The drives.
    pub drives: Vec<SlipDrive>,
}

/// A drive of a parcel.
#[derive(Debug)]
pub struct SlipDrive {
    /// Serial number, as the job has it.
    pub serial: String,
    /// What its journal says; `None` if there is none here.
    pub known: Option<DriveFacts>,
}

/// What a drive's journal says.
#[derive(Debug)]
pub struct DriveFacts {
    /// Its model.
    pub model: Option<String>,
    /// Its size.
    pub drive_bytes: u64,
    /// Files in its manifest.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The manifest's hash.
    pub manifest_hash: String,
    /// What lies where, in the order of the drive.
    pub map: Vec<Stretch>,
    /// Folders that the map does not name.
    pub more_folders: usize,
}

/// A folder of a drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The folder.
    pub folder: String,
    /// The file that lies first of it.
    pub first: String,
    /// The file that lies last.
    pub last: String,
    /// Files of it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// The papers cannot be made without the service.
#[derive(Debug, thiserror::Error)]
#[error("The address that the parcel goes to is the service's to say, and it cannot be reached")]
struct NoAddress {
    #[source]
    source: Error,
}

impl Diagnose for NoAddress {
    fn code(&self) -> &'static str {
        "slip-without-service"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Unreachable
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("the drives can wait: run the same command where Azure can be reached"))
    }
}

fn of_service(error: Error) -> Failure {
    match error.kind() {
        ErrorKind::Unreachable => NoAddress { source: error }.into(),
        _ => error.into(),
    }
}

/// The papers of the job that is named, or of all jobs of the seed.
pub fn slips(
    target: &MeantJob<'_>,
    page: Option<&Path>,
    desk: &Desk<'_>,
) -> Result<Slips, Failure> {
    page.map_or(Ok(()), paper::check)?;
    target.expect_seed_job(desk)?;
    let service = target.service(desk)?;
    let jobs = match target.named() {
        Some(name) => vec![service.find(name).map_err(of_service)?],
        None => {
            let first = target.seed_job()?;
            let jobs = parts(&first, service.list().map_err(of_service)?);
            if jobs.is_empty() {
                return Err(Error::NoSuchJob { job: first }.into());
            }
            jobs
        }
    };
    let journals = journals(target, desk)?;
    let mut histories = BTreeMap::new();
    for history in journals.iter().map(JournalFolder::read).collect::<Result<Vec<_>, _>>()? {
        histories.extend(history.into_iter().map(|own| (own.begun.serial.to_string(), own)));
    }
    let mut slips = Vec::new();
    for job in jobs {
        expect_own(target, &job, desk)?;
        expect_kept(target, &job, desk)?;
        if job.state.stage == JobStage::Cancelled {
            return Err(Error::Cancelled { job: job.name.parse()? }.into());
        }
        let mut drives = Vec::new();
        for drive in &job.drives {
            let history = histories.get(&drive.serial).zip(journals.as_ref());
            let known = history.map(|(own, folder)| facts(own, folder)).transpose()?.flatten();
            drives.push(SlipDrive { serial: drive.serial.clone(), known });
        }
        slips.push(Slip { ship_to: ship_to(&*service, &job)?, job, drives });
    }
    Ok(Slips { slips, at: Timestamp::now() })
}

/// The address of the job; one of its region if the job has none.
fn ship_to(service: &dyn JobService, job: &Job) -> Result<ShippingAddress, Failure> {
    if let Some(address) = &job.shipping {
        return Ok(address.clone());
    }
    let regions = service.locations(Some(&job.location)).map_err(of_service)?;
    Ok(regions.into_iter().next().map(|region| region.address).unwrap_or_default())
}

/// What the journal of a sealed drive says.
fn facts(
    history: &History,
    folder: &JournalFolder,
) -> Result<Option<DriveFacts>, disk_prep::journal::Error> {
    let Some(sealed) = &history.sealed else { return Ok(None) };
    let plan = folder.read_plan(history)?;
    let files = plan.files.iter().enumerate();
    let files = files.filter(|(at, _)| history.files.is_copied(*at));
    let (map, more_folders) = map(files.map(|(_, file)| (String::from(file.path()), file.bytes())));
    Ok(Some(DriveFacts {
        model: history.begun.model.clone(),
        drive_bytes: history.begun.drive_bytes,
        files: sealed.files,
        bytes: sealed.bytes,
        manifest_hash: sealed.manifest_hash.clone(),
        map,
        more_folders,
    }))
}

/// The two folders at the top of a path: that of the job, and the next.
fn top(path: &str) -> &str {
    let mut ends = path.match_indices('\\').map(|(at, _)| at).filter(|at| *at > 0);
    let end = ends.by_ref().take(2).last();
    end.map_or("\\", |end| &path[..end])
}

/// Files in the order of the drive, by their folder at the top; how many folders found no row.
fn map(files: impl Iterator<Item = (impl AsRef<str>, u64)>) -> (Vec<Stretch>, usize) {
    let mut rows: Vec<Stretch> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (path, bytes) in files {
        let path = path.as_ref();
        let folder = top(path);
        let next = places.len();
        let place = match places.get(folder) {
            Some(place) => *place,
            None => *places.entry(folder.to_owned()).or_insert(next),
        };
        if place == rows.len() && place < MAP_ROWS {
            let (first, last) = (path.to_owned(), String::new());
            rows.push(Stretch { folder: folder.to_owned(), first, last, files: 0, bytes: 0 });
        }
        if let Some(row) = rows.get_mut(place) {
            path.clone_into(&mut row.last);
            row.files += 1;
            row.bytes = row.bytes.saturating_add(bytes);
        }
    }
    (rows, places.len().saturating_sub(MAP_ROWS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_has_each_folder_once_in_the_order_of_the_drive_and_is_bounded() {
        let files = [
            ("\\seed\\data\\00\\a", 10),
            ("\\seed\\data\\ff\\b", 20),
            ("\\seed\\index\\c", 1),
            ("\\seed\\config", 2),
            ("\\seed\\data\\z", 3),
            ("\\d", 4),
        ];
        let (rows, more) = map(files.into_iter());
        let row = |folder: &str, first: &str, last: &str, files, bytes| Stretch {
            folder: folder.to_owned(),
            first: first.to_owned(),
            last: last.to_owned(),
            files,
            bytes,
        };
        let right = [
            row("\\seed\\data", "\\seed\\data\\00\\a", "\\seed\\data\\z", 3, 33),
            row("\\seed\\index", "\\seed\\index\\c", "\\seed\\index\\c", 1, 1),
            row("\\seed", "\\seed\\config", "\\seed\\config", 1, 2),
            row("\\", "\\d", "\\d", 1, 4),
        ];
        assert_eq!((rows.as_slice(), more), (&right[..], 0));
        let many: Vec<String> = (0..MAP_ROWS + 3).map(|n| format!("\\s\\f{n}\\x")).collect();
        let (rows, more) = map(many.iter().map(|path| (path.as_str(), 1)));
        assert_eq!((rows.len(), more), (MAP_ROWS, 3));
    }
}
