//! Jobs made from the journals of Microsoft's tools, and ours written in their form. Both hold the
//! drives' keys: they are read from and written to files that nobody else reads.

use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use disk_prep::noun::{Diagnose, ErrorKind, Hint, JobName, Serial};
use disk_prep::sys::beneath::Folder;
use disk_prep::sys::durable::Access;
use disk_prep::sys::private::{self, NotPrivate};

use super::held::{Homes, NoDrives, OfJob, drives_of_job};
use super::sight::made;
use super::target::{JobOptions, MeantJob};
use crate::custody::Deed;
use crate::import_job::drive_info::{self, Form, JOURNAL_BYTES, Journal, add, journals};
use crate::import_job::{DriveEntry, Job, Written};
use crate::journey::custody::Logged;
use crate::journey::desk::Desk;
use crate::journey::keeper::{KeyFiles, keeper};
use crate::journey::parcel::{Parcel, entry};
use crate::journey::settings::Given;
use crate::outcome::{Failure, both};

/// A journal of a tool that cannot be used.
#[derive(Debug, thiserror::Error)]
enum ToolJournalError {
    #[error("Cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} holds keys of drives, and {why}")]
    Open { path: PathBuf, why: NotPrivate },
    #[error("{path} cannot be used: {fault}")]
    Form { path: PathBuf, fault: drive_info::Fault },
    #[error("{flag} is about drives of azseed, and `--tool-journal` about those of another tool")]
    Beside { flag: &'static str },
    #[error("Cannot write {path}")]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "{path} does not keep file modes, so the keys of the drives would be readable by others"
    )]
    ModesIgnored { path: PathBuf },
}

impl Diagnose for ToolJournalError {
    fn code(&self) -> &'static str {
        match self {
            ToolJournalError::Read { .. } => "tool-journal-unreadable",
            ToolJournalError::Open { .. } => "secret-file-mode",
            ToolJournalError::Form { fault, .. } => fault.code(),
            ToolJournalError::Beside { .. } => "tool-journal-beside",
            ToolJournalError::Write { .. } => "tool-journal-not-written",
            ToolJournalError::ModesIgnored { .. } => "modes-ignored",
        }
    }
    fn kind(&self) -> ErrorKind {
        match self {
            ToolJournalError::Read { .. }
            | ToolJournalError::Open { .. }
            | ToolJournalError::Beside { .. } => ErrorKind::Usage,
            ToolJournalError::Form { fault, .. } => fault.kind(),
            ToolJournalError::Write { .. } => ErrorKind::Failed,
            ToolJournalError::ModesIgnored { .. } => ErrorKind::Guard,
        }
    }
    fn hint(&self) -> Option<Hint> {
        match self {
            ToolJournalError::Open { path, .. } => Some(Hint::MakePrivate(path.clone())),
            ToolJournalError::Form { fault, .. } => fault.hint(),
            ToolJournalError::ModesIgnored { .. } => {
                Some(Hint::new("name a folder on a file system of this machine with `--folder`"))
            }
            _ => None,
        }
    }
}

/// The drives of all these journals.
fn read(files: &[PathBuf]) -> Result<Vec<DriveEntry>, ToolJournalError> {
    let mut drives = Vec::new();
    for path in files {
        let path = || path.clone();
        let bytes = private::read_up_to(&path(), JOURNAL_BYTES).map_err(|source| {
            match NotPrivate::of(&source) {
                Some(why) if why.is_open() => ToolJournalError::Open { path: path(), why },
                _ => ToolJournalError::Read { path: path(), source },
            }
        })?;
        let form = |fault| ToolJournalError::Form { path: path(), fault };
        for drive in drive_info::parse(&bytes).map_err(form)? {
            add(&mut drives, drive).map_err(form)?;
        }
    }
    Ok(drives)
}

