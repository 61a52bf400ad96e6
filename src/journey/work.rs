//! What is to be prepared: the seed of a staging path, or the rows of a `dataset.csv`. For the
//! latter there is no staging path; its journals lie in the state directory.

use std::fs::File;
use std::path::{Path, PathBuf};

use disk_prep::dataset::{
    self, DataSet, FileList, FilesOptions, ListedFile, Listing, RowsOptions, read_dataset, scan,
    scan_rows,
};
use disk_prep::journal::{CopyState, JournalFolder};
use disk_prep::noun::{
    AccountId, BlobType, ContainerName, Diagnose, ErrorKind, Hint, ImportDisposition, JobName,
    NamedAccount, ResourceGroup, Service, SubscriptionId,
};
use disk_prep::sys::beneath::Folder;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::connections::CURRENT_SERVICE;
use super::desk::Desk;
use super::settings::{Contradicted, Given, settle};
use super::share::meant;
use crate::outcome::{Attendant, Failure, MissingFlags, all};
use crate::repository::is_repository_path;
use crate::staging::{
    AtWork, Destination, Error as StagingError, Seed, SeedKind, SeedState, Staging,
    check_no_journal, check_unchanged, check_whole, drives_of, expect_there,
};
use crate::state::State;

/// What is to be prepared, and where it goes when no seed says it.
#[derive(Debug, Clone, Default)]
pub struct WorkOptions {
    /// The staging path.
    pub staging: Option<PathBuf>,
    /// The rows of a data set.
    pub dataset: Option<PathBuf>,
    /// The job of the data set.
    pub job: Option<Given<JobName>>,
    /// The account of the data set's job.
    pub storage_account: Option<NamedAccount>,
    /// The subscription of the data set's job.
    pub subscription: Option<Given<SubscriptionId>>,
    /// The group of the data set's job.
    pub resource_group: Option<Given<ResourceGroup>>,
    /// The service of the job.
    pub service: Option<Given<Service>>,
}

/// The folder of a repository's keys.
const KEYS: &str = "keys";

/// Keys that cannot be kept off the drives.
#[derive(Debug, thiserror::Error)]
enum HoldKeysError {
    #[error("There are no keys to hold back: only a repository has some")]
    NoRepository,
    #[error("Drives of job {job} are begun, and were planned with the keys of the repository")]
    Begun { job: JobName },
}

impl Diagnose for HoldKeysError {
    fn code(&self) -> &'static str {
        match self {
            HoldKeysError::NoRepository => "hold-keys-no-repository",
            HoldKeysError::Begun { .. } => "hold-keys-begun",
        }
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        let text = "leave `--hold-keys` out, or give those drives up with `azseed drive release SERIAL` first";
        matches!(self, HoldKeysError::Begun { .. }).then(|| Hint::new(text))
    }
}

/// Files with destinations, and the folder that their journals lie in.
#[derive(Debug)]
pub struct Work {
    pub set: DataSet,
    pub job: JobName,
    /// What the files are.
    pub kind: SeedKind,
    /// The parts that the drives have to bring together.
    pub needed: &'static [&'static str],
    /// Whether the keys of its repository go onto no drive.
    pub holds_keys: bool,
    /// The container, if it is one for all files.
    pub container: Option<ContainerName>,
    /// The staging path, if there is one.
    pub staging: Option<Staging>,
    /// Where the staging path is, or a folder of the state directory.
    pub home: PathBuf,
    /// Names the work in the state directory.
    pub id: Uuid,
    /// Block devices among the sources, which nobody else can take meanwhile.
    _devices: Vec<File>,
    /// Whether its data cannot be reached, and all of it is on sealed drives.
    is_away: bool,
    /// When its seed was finished.
    finished_at: Option<Timestamp>,
    /// Of a data set, where this machine saw its job last, if that is one place.
    seen: Option<(SubscriptionId, ResourceGroup, Service)>,
    target: Option<Destination>,
}

impl Work {
    /// What the flags name.
    pub fn open(options: &WorkOptions, desk: &Desk<'_>) -> Result<Self, Failure> {
        match (&options.staging, &options.dataset) {
            (_, Some(csv)) => {
                desk.consent.expect_none()?;
                let work = Work::of_dataset(csv, options, &desk.state()?)?;
                work.compare_flags(options, desk.attendant)?;
                Ok(work)
            }
            (Some(staging), None) => {
                let work = Work::of_seed(desk.enter(&meant(staging, desk)?)?)?;
                if work.kind == SeedKind::Files && !work.is_away {
                    expect_no_secrets(&work.set.root, &desk.state()?)?;
                }
                work.compare_flags(options, desk.attendant)?;
                Ok(work)
            }
            (None, None) => Err(MissingFlags::one("--staging").into()),
        }
    }

