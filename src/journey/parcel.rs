//! The import jobs of a seed, made from the journals of its sealed drives.

use std::collections::BTreeSet;
use std::path::PathBuf;

use disk_prep::journal::{Begun, CopyState, History, JournalFolder, Sealed, SecretKeeper};
use disk_prep::limits::DRIVES_PER_JOB;
use disk_prep::noun::{AccountId, Contact, JobName, ReturnAddress, typed};

use super::contact::contact;
use super::settings::{Given, Origin, settle};
use crate::check::azure::plain;
use crate::import_job::{
    DriveEntry, Error, Job, JobService, NewJob, Written, first_name, part_name,
};
use crate::outcome::{Attendant, Failure, both};
use crate::staging::Destination;

/// What a job needs beside its drives.
#[derive(Debug)]
pub struct Parcel {
    contact: Contact,
    location: String,
}

impl Parcel {
    /// What the seed says, else what the call says; missing is a wrong call.
    pub fn new(
        seed: Option<&Destination>,
        location: Option<Given<String>>,
        file: Option<&Given<PathBuf>>,
        attendant: &dyn Attendant,
    ) -> Result<Self, Failure> {
        let (contact, location) = Parcel::settled(seed, location, file, attendant)?;
        let (contact, location) = both(("--contact", contact), ("--location", location))?;
        Ok(Parcel { contact, location })
    }

    /// Both, as far as seed or call say them; a call that contradicts the seed is refused.
    pub fn settled(
        seed: Option<&Destination>,
        location: Option<Given<String>>,
        file: Option<&Given<PathBuf>>,
        attendant: &dyn Attendant,
    ) -> Result<(Option<Contact>, Option<String>), Failure> {
        let held = seed.and_then(|seed| seed.location.clone());
        let location = settle(location, held, "the seed's region is", attendant)?;
        let read = |given: &Given<PathBuf>| contact(&given.value);
        let contact = match (seed.and_then(|seed| seed.contact.clone()), file) {
            (None, file) => file.map(read).transpose()?,
            (Some(held), None) => Some(held),
            (Some(held), Some(file)) => {
                let is_same = match read(file) {
                    Err(error) if file.origin == Origin::CommandLine => return Err(error.into()),
                    read => read.is_ok_and(|own| own == held),
                };
                let (origin, name) = (file.origin, file.name.clone());
                let given = Given { value: "another contact", origin, name };
                let given = (!is_same).then_some(given);
                settle(given, Some("one of its own"), "the seed has", attendant)?;
                Some(held)
            }
        };
        Ok((contact, location))
    }

    /// The region of the job.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// What a job that was there already has otherwise; it keeps that.
    pub fn told_apart(&self, jobs: &[(Job, Written)]) -> Vec<String> {
        let mut told = Vec::new();
        for (job, _) in jobs {
            if !job.location.is_empty() && plain(&job.location) != plain(&self.location) {
                told.push(format!(
                    "job {} was made for {} and keeps it; {} is asked for",
                    job.name, job.location, self.location
                ));
            }
            let of = |own: &ReturnAddress| {
                [&own.recipient_name, &own.street_address_1, &own.city, &own.postal_code]
                    .map(|text| text.trim().to_lowercase())
            };
            let asked = of(&self.contact.return_address);
            if job.return_address.as_ref().is_some_and(|own| of(own) != asked) {
                let line = typed(["azseed", "job", "return-address", "--job", &job.name]);
                told.push(format!(
                    "job {} has another return address and keeps it; `{line} --contact FILE` changes \
                     it",
                    job.name
                ));
            }
        }
        told
    }

    /// Jobs of other names that have one of these drives and have not ended: a drive goes into one
    /// parcel. A service that does not list its jobs tells nothing against it.
    pub fn told_taken(
        service: &dyn JobService,
        job: &JobName,
        drives: &[DriveEntry],
    ) -> Vec<String> {
        let is_other = |own: &Job| {
            let name = own.name.parse::<JobName>().ok();
            let first = name.map(|name| first_name(&name).unwrap_or(name));
            !first.is_some_and(|first| first.as_str().eq_ignore_ascii_case(job.as_str()))
        };
        let all = service.list().unwrap_or_default();
        let others = all.iter().filter(|own| !own.state.stage.is_over() && is_other(own));
        let told = others.filter_map(|own| {
            let is_asked = |serial: &str| drives.iter().any(|own| own.serial.as_str() == serial);
            let taken = own.drives.iter().find(|drive| is_asked(&drive.serial))?;
            let lines = ["cancel", "delete"]
                .map(|word| typed(["azseed", "job", word, "--job", own.name.as_str()]));
            Some(format!(
                "drive {} is in job {} too, and it goes into one parcel; `{}` and `{}` end that job",
                taken.serial, own.name, lines[0], lines[1]
            ))
        });
        told.collect()
    }

