//! What this machine knows of a vault.

use std::path::PathBuf;

use disk_prep::noun::{
    AccountName, ContainerName, JobName, KeepRule, ProgramLine, ResourceGroup, Schedule, Service,
    SubscriptionId, VaultName, ZoneName,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::Error;
use crate::policy::{Policy, Retention};
use crate::repository::{ASIDE, Choice};

/// Version of the record that this program writes: before the second every vault had a seed and a
/// file with its password.
pub const VERSION: u32 = 2;

/// A vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vault {
    /// Version of the record.
    pub version: u32,
    /// Its name.
    pub name: VaultName,
    /// The storage account.
    pub storage_account: AccountName,
    /// The container.
    pub container: ContainerName,
    /// Stands before every blob of the repository; ends in a slash.
    pub prefix: String,
    /// The service of the seed's job; a record of an earlier program has none: the classic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// The subscription of the seed's job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<SubscriptionId>,
    /// The resource group of the seed's job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_group: Option<ResourceGroup>,
    /// The seed that it waits for, or has taken in; none that this machine knows of, if the vault
    /// was attached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<SeedLink>,
    /// File with the repository's password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// A program that says the repository's password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_command: Option<ProgramLine>,
    /// When increments are made.
    #[serde(default)]
    pub schedule: Schedule,
    /// Which snapshots are kept; all, if nothing is said.
    #[serde(default)]
    pub retention: Retention,
    /// On which days snapshots are kept beside these, and for how long.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<KeepRule>,
    /// The zone in which days and turns are counted, if not that of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<ZoneName>,
    /// How the last run ended that did or tried something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<LastRun>,
    /// What of its sources is taken since that was last said; `None` if it is as in the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filters: Option<Choice>,
    /// When the policy was last set; `None` if it is as the vault was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_at: Option<Timestamp>,
    /// Ids of the leases that the last runs had or asked for, for the next run of the same
    /// machine only.
    #[serde(default)]
    pub leases: Vec<Uuid>,
    /// The machine, kernel start and state directory that these runs were of.
    #[serde(default)]
    pub lease_holder: Option<String>,
    /// Counts the changes of this record.
    #[serde(default)]
    pub generation: u64,
    /// When the seed was taken in.
    #[serde(default)]
    pub ingested_at: Option<Timestamp>,
    /// When this machine found its repository, if the vault was attached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attached_at: Option<Timestamp>,
    /// Since when the seed of this machine joins the vault, which had a repository before, as long as
    /// it is not taken in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joins_since: Option<Timestamp>,
    /// When the last increment was made.
    #[serde(default)]
    pub incremented_at: Option<Timestamp>,
    /// When the last of them was made that can be restored already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restorable_at: Option<Timestamp>,
    /// Increments that this machine has made since the seed was staged and whose snapshots are
    /// kept aside until it is taken in.
    #[serde(default, skip_serializing_if = "is_none")]
    pub kept_aside: u64,
    /// When the imported container was cleared.
    #[serde(default)]
    pub cleaned_at: Option<Timestamp>,
    /// Sources that were added to those of the seed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<PathBuf>,
    /// Sources that are not backed up any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<PathBuf>,
    /// Those of them whose snapshots may go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub let_go: Vec<PathBuf>,
    /// What is known of each source, from the first increment on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<KnownSource>,
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

/// Begins the names of blobs that vaults keep beside the repository.
const RECORDS: &str = "azseed/";

impl Vault {
    /// A vault of which nothing is known but its name and where it lies.
    pub fn at(
        name: VaultName,
        storage_account: AccountName,
        container: ContainerName,
        prefix: String,
    ) -> Self {
        Vault {
            version: VERSION,
            name,
            storage_account,
            container,
            prefix,
            service: None,
            subscription: None,
            resource_group: None,
            seed: None,
            password_file: None,
            password_command: None,
            schedule: Schedule::default(),
            retention: Retention::default(),
            keep: Vec::new(),
            time_zone: None,
            filters: None,
            policy_at: None,
            last_run: None,
            leases: Vec::new(),
            lease_holder: None,
            generation: 0,
            ingested_at: None,
            attached_at: None,
            joins_since: None,
            incremented_at: None,
            restorable_at: None,
            kept_aside: 0,
            cleaned_at: None,
            added: Vec::new(),
            removed: Vec::new(),
            let_go: Vec::new(),
            sources: Vec::new(),
        }
    }

    /// Which snapshots are kept.
    pub fn policy(&self) -> Policy {
        Policy { counts: self.retention, rules: self.keep.clone() }
    }

    /// The account that the seed is imported to.
    pub fn seed_account(&self) -> &AccountName {
        let of_seed = self.seed.as_ref().and_then(|seed| seed.storage_account.as_ref());
        of_seed.unwrap_or(&self.storage_account)
    }

    /// Whether a blob of its container is part of its repository, or one of its own records.
    pub fn owns(&self, blob: &str) -> bool {
        blob.starts_with(&self.prefix) || blob.starts_with(RECORDS)
    }

    /// Whether the imported container is the vault's own, so that what is imported stays there.
    pub fn is_in_place(&self) -> bool {
        self.seed.as_ref().is_some_and(|seed| {
            seed.storage_account.is_none()
                && self.container == seed.container
                && self.prefix == seed.prefix
        })
    }

    /// The seed.
    pub fn seed(&self) -> Result<&SeedLink, Error> {
        self.seed.as_ref().ok_or_else(|| Error::NoSeed { vault: self.name.clone() })
    }

    /// What its seed was made of; none if it has no seed.
    pub fn seed_sources(&self) -> &[PathBuf] {
        self.seed.as_ref().map_or(&[], |seed| &seed.sources)
    }

    /// Every path in it.
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        let sources = self.sources.iter().flat_map(|own| [&own.path].into_iter().chain(&own.mount));
        let seed = self.seed.iter().flat_map(|own| [&own.staging].into_iter().chain(&own.sources));
        let changes = self.added.iter().chain(&self.removed).chain(&self.let_go);
        sources.chain(seed).chain(changes).chain(&self.password_file)
    }

    /// What of its sources is taken.
    pub fn choice(&self) -> Choice {
        let seed = || self.seed.as_ref().map(|seed| seed.choice.clone());
        self.filters.clone().or_else(seed).unwrap_or_default()
    }

    /// The seed is taken in, so all that was kept aside for it can be restored.
    pub fn none_is_aside(&mut self) {
        if self.kept_aside > 0 {
            self.restorable_at = self.incremented_at;
        }
        (self.joins_since, self.kept_aside) = (None, 0);
    }

    /// Whether a seed of this machine is not taken in yet.
    pub fn awaits_seed(&self) -> bool {
        self.joins_since.is_some() || !self.has_repository()
    }

    /// Stands before snapshots that are kept aside until the seed is taken in. Seeds that join are on
    /// their way at the same time, and what follows one of them is not whole with another.
    pub fn aside(&self) -> String {
        match self.seed.as_ref().filter(|_| self.joins_since.is_some()) {
            Some(seed) => format!("{ASIDE}{}/", seed.id),
            None => ASIDE.to_owned(),
        }
    }

    /// Whether it has a repository that can be read.
    pub fn has_repository(&self) -> bool {
        self.ingested_at.is_some() || self.attached_at.is_some()
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// When.
    pub at: Timestamp,
    /// Its exit code.
    pub exit_code: i32,
    /// The code of what went wrong, if it stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What went wrong, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A seed as the vault knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeedLink {
    /// The seed's own name.
    pub id: Uuid,
    /// Its import job; more than ten drives are several, of names that follow from this one.
    pub job: JobName,
    /// The account it is imported to, if that is another than the vault's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_account: Option<AccountName>,
    /// The container it is imported to.
    pub container: ContainerName,
    /// Stands before its blobs.
    pub prefix: String,
    /// Its staging path, where this machine saw it last.
    pub staging: PathBuf,
    /// The name that this machine has staged under; if nobody knows it, the snapshots tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What was backed up, absolute on the source machine.
    pub sources: Vec<PathBuf>,
    /// What of it was taken.
    #[serde(flatten)]
    pub choice: Choice,
}

/// What this machine knows of a source since its last backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownSource {
    /// The source.
    pub path: PathBuf,
    /// Where the file system that it lies on was mounted.
    #[serde(default)]
    pub mount: Option<PathBuf>,
    /// What it held when it was last backed up and had not shrunk.
    pub files: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// The newest snapshot of it that this machine has made, which no policy lets go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// Whether it has shrunk since, and nobody has accepted that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_shrunk: bool,
    /// Whether the next run takes it as it finds it, empty or gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_accepted: bool,
}

impl KnownSource {
    /// A source that held so much when it was looked at.
    pub(super) fn new(path: PathBuf, files: u64, bytes: u64) -> Self {
        KnownSource {
            path,
            mount: None,
            files,
            bytes,
            snapshot: None,
            is_shrunk: false,
            is_accepted: false,
        }
    }
}

/// How far a vault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VaultState {
    /// Nothing was shipped.
    AwaitingSeed,
    /// The drives are on their way, or being read.
    SeedInTransit,
    /// The import is done and not yet taken in.
    Ingesting,
    /// The seed is taken in; increments go on.
    Protected,
}

impl VaultState {
    /// The word for a person.
    pub fn word(self) -> &'static str {
        match self {
            VaultState::AwaitingSeed => "awaiting seed",
            VaultState::SeedInTransit => "seed in transit",
            VaultState::Ingesting => "ingesting",
            VaultState::Protected => "protected",
        }
    }
}