    /// What the seed of a staging path says.
    pub fn of_seed(staging: Staging) -> Result<Self, Failure> {
        let seed = Seed::open(&staging)?;
        let (mut set, is_away) = match away(&seed, &staging)? {
            Some(set) => (set, true),
            None => (data_set(&seed, &staging)?, false),
        };
        if seed.kind == SeedKind::Repository {
            let has = |part: &&str| set.files.iter().any(|file| file.source().starts_with(part));
            let missing: Vec<&str> =
                ["config", "keys", "index"].into_iter().filter(|part| !has(part)).collect();
            // What a vault has of it already, a seed that joins it does not bring again.
            if let (Some(vault), ["index"]) = (&seed.vault, &missing[..])
                && !has(&"data")
            {
                let (path, vault, id) = (set.root, vault.clone(), seed.id);
                return Err(StagingError::BringsNothing { path, vault, id }.into());
            }
            if !missing.is_empty() {
                let (path, missing) = (set.root, missing.join(", "));
                return Err(StagingError::Incomplete { path, missing }.into());
            }
        }
        let is_whole =
            check_whole(&seed, &set.root, set.files.len() as u64, set.files.total_bytes());
        // What drives that are begun lack of their files is named by them.
        if is_whole.is_err() && drives_of(&staging.journals())?.is_empty() {
            is_whole?;
        }
        if seed.hold_keys {
            set.files = without_keys(&set.files);
        }
        Ok(Work {
            set,
            job: seed.target.job.clone(),
            kind: seed.kind,
            needed: seed.needed(),
            holds_keys: seed.hold_keys,
            _devices: Vec::new(),
            container: Some(seed.target.container.clone()),
            home: staging.path().to_owned(),
            staging: Some(staging),
            id: seed.id,
            finished_at: seed.finished_at,
            is_away,
            seen: None,
            target: Some(seed.target),
        })
    }

    /// What the call says is what the seed says, or is not used. Account, container and
    /// subscription were compared where the staging path was entered.
    fn compare_flags(
        &self,
        options: &WorkOptions,
        attendant: &dyn Attendant,
    ) -> Result<(), Contradicted> {
        let seen = self.seen.clone().map(|(subscription, group, _)| (subscription, group));
        let held = |own: &Destination| (own.subscription.clone(), own.resource_group.clone());
        let (subscription, group) = self.target.as_ref().map(held).or(seen).unzip();
        let record = self.record();
        Contradicted::none_of([
            settle(options.job.clone(), Some(self.job.clone()), &record, attendant).map(drop),
            settle(options.subscription.clone(), subscription, &record, attendant).map(drop),
            settle(options.resource_group.clone(), group, &record, attendant).map(drop),
            self.service(options, attendant).map(drop),
        ])
    }

    fn record(&self) -> String {
        match &self.staging {
            Some(_) => format!("the seed in {} is for", self.home.display()),
            None => format!("job {} is in", self.job),
        }
    }