    /// Refuses to make a job again whose parcel was sent, unless that is meant: the service forgets a job
    /// that ended long ago, and its drives have been read.
    pub fn expect_unsent(
        service: &dyn JobService,
        job: &JobName,
        sent: bool,
        attendant: &dyn Attendant,
    ) -> Result<(), Failure> {
        if !sent {
            return Ok(());
        }
        match service.find(job) {
            Err(Error::NoSuchJob { .. }) => {}
            found => return Ok(found.map(drop)?),
        }
        Ok(attendant.consent(&format!(
            "Would make job {job} again: its parcel was sent, and Azure has no such job any more, so \
             its drives may have been read long ago"
        ))?)
    }

    /// Who brings the drives back.
    pub fn carrier(&self) -> &str {
        &self.contact.return_carrier.carrier_name
    }

    /// Makes a job for every ten sealed drives, in the order of sealing.
    pub fn make_jobs(
        &self,
        service: &dyn JobService,
        job: &JobName,
        needed: &[&str],
        account: &AccountId,
        folder: &JournalFolder,
        keeper: &dyn SecretKeeper,
    ) -> Result<Vec<(Job, Written)>, Failure> {
        let _claim = match folder.claim_jobs() {
            // Jobs can be made of journals that can only be read.
            Err(disk_prep::journal::Error::NotWritable { .. }) => None,
            claim => Some(claim?),
        };
        let mut sealed: Vec<History> = folder.survey()?;
        // One that was released is not in the parcel.
        sealed.retain(|history| history.state == CopyState::Sealed);
        sealed.sort_by_key(|history| history.sealed.as_ref().map(|sealed| sealed.at));
        let of = |history: &History| {
            let sealed = history.sealed.as_ref()?;
            Some(entry(&history.begun, sealed, keeper))
        };
        let drives: Vec<DriveEntry> = sealed.iter().filter_map(of).collect::<Result<_, _>>()?;
        if drives.is_empty() {
            return Err(Error::NoDrives { job: job.clone() }.into());
        }
        if !needed.is_empty() {
            refuse_unreadable(job, needed, folder, &sealed)?;
        }
        self.create_all(service, job, account, &drives)
    }

    /// Makes a job for every ten of these drives. A job that is there keeps its own, and those that were
    /// sealed since go into the next one.
    pub fn create_all(
        &self,
        service: &dyn JobService,
        job: &JobName,
        account: &AccountId,
        drives: &[DriveEntry],
    ) -> Result<Vec<(Job, Written)>, Failure> {
        let (mut made, mut left) = (Vec::new(), drives.to_vec());
        while !left.is_empty() {
            let name = part_name(job, made.len())?;
            let drives = of_part(service, &name, &mut left)?;
            let job = NewJob {
                name,
                location: self.location.clone(),
                account: account.clone(),
                contact: self.contact.clone(),
                drives,
            };
            made.push(service.create(&job)?);
        }
        Ok(made)
    }
}

/// Takes the drives of a job: of one that is there its own, if all of them are of this parcel; else the
/// first ten.
fn of_part(
    service: &dyn JobService,
    name: &JobName,
    left: &mut Vec<DriveEntry>,
) -> Result<Vec<DriveEntry>, Error> {
    let there = match service.find(name) {
        Ok(job) => job.drives,
        Err(Error::NoSuchJob { .. }) => Vec::new(),
        Err(error) => return Err(error),
    };
    let is_there = |own: &DriveEntry| there.iter().any(|drive| drive.serial == own.serial.as_str());
    let known = left.iter().filter(|own| is_there(own)).count();
    if known > 0 && known == there.len() {
        let (own, rest) = left.drain(..).partition(is_there);
        *left = rest;
        return Ok(own);
    }
    let rest = left.split_off(left.len().min(DRIVES_PER_JOB));
    Ok(std::mem::replace(left, rest))
}

/// A parcel whose drives together lack what a repository is unreadable without is none.
fn refuse_unreadable(
    job: &JobName,
    needed: &[&str],
    folder: &JournalFolder,
    sealed: &[History],
) -> Result<(), Failure> {
    let mut copied = BTreeSet::new();
    let mut left_out = BTreeSet::new();
    for history in sealed {
        let plan = folder.read_plan(history)?;
        let Some(history) = folder.ends_of(&history.begun.serial)? else { continue };
        for (index, file) in plan.files.iter().enumerate().filter(|(_, file)| file.together()) {
            match history.files.is_copied(index) {
                true => copied.insert(file.source()),
                false => left_out.insert(file.source()),
            };
        }
    }
    let has = |part: &&&str| copied.iter().any(|source| source.starts_with(part));
    let parts = needed.iter().filter(|part| !has(part)).map(ToString::to_string);
    let files = left_out.difference(&copied).map(|source| source.display().to_string());
    let missing: Vec<String> = parts.chain(files).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::RepositoryIncomplete { job: job.clone(), missing }.into())
}

/// What a job needs of a sealed drive.
pub(super) fn entry(
    begun: &Begun,
    sealed: &Sealed,
    keeper: &dyn SecretKeeper,
) -> Result<DriveEntry, disk_prep::journal::Error> {
    Ok(DriveEntry {
        serial: begun.serial.clone(),
        recovery_password: begun.password(keeper)?,
        manifest_file: sealed.manifest.clone(),
        manifest_hash: sealed.manifest_hash.clone(),
        header_hash: sealed.header_hash.clone(),
    })
}
