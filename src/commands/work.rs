//! What is to be prepared: the seed of a staging path, or the rows of a `dataset.csv`. For the
//! latter there is no staging path; its journals lie in the state directory.

use std::path::{Path, PathBuf};

use disk_prep::dataset::{self, DataSet, RowsOptions, read_dataset, scan_rows};
use disk_prep::journal::JournalFolder;
use disk_prep::noun::{AccountName, ContainerName, JobName, ResourceGroup, SubscriptionId};
use disk_prep::sys::beneath::Folder;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::door::Door;
use super::stage::MissingFlag;
use super::{Failure, data_set};
use crate::cli::SourceArgs;
use crate::staging::{Seed, SeedKind, Staging, Target, check_unchanged};
use crate::state::State;

/// Files with destinations, and the folder that their journals lie in.
pub(super) struct Work {
    pub set: DataSet,
    pub job: JobName,
    /// What the files are.
    pub kind: SeedKind,
    /// The container, if it is one for all files.
    pub container: Option<ContainerName>,
    /// The staging path, if there is one.
    pub staging: Option<Staging>,
    /// Where the staging path is, or a folder of the state directory.
    pub home: PathBuf,
    /// Names the work in the state directory.
    pub id: Uuid,
    target: Option<Target>,
}

impl Work {
    /// What the flags name.
    pub fn open(args: &SourceArgs, state: &State, door: &Door<'_>) -> Result<Self, Failure> {
        match (&args.staging, &args.dataset) {
            (_, Some(csv)) => {
                door.consent().expect_none()?;
                Work::of_dataset(csv, args, state)
            }
            (Some(staging), None) => Work::of_seed(door.enter(staging)?),
            (None, None) => Err(MissingFlag { flag: "--staging" }.into()),
        }
    }

    fn of_seed(staging: Staging) -> Result<Self, Failure> {
        let seed = Seed::open(&staging)?;
        let set = data_set(&seed, &staging)?;
        if seed.kind == SeedKind::Repository {
            let has = |part: &&str| set.files.iter().any(|file| file.source.starts_with(part));
            let missing: Vec<&str> =
                ["config", "keys", "index"].into_iter().filter(|part| !has(part)).collect();
            if !missing.is_empty() {
                let (path, missing) = (set.root, missing.join(", "));
                return Err(crate::staging::Error::Incomplete { path, missing }.into());
            }
        }
        Ok(Work {
            set,
            job: seed.target.job.clone(),
            kind: seed.kind,
            container: Some(seed.target.container.clone()),
            home: staging.path().to_owned(),
            staging: Some(staging),
            id: seed.id,
            target: Some(seed.target),
        })
    }

    fn of_dataset(csv: &Path, args: &SourceArgs, state: &State) -> Result<Self, Failure> {
        let job = args.job.clone().ok_or(MissingFlag { flag: "--job" })?;
        let options = RowsOptions { csv: csv.to_owned(), job: job.clone() };
        let set = scan_rows(&read_dataset(csv)?, &options)?;
        if set.files.is_empty() {
            return Err(dataset::Error::NothingToCopy { root: csv.to_owned() }.into());
        }
        // The same job is the same work, wherever its rows stand.
        let digest = Sha256::digest(format!("dataset {job}"));
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        let id = Uuid::from_bytes(id);
        let (home, kind) = (state.job_folder(&job)?, SeedKind::Files);
        let (container, target) = (None, None);
        Ok(Work { set, staging: None, home, job, kind, container, id, target })
    }

    /// Refuses an adopted repository that somebody works on or that is not the one that was
    /// planned.
    pub fn check_unchanged(&self) -> Result<(), Failure> {
        match &self.staging {
            Some(staging) => Ok(check_unchanged(&Seed::open(staging)?, staging)?),
            None => Ok(()),
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

    /// What the seed says of the job, if there is a seed.
    pub fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    /// Account, subscription and group: the seed's, else those of the flags.
    pub fn azure(
        &self,
        args: &SourceArgs,
    ) -> Result<(AccountName, SubscriptionId, ResourceGroup), MissingFlag> {
        if let Some(target) = &self.target {
            let Target { storage_account, subscription, resource_group, .. } = target.clone();
            return Ok((storage_account, subscription, resource_group));
        }
        let missing = |flag| MissingFlag { flag };
        Ok((
            args.storage_account.clone().ok_or(missing("--storage-account"))?,
            args.subscription.clone().ok_or(missing("--subscription"))?,
            args.resource_group.clone().ok_or(missing("--resource-group"))?,
        ))
    }
}
