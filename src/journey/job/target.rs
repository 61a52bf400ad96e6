//! Which job is meant, and the service that has it.

use std::path::{Path, PathBuf};

use disk_prep::noun::{
    Diagnose, ErrorKind, Hint, JobId, JobName, NamedAccount, NamedJob, ResourceGroup, Service,
    SubscriptionId, count,
};

use super::file;

use crate::import_job::{Error, Job, JobService, first_name, parts};
use crate::journey::connections::{AzureOptions, job_service};
use crate::journey::desk::Desk;
use crate::journey::settings::{Contradicted, Given, Origin, settle};
use crate::journey::share::meant;
use crate::outcome::{Attendant, Failure, MissingFlags, Said, both};
use crate::staging::{Destination, Error as StagingError, Seed, Staging};

/// What is said of a job.
#[derive(Debug, Clone)]
pub struct JobOptions {
    /// Its name.
    pub job: Option<JobName>,
    /// The staging path of its seed.
    pub staging: Option<Given<PathBuf>>,
    /// The service that has it.
    pub service: Option<Given<Service>>,
    /// The subscription it is in.
    pub subscription: Option<Given<SubscriptionId>>,
    /// The group it is in.
    pub resource_group: Option<Given<ResourceGroup>>,
    /// The storage account of a job that no seed is for.
    pub storage_account: Option<NamedAccount>,
    /// Where Azure is.
    pub azure: AzureOptions,
}

impl JobOptions {
    /// The same with the job that is named, by its name, its id or its file. What an id or a file
    /// says counts as said on the command line; another word there contradicts it.
    pub fn naming(
        mut self,
        named: Option<NamedJob>,
        job_file: Option<&Path>,
        attendant: &dyn Attendant,
    ) -> Result<Self, Failure> {
        match named {
            Some(NamedJob::Name(name)) => self.job = Some(name),
            Some(NamedJob::Id(id)) => {
                self.place(&id, "--job", "the id of --job says", attendant)?
            }
            None => {}
        }
        if let Some(path) = job_file {
            let (id, record) = (file::read(path)?, format!("{} says", path.display()));
            self.place(&id, "--job-file", &record, attendant)?;
        }
        Ok(self)
    }

    fn place(
        &mut self,
        id: &JobId,
        flag: &str,
        record: &str,
        attendant: &dyn Attendant,
    ) -> Result<(), Failure> {
        let JobId { subscription, resource_group, service, job } = id.clone();
        let typed = |name: JobName| Given {
            value: name,
            origin: Origin::CommandLine,
            name: "--job".to_owned(),
        };
        self.job = settle(self.job.take().map(typed), Some(job), record, attendant)?;
        let held = Some(subscription);
        let value = settle(self.subscription.take(), held, record, attendant)?;
        self.subscription = value.map(|value| said_by(flag, value));
        let held = Some(resource_group);
        let value = settle(self.resource_group.take(), held, record, attendant)?;
        self.resource_group = value.map(|value| said_by(flag, value));
        let value = settle(self.service.take(), Some(service), record, attendant)?;
        self.service = value.map(|value| said_by(flag, value));
        Ok(())
    }
}

fn said_by<T>(flag: &str, value: T) -> Given<T> {
    Given { value, origin: Origin::CommandLine, name: flag.to_owned() }
}

/// A job in a question.
pub fn described(job: &Job) -> String {
    format!("job {}, which is {} and has {}", job.name, job.state, count(job.drives.len(), "drive"))
}

/// None is named, and this machine knows several.
#[derive(Debug, thiserror::Error)]
#[error("This machine knows several seeds, and the command line names none: {}", told(seeds))]
pub struct WhichSeed {
    /// The job of each, and where it is.
    pub seeds: Vec<(JobName, PathBuf)>,
}

fn told(seeds: &[(JobName, PathBuf)]) -> String {
    let one = |(job, path): &(JobName, PathBuf)| format!("{job} in {}", path.display());
    seeds.iter().map(one).collect::<Vec<_>>().join(", ")
}

impl Diagnose for WhichSeed {
    fn code(&self) -> &'static str {
        "which-job"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("name the job with `--job`, or its staging path with `--staging`"))
    }
}