/// Makes the jobs of the drives that a tool has prepared. `named` is a flag of the call that is about
/// drives of ours.
pub fn create_from(
    options: &JobOptions,
    named: Option<&'static str>,
    files: &[PathBuf],
    location: Option<Given<String>>,
    contact: Option<&Given<PathBuf>>,
    desk: &Desk<'_>,
) -> Result<Vec<(Job, Written)>, Failure> {
    if let Some(flag) = named {
        return Err(ToolJournalError::Beside { flag }.into());
    }
    let options = JobOptions { staging: None, ..options.clone() };
    let (job, account) = both(
        ("--job", options.job.as_ref()),
        ("--storage-account", options.storage_account.as_ref()),
    )?;
    let parcel = Parcel::new(None, location, contact, desk.attendant)?;
    let drives = read(files)?;
    let target = MeantJob::without_seed(&options);
    let (subscription, group) = target.place(desk)?;
    let account = &account.in_group(&subscription, &group);
    let service = target.service_for_new(desk)?;
    let taken = Parcel::told_taken(&*service, job, &drives);
    taken.iter().for_each(|text| desk.attendant.warn(text));
    let mut jobs = parcel.create_all(&*service, job, account, &drives)?;
    parcel.told_apart(&jobs).iter().for_each(|text| desk.attendant.warn(text));
    made(&mut jobs, desk);
    Ok(jobs)
}

/// Files that were written.
#[derive(Debug)]
pub struct JournalsExported {
    /// The job.
    pub job: JobName,
    /// The drives.
    pub drives: Vec<Serial>,
    /// The files.
    pub paths: Vec<PathBuf>,
}

/// Writes the journals of a job's sealed drives in the form of a tool, into a folder or beside our
/// own. Each is for its owner alone.
pub fn export_journals(
    options: &JobOptions,
    is_named: bool,
    form: Form,
    folder: Option<&Path>,
    files: &KeyFiles,
    desk: &Desk<'_>,
) -> Result<(JournalsExported, Logged), Failure> {
    let state = desk.state()?;
    let (mut drives, mut homes, mut job) = (Vec::new(), Homes::default(), None);
    let mut beside: Option<Arc<Folder>> = None;
    for OfJob { staging, begun, sealed } in drives_of_job(options, is_named, desk)? {
        let Some(sealed) = sealed else { continue };
        let keeper = keeper(Some(&staging), files, None, &state);
        let entry = entry(&begun, &sealed, keeper.as_ref())?;
        homes.add(&staging, entry.serial.clone());
        drives.push((entry, sealed.at));
        job = Some(begun.job);
        beside = Some(Arc::clone(staging.root()));
    }
    let (job, beside) = (job.ok_or(NoDrives)?, beside.ok_or(NoDrives)?);
    let unopened = |path: &Path| {
        let path = path.to_owned();
        move |source| ToolJournalError::Write { path: path.clone(), source }
    };
    let folder = match folder {
        Some(path) => Folder::open(path).map_err(unopened(path))?,
        None => beside.folder(Path::new("journals")).map_err(unopened(beside.path()))?,
    };
    let mut paths = Vec::new();
    for journal in journals(form, &job, &drives) {
        write(&folder, &journal)?;
        paths.push(folder.path().join(&journal.name));
    }
    let serials = drives.into_iter().map(|(entry, _)| entry.serial).collect();
    let logged = homes.leave(|drives| vec![Deed::Revealed { drives }], desk);
    Ok((JournalsExported { job, drives: serials, paths }, logged))
}

/// Writes a journal, whole or not at all; nothing of it where others could read it.
fn write(folder: &Folder, journal: &Journal) -> Result<(), ToolJournalError> {
    let (name, path) = (Path::new(&journal.name), folder.path().join(&journal.name));
    let at = |source| ToolJournalError::Write { path: path.clone(), source };
    let draft = PathBuf::from(format!("{}.{}.new", journal.name, std::process::id()));
    let gone = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    };
    folder.remove_file(&draft).or_else(gone).map_err(at)?;
    let mut file = folder.create(&draft, Access::Private).map_err(at)?;
    let about = file.metadata().map_err(at)?;
    let own = rustix::process::geteuid().as_raw();
    if about.mode() & 0o077 != 0 || about.uid() != own {
        folder.remove_file(&draft).map_err(at)?;
        return Err(ToolJournalError::ModesIgnored { path: folder.path().to_owned() });
    }
    let written = file
        .write_all(journal.text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| folder.rename(&draft, name))
        .and_then(|()| folder.sync());
    if written.is_err() {
        // The first error is the one to tell.
        let _ = folder.remove_file(&draft);
    }
    written.map_err(at)
}