    fn of_dataset(csv: &Path, options: &WorkOptions, state: &State) -> Result<Self, Failure> {
        let job = options.job.as_ref().ok_or(MissingFlags::one("--job"))?.value.clone();
        let options = RowsOptions { csv: csv.to_owned(), job: job.clone() };
        let rows = read_dataset(csv)?;
        rows.iter().try_for_each(|row| expect_no_secrets(row.item.path(), state))?;
        let set = scan_rows(&rows, &options)?;
        expect_no_journals(&set)?;
        if set.files.is_empty() {
            return Err(dataset::Error::NothingToCopy { root: csv.to_owned() }.into());
        }
        let id = dataset_id(&job);
        let (home, kind) = (state.job_place(&job), SeedKind::Files);
        let (container, target, finished_at) = (None, None, None);
        let (needed, holds_keys): (&'static [&'static str], _) = (&[], false);
        let staging = None;
        let seen = state.jobs_remembered(&job)?.into_iter();
        let mut places: Vec<_> = seen.map(|own| (own.place.0, own.place.1, own.service)).collect();
        places.dedup();
        let seen = if places.len() == 1 { places.pop() } else { None };
        let held = set.hold_devices();
        let _devices =
            held.map_err(|source| dataset::Error::Scan { path: csv.to_owned(), source })?;
        Ok(Work {
            set,
            _devices,
            is_away: false,
            staging,
            home,
            job,
            kind,
            needed,
            holds_keys,
            container,
            id,
            finished_at,
            seen,
            target,
        })
    }

    /// Keeps the keys of the repository off the drives, as the call asks for it. What drives that are
    /// begun have cannot be taken off them.
    pub fn hold_keys(&mut self) -> Result<(), Failure> {
        if self.holds_keys {
            return Ok(());
        }
        let Some(staging) = self.staging.as_ref().filter(|_| self.kind == SeedKind::Repository)
        else {
            return Err(HoldKeysError::NoRepository.into());
        };
        if !drives_of(&staging.journals())?.is_empty() {
            return Err(HoldKeysError::Begun { job: self.job.clone() }.into());
        }
        let seed = Seed { hold_keys: true, ..Seed::open(staging)? };
        self.set.files = without_keys(&self.set.files);
        (self.holds_keys, self.needed) = (true, seed.needed());
        Ok(())
    }

    /// Closes the seed to machines that stage for as long as the value lives, once nothing else stops
    /// the first drive, and writes into it whether its keys are held back.
    pub fn close(&self) -> Result<Option<AtWork>, StagingError> {
        let Some(staging) = self.staging.as_ref() else { return Ok(None) };
        let keep = |seed: &mut Seed| seed.hold_keys |= self.holds_keys;
        Seed::fill(staging, self.finished_at, keep).map(Some)
    }

    /// Refuses an adopted repository that somebody works on or that is not the one that was
    /// planned.
    pub fn check_unchanged(&self) -> Result<(), StagingError> {
        match &self.staging {
            Some(staging) if !self.is_away => check_unchanged(&Seed::open(staging)?, staging),
            _ => Ok(()),
        }
    }

    /// Holds the data below a staging path for a run: whatever stands at its name by then, only
    /// this folder is read.
    pub fn hold(&mut self) -> Result<Option<Folder>, Failure> {
        let Some(staging) = &self.staging else { return Ok(None) };
        let Ok(below) = self.set.root.strip_prefix(staging.path()) else { return Ok(None) };
        let folder = staging
            .root()
            .folder(below)
            .map_err(|source| dataset::Error::Scan { path: self.set.root.clone(), source })?;
        self.set.root = folder.handle_path();
        Ok(Some(folder))
    }

    /// The journals.
    pub fn journals(&self) -> JournalFolder {
        match &self.staging {
            Some(staging) => staging.journals(),
            None => JournalFolder::new(self.home.join("journals")),
        }
    }

    /// The staging path, or the folder that stands for it, made if need be.
    pub fn home(&self, state: &State) -> Result<Staging, Failure> {
        match &self.staging {
            Some(staging) => Ok(staging.clone()),
            None => Ok(Staging::open(&state.job_folder(&self.job)?)?),
        }
    }

    /// Whether a parcel with drives of the seed was sent.
    pub fn was_sent(&self) -> Result<bool, StagingError> {
        match &self.staging {
            Some(staging) => Ok(!Seed::open(staging)?.parcels.is_empty()),
            None => Ok(false),
        }
    }

    /// What the seed says of the job, if there is a seed.
    pub fn target(&self) -> Option<&Destination> {
        self.target.as_ref()
    }

    /// The service of the job: the seed's, else that of the flags, else the current one.
    pub fn service(
        &self,
        options: &WorkOptions,
        attendant: &dyn Attendant,
    ) -> Result<Service, Contradicted> {
        let held = self.target.as_ref().map(Destination::service);
        let held = held.or(self.seen.as_ref().map(|(.., service)| *service));
        let service = settle(options.service.clone(), held, &self.record(), attendant)?;
        Ok(service.unwrap_or(CURRENT_SERVICE))
    }

    /// Account, subscription and group: the seed's, else those of the flags.
    pub fn azure(
        &self,
        options: &WorkOptions,
        attendant: &dyn Attendant,
    ) -> Result<(AccountId, SubscriptionId, ResourceGroup), Failure> {
        if let Some(target) = &self.target {
            let Destination { subscription, resource_group, .. } = target.clone();
            return Ok((target.account_id(), subscription, resource_group));
        }
        let (subscription, group) = self.seen.clone().map(|(own, at, _)| (own, at)).unzip();
        let record = self.record();
        let subscription = settle(options.subscription.clone(), subscription, &record, attendant)?;
        let group = settle(options.resource_group.clone(), group, &record, attendant)?;
        let (account, subscription, group) = all(
            ("--storage-account", options.storage_account.as_ref()),
            ("--subscription", subscription),
            ("--resource-group", group),
        )?;
        Ok((account.in_group(&subscription, &group), subscription, group))
    }
}