/// Which job is meant: what the flags say, else what the seed says.
#[derive(Debug)]
pub struct MeantJob<'a> {
    flags: &'a JobOptions,
    /// The seed, if one is known.
    pub seed: Option<(Seed, Staging)>,
    /// The seeds that may be meant where none is named and several are known.
    open: Vec<(JobName, PathBuf)>,
    /// The job of the only data set that this machine knows, and it knows no seed.
    alone: Option<JobName>,
}

impl<'a> MeantJob<'a> {
    /// The staging path that was named, else the one that this machine remembers for the job. A
    /// job that is named with its subscription and group needs none.
    pub fn new(flags: &'a JobOptions, desk: &Desk<'_>) -> Result<Self, Failure> {
        let is_typed = |origin: Option<Origin>| origin == Some(Origin::CommandLine);
        let is_reached = is_typed(flags.subscription.as_ref().map(|given| given.origin))
            && is_typed(flags.resource_group.as_ref().map(|given| given.origin));
        let (mut open, mut alone) = (Vec::new(), None);
        let seed = match named_seed(flags, desk)? {
            Some(seed) => Some(seed),
            None if is_reached => None,
            None => {
                let state = desk.state()?;
                if flags.job.is_none() {
                    open = state.seeds_known()?;
                }
                let mut known = state.staging_of(flags.job.as_ref())?;
                if let (None, Some(first)) = (&known, flags.job.as_ref().and_then(first_name)) {
                    known = state.staging_of(Some(&first))?;
                }
                // The folder of a dataset.csv has no seed; the flags must say where its job is.
                let seed = |staging: Staging| Ok(Seed::find(&staging)?.map(|seed| (seed, staging)));
                let known = known.map(|path| desk.enter(&path)).transpose()?;
                let found: Result<_, StagingError> = known.map_or(Ok(None), seed);
                found?
            }
        };
        if seed.is_some() || open.len() < 2 {
            alone = open.pop().map(|(job, _)| job).filter(|_| seed.is_none());
            open.clear();
        }
        Ok(MeantJob { flags, seed, open, alone })
    }

    /// A job that no seed of this machine is for, all of it said by the flags.
    pub(super) fn without_seed(flags: &'a JobOptions) -> Self {
        MeantJob { flags, seed: None, open: Vec::new(), alone: None }
    }

    /// Refuses if no job was named and the seed is not the only one that this machine knows.
    pub fn be_the_only_one(&self, desk: &Desk<'_>) -> Result<(), Failure> {
        let (None, Some((seed, _))) = (&self.flags.job, &self.seed) else { return Ok(()) };
        let state = desk.state()?;
        match state.knows_others(seed.id)? {
            true => Err(WhichSeed { seeds: state.seeds_known()? }.into()),
            false => Ok(()),
        }
    }

    /// The service in which a job is made that no seed is for: one that has it already, else the
    /// current one.
    pub(super) fn service_for_new(&self, desk: &Desk<'_>) -> Result<Box<dyn JobService>, Failure> {
        let mut services = self.services(desk)?;
        for at in 1..services.len() {
            let Some(name) = &self.flags.job else { break };
            if !known(services[at].find(name).map(|job| vec![job]))?.is_empty() {
                return Ok(services.swap_remove(at));
            }
        }
        Ok(services.swap_remove(0))
    }

    /// Words that name a job as this call did, for another command.
    pub fn which(&self, job: &JobName) -> Vec<String> {
        let JobOptions { subscription, resource_group, .. } = self.flags;
        let mut said = vec![("--job", Some(job.to_string()))];
        match &self.seed {
            Some((_, staging)) => {
                said.push(("--staging", Some(staging.path().display().to_string())));
            }
            None => said.extend([
                ("--subscription", subscription.as_ref().map(|own| own.value.to_string())),
                ("--resource-group", resource_group.as_ref().map(|own| own.value.to_string())),
            ]),
        }
        let words = |(flag, value): (&str, Option<String>)| Some([flag.to_owned(), value?]);
        said.into_iter().filter_map(words).flatten().collect()
    }

    /// The seeds that may be meant, where none is named and several are known.
    pub(super) fn open_seeds(&self) -> &[(JobName, PathBuf)] {
        &self.open
    }

