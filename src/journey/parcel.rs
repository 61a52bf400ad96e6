//! The import jobs of a seed, made from the journals of its sealed drives.

use std::collections::BTreeSet;
use std::path::Path;

use disk_prep::journal::{FileEnd, History, JournalFolder, SecretKeeper, State};
use disk_prep::limits::DRIVES_PER_JOB;
use disk_prep::noun::{AccountName, Contact, JobName};

use super::contact::contact;
use crate::import_job::{DriveEntry, Error, Job, JobService, NewJob, Written, part_name};
use crate::outcome::{Failure, MissingFlag};
use crate::staging::{SeedKind, Target};

/// What a job needs beside its drives.
#[derive(Debug)]
pub struct Parcel {
    contact: Contact,
    location: String,
}

impl Parcel {
    /// What the flags say, else what the seed says; missing is a wrong call.
    pub fn new(
        seed: Option<&Target>,
        location: Option<&String>,
        file: Option<&Path>,
    ) -> Result<Self, Failure> {
        let given = file.map(contact).transpose()?.or_else(|| seed?.contact.clone());
        let location = location.or(seed.and_then(|seed| seed.location.as_ref()));
        Ok(Parcel {
            contact: given.ok_or(MissingFlag { flag: "--contact" })?,
            location: location.ok_or(MissingFlag { flag: "--location" })?.clone(),
        })
    }

    /// Makes a job for every ten sealed drives, in the order of sealing.
    pub fn make_jobs(
        &self,
        service: &dyn JobService,
        job: &JobName,
        kind: SeedKind,
        account: &AccountName,
        folder: &JournalFolder,
        keeper: &dyn SecretKeeper,
    ) -> Result<Vec<(Job, Written)>, Failure> {
        let _claim = match folder.claim_jobs() {
            // Jobs can be made of journals that can only be read.
            Err(disk_prep::journal::Error::NotWritable { .. }) => None,
            claim => Some(claim?),
        };
        let mut sealed: Vec<History> = folder.read()?;
        // One that was released is not in the parcel.
        sealed.retain(|history| history.state == State::Sealed);
        sealed.sort_by_key(|history| history.sealed.as_ref().map(|sealed| sealed.at));
        let entries = sealed.iter().filter_map(|history| entry(history, keeper));
        let drives: Vec<DriveEntry> = entries.collect::<Result<_, _>>()?;
        if drives.is_empty() {
            return Err(Error::NoDrives { job: job.clone() }.into());
        }
        if kind == SeedKind::Repository {
            refuse_unreadable(job, folder, &sealed)?;
        }
        let mut made = Vec::new();
        for (part, drives) in drives.chunks(DRIVES_PER_JOB).enumerate() {
            let job = NewJob {
                name: part_name(job, part)?,
                location: self.location.clone(),
                storage_account: account.clone(),
                contact: self.contact.clone(),
                drives: drives.to_vec(),
            };
            made.push(service.create(&job)?);
        }
        Ok(made)
    }
}

/// What a repository is unreadable without: its folders, and the one file beside them.
const NEEDED: [&str; 4] = ["config", "keys", "index", "snapshots"];

/// A parcel whose drives together hold no repository that anybody can read is none.
fn refuse_unreadable(
    job: &JobName,
    folder: &JournalFolder,
    sealed: &[History],
) -> Result<(), Failure> {
    let mut copied = BTreeSet::new();
    let mut left_out = BTreeSet::new();
    for history in sealed {
        let plan = folder.read_plan(history)?;
        for (index, file) in plan.files.into_iter().enumerate().filter(|(_, file)| file.together) {
            match history.files.get(&index) {
                Some(FileEnd::Copied(_)) => copied.insert(file.source),
                Some(FileEnd::LeftOut { .. }) | None => left_out.insert(file.source),
            };
        }
    }
    let has = |part: &&&str| copied.iter().any(|source| source.starts_with(part));
    let parts = NEEDED.iter().filter(|part| !has(part)).map(ToString::to_string);
    let files = left_out.difference(&copied).map(|source| source.display().to_string());
    let missing: Vec<String> = parts.chain(files).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::RepositoryIncomplete { job: job.clone(), missing }.into())
}

fn entry(
    history: &History,
    keeper: &dyn SecretKeeper,
) -> Option<Result<DriveEntry, disk_prep::journal::Error>> {
    let sealed = history.sealed.as_ref()?;
    Some(history.begun.password(keeper).map(|recovery_password| DriveEntry {
        serial: history.begun.serial.clone(),
        recovery_password,
        manifest_file: sealed.manifest.clone(),
        manifest_hash: sealed.manifest_hash.clone(),
        header_hash: sealed.header_hash.clone(),
    }))
}