/// What a job without a staging path is remembered by: the same job is the same work, wherever its rows
/// stand.
pub fn dataset_id(job: &JobName) -> Uuid {
    let digest = Sha256::digest(format!("dataset {job}"));
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    Uuid::from_bytes(id)
}

/// The files without the keys of their repository.
fn without_keys(files: &FileList) -> FileList {
    files.keep(|file| !file.source().starts_with(KEYS))
}

/// The files of a seed as the plans of its sealed drives have them, if its data is away and all of it
/// is there.
fn away(seed: &Seed, staging: &Staging) -> Result<Option<DataSet>, Failure> {
    let Err(error) = expect_there(seed) else { return Ok(None) };
    let folder = staging.journals();
    let mut lists = Vec::new();
    for history in folder.survey()? {
        if history.state != CopyState::Sealed {
            continue;
        }
        let files = folder.read_plan(&history)?.files;
        let is_copied = |at: &usize| {
            *files.at(*at).listing() != Listing::SideFile && !history.files.is_left_out(*at)
        };
        lists.push(files.select((0..files.len()).filter(is_copied)));
    }
    let files = FileList::together(lists);
    let root = seed.data.clone();
    if check_whole(seed, &root, files.len() as u64, files.total_bytes()).is_err() {
        return Err(error.into());
    }
    // Nothing is read of it any more, so that nothing lies in it.
    let (root, empty_folders, folders) = (PathBuf::from("/"), Vec::new(), Vec::new());
    Ok(Some(DataSet { root, files, empty_folders, folders }))
}

/// The files of a finished seed, with their places on a drive and in the container.
pub fn data_set(seed: &Seed, staging: &Staging) -> Result<DataSet, Failure> {
    let path = || staging.path().to_owned();
    match seed.state {
        SeedState::Finished => {}
        SeedState::Unfinished => {
            return Err(seed.unfinished(staging).into());
        }
        SeedState::Cleared => return Err(StagingError::Cleared { path: path() }.into()),
    }
    let is_repository = seed.kind == SeedKind::Repository;
    let job: JobName = seed.target.job.clone();
    let options = FilesOptions {
        job,
        container: seed.target.container.clone(),
        prefix: seed.target.prefix.clone(),
        blob_type: if seed.workload.is_some() { BlobType::PageBlob } else { BlobType::BlockBlob },
        disposition: if is_repository {
            ImportDisposition::Overwrite
        } else {
            ImportDisposition::NoOverwrite
        },
        never: if is_repository { &["locks"] } else { &[] },
        only: is_repository.then_some(is_repository_path),
        together: if is_repository { &["config", "keys", "index", "snapshots"] } else { &[] },
    };
    expect_there(seed)?;
    let data = staging.data(seed)?;
    data.open()?;
    let set = scan(&data.path(), &options)?;
    data.check_names(set.files.iter().map(ListedFile::source))?;
    if set.files.is_empty() {
        return Err(dataset::Error::NothingToCopy { root: set.root }.into());
    }
    if !is_repository {
        expect_no_journals(&set)?;
    }
    Ok(set)
}

/// Refuses journals of drives among files that go to Azure as they are. Of millions of names only
/// those are made paths of that may be one.
fn expect_no_journals(set: &DataSet) -> Result<(), StagingError> {
    let mut may_be = set.files.iter().filter(|file| file.path_parts().1.ends_with(".journal"));
    may_be.try_for_each(|file| check_no_journal(&set.root, &file.source()))
}

/// Refuses what has the keys and passwords of this machine in it, where it goes to Azure as it is.
pub(super) fn expect_no_secrets(path: &Path, state: &State) -> Result<(), StagingError> {
    match state.has_secrets_at(path) {
        true => Err(StagingError::Secrets { path: path.to_owned() }),
        false => Ok(()),
    }
}