    /// Refuses where none is named and several are known.
    fn expect_meant(&self) -> Result<(), WhichSeed> {
        match self.open.is_empty() {
            true => Ok(()),
            false => Err(WhichSeed { seeds: self.open.clone() }),
        }
    }

    /// What the command line says.
    pub(super) fn flags(&self) -> &JobOptions {
        self.flags
    }

    fn of_seed<T>(&self, pick: impl Fn(&Destination) -> T) -> Option<T> {
        self.seed.as_ref().map(|(seed, _)| pick(&seed.target))
    }

    /// The job that was named, else the only one of the seed.
    pub fn job(&self, service: &dyn JobService) -> Result<JobName, Failure> {
        if let Some(named) = &self.flags.job {
            return Ok(named.clone());
        }
        let job = self.seed_job()?;
        let jobs = parts(&job, service.list()?);
        if jobs.len() > 1 {
            let jobs = jobs.into_iter().map(|job| job.name).collect();
            return Err(Error::SeveralJobs { jobs }.into());
        }
        Ok(job)
    }

    /// The job that was named.
    pub fn named(&self) -> Option<&JobName> {
        self.flags.job.as_ref()
    }

    /// The job of the seed, the first if it has several.
    pub fn seed_job(&self) -> Result<JobName, Failure> {
        self.expect_meant()?;
        let job = self.of_seed(|seed| seed.job.clone()).or_else(|| self.alone.clone());
        Ok(job.ok_or(MissingFlags::one("--job"))?)
    }

    /// Refuses a job that is named and is none of the seed's.
    pub(super) fn expect_seed_job(&self, desk: &Desk<'_>) -> Result<(), Contradicted> {
        let held = self.of_seed(|seed| seed.job.clone());
        let named = self.flags.job.clone().filter(|named| held != first_name(named));
        let typed = named.map(|named| said_by("--job", named));
        settle(typed, held, &self.record(), desk.attendant).map(drop)
    }

    /// The service that has the job: the one that is named, the seed's, else whichever knows the
    /// job.
    pub fn service(&self, desk: &Desk<'_>) -> Result<Box<dyn JobService>, Failure> {
        match self.flags.job.as_ref().or(self.alone.as_ref()) {
            Some(name) => self.service_of(name, desk),
            None => Ok(self.services(desk)?.swap_remove(0)),
        }
    }

    /// The service that has this job.
    pub fn service_of(
        &self,
        name: &JobName,
        desk: &Desk<'_>,
    ) -> Result<Box<dyn JobService>, Failure> {
        let mut services = self.services(desk)?;
        if services.len() > 1 {
            let mut having = Vec::new();
            for service in services {
                if known(service.find(name).map(|job| vec![job]))?.is_empty() {
                    continue;
                }
                having.push(service);
            }
            match having.len() {
                0 => return Err(Error::NoSuchJob { job: name.clone() }.into()),
                1 => {}
                _ => return Err(Error::InBothServices { job: name.clone() }.into()),
            }
            services = having;
        }
        Ok(services.swap_remove(0))
    }

    /// Every service that may have the job, the current one first.
    pub fn services(&self, desk: &Desk<'_>) -> Result<Vec<Box<dyn JobService>>, Failure> {
        let held = self.of_seed(Destination::service);
        let service = settle(self.flags.service.clone(), held, &self.record(), desk.attendant)?;
        self.open(&service.map_or(Service::ALL.to_vec(), |own| vec![own]), desk)
    }

    /// All jobs of the subscription in both services. One of them may not let its jobs be seen; that
    /// is told.
    pub fn of_subscription(&self, desk: &Desk<'_>) -> Result<Vec<Job>, Failure> {
        let (mut all, mut failed) = (Vec::new(), Vec::new());
        for service in self.open(&Service::ALL, desk)? {
            match known(service.of_subscription()) {
                Ok(jobs) => all.push(jobs),
                Err(error) => failed.push((service.service(), error)),
            }
        }
        for (service, error) in failed {
            if all.is_empty() || error.kind() == ErrorKind::Unreachable {
                return Err(error.into());
            }
            desk.attendant.warn(&format!(
                "The jobs of {service} cannot be listed, so nothing is known of their tracking \
                 numbers: {error}"
            ));
        }
        Ok(all.into_iter().flatten().collect())
    }

    /// The subscription and the group of the job: what is said, else, of a job that is named and has no
    /// seed, where this machine saw it last.
    pub(super) fn place(
        &self,
        desk: &Desk<'_>,
    ) -> Result<(SubscriptionId, ResourceGroup), Failure> {
        let (mut subscription, mut group) = self.place_said(desk)?;
        if subscription.1.is_none() || group.1.is_none() {
            self.expect_meant()?;
        }
        let job = self.flags.job.as_ref().or(self.alone.as_ref());
        if let (None, Some(job), None) = (&self.seed, job, &group.1) {
            let seen = desk.state()?.jobs_remembered(job)?;
            let mut places: Vec<_> = seen.into_iter().map(|own| own.place).collect();
            places.dedup();
            let mut places = places.into_iter();
            if let (Some(place), None) = (places.next(), places.next())
                && subscription.1.as_ref().is_none_or(|own| *own == place.0)
            {
                (subscription.1, group.1) = (Some(place.0), Some(place.1));
            }
        }
        Ok(both(subscription, group)?)
    }

    /// The same, if they are known, with their flags.
    pub(super) fn place_said(
        &self,
        desk: &Desk<'_>,
    ) -> Result<(Said<SubscriptionId>, Said<ResourceGroup>), Failure> {
        let (flags, attendant, record) = (self.flags, desk.attendant, self.record());
        let held = self.of_seed(|seed| seed.subscription.clone());
        let subscription = settle(flags.subscription.clone(), held, &record, attendant)?;
        let held = self.of_seed(|seed| seed.resource_group.clone());
        let group = settle(flags.resource_group.clone(), held, &record, attendant)?;
        Ok((("--subscription", subscription), ("--resource-group", group)))
    }

    fn record(&self) -> String {
        let place = self.seed.as_ref().map(|(_, staging)| staging.path().display());
        place.map_or(String::new(), |path| format!("the seed in {path} is for"))
    }

    fn open(
        &self,
        services: &[Service],
        desk: &Desk<'_>,
    ) -> Result<Vec<Box<dyn JobService>>, Failure> {
        let (flags, attendant) = (self.flags, desk.attendant);
        let (subscription, group) = self.place(desk)?;
        let open = |&service: &Service| {
            let (subscription, group) = (subscription.clone(), group.clone());
            Ok(job_service(service, &flags.azure, subscription, group, attendant)?)
        };
        services.iter().map(open).collect()
    }
}

/// The seed of the staging path that is named; one that a variable or a file names is not used for a
/// job of another seed.
fn named_seed(flags: &JobOptions, desk: &Desk<'_>) -> Result<Option<(Seed, Staging)>, Failure> {
    let Some(given) = &flags.staging else { return Ok(None) };
    let staging = desk.enter(&meant(&given.value, desk)?)?;
    let seed = Seed::open(&staging)?;
    let held = &seed.target.job;
    let is = |name: &JobName| name.as_str().eq_ignore_ascii_case(held.as_str());
    let is_its = |named: &JobName| is(named) || first_name(named).as_ref().is_some_and(is);
    if given.is_typed() || flags.job.as_ref().is_none_or(is_its) {
        return Ok(Some((seed, staging)));
    }
    let (name, path) = (&given.name, given.value.display());
    desk.attendant.tell_unused(&format!("{name} is not used: the seed in {path} is for {held}"));
    Ok(None)
}

/// For what ends a job or sends its parcel, the job or its staging path is named, or there is only
/// one; if both are, they are of one seed.
pub fn exact<'a>(
    options: &'a JobOptions,
    is_staging_named: bool,
    desk: &Desk<'_>,
) -> Result<MeantJob<'a>, Failure> {
    let target = MeantJob::new(options, desk)?;
    if !is_staging_named {
        target.be_the_only_one(desk)?;
    }
    target.expect_seed_job(desk)?;
    Ok(target)
}

/// Jobs of a service that the subscription may never have used: then there are none.
pub fn known(jobs: Result<Vec<Job>, Error>) -> Result<Vec<Job>, Error> {
    match jobs {
        Err(Error::NoSuchJob { .. }) => Ok(Vec::new()),
        Err(Error::Azure(error)) if error.is_unregistered() => Ok(Vec::new()),
        jobs => jobs,
    }
}
