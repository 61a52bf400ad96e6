//! A seed that joins a vault which has a repository (`design` 7): it takes over configuration and
//! keys, holds what the vault does not have, and is taken in beside what is there. What can refuse
//! it is looked at before anything is made.

use std::sync::Arc;

use disk_prep::noun::VaultName;
use jiff::Timestamp;
use secrecy::SecretString;

use super::connections::{AzureOptions, BlobAccess};
use super::desk::Desk;
use super::settings::{Given, Origin};
use super::vault::{failed, open_container};
use super::vault_meant::{VaultOptions, find};
use super::vault_password::{PasswordGiven, absolute, kept, password};
use super::vault_writer::Writer;
use crate::azure::Container;
use crate::escrow::PasswordSource;
use crate::outcome::Failure;
use crate::repository::{BlobStore, Choice, Repository};
use crate::staging::{Destination, Seed, Staging};
use crate::vault::{Error, SeedLink, Vault, is_joining, join, taken_in, this_host};

/// Which vault a seed joins, and where Azure is.
#[derive(Debug, Clone)]
pub struct JoinOptions {
    /// Its name.
    pub vault: Option<Given<VaultName>>,
    /// Where Azure is.
    pub azure: AzureOptions,
    /// Where blobs are.
    pub blobs: BlobAccess,
    /// Where the call says the password is.
    pub password: PasswordGiven,
    /// Flags of the call that only a new repository has a use for.
    pub idle: Vec<&'static str>,
}

/// A vault that a seed joins, opened.
#[derive(Debug)]
pub struct Joint {
    vault: Vault,
    container: Arc<dyn Container>,
    /// The password of its repository.
    pub secret: SecretString,
}

/// What a seed asks of the vault that it joins.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The seed that is there.
    pub seed: Option<&'a Seed>,
    /// Where it goes.
    pub target: &'a Destination,
    /// What of its sources is taken.
    pub choice: &'a Choice,
    /// The staging path.
    pub staging: &'a std::path::Path,
}

impl Joint {
    /// The vault that the seed joins: the one that its record names, else the one that the call
    /// names. A variable that names a vault without a repository is about the vault that this seed
    /// will begin.
    pub fn find(
        options: &JoinOptions,
        asked: Asked<'_>,
        desk: &Desk<'_>,
    ) -> Result<Option<Self>, Failure> {
        let Some(name) = named(options, asked, desk)? else { return Ok(None) };
        let own = VaultOptions {
            vault: Some(name),
            staging: None,
            azure: options.azure.clone(),
            blobs: options.blobs.clone(),
            seed_sas_file: None,
            password: options.password.clone(),
        };
        let vault = find(&own, &desk.state()?)?;
        let name = || vault.name.clone();
        if !vault.has_repository() {
            return Err(Error::AwaitsSeed { vault: name() }.into());
        }
        check_record(&vault, asked)?;
        if let Some(flag) = options.idle.first() {
            return Err(Error::RepositorySettled { vault: name(), flag }.into());
        }
        let container = open_container(&vault, &own, desk)?;
        let config = format!("{}config", vault.prefix);
        let facts = container.facts(&config);
        if facts.map_err(|source| Error::Blob { path: config, source })?.is_none() {
            let Vault { storage_account, container, prefix, .. } = &vault;
            let place = format!("{storage_account}/{container}/{prefix}");
            return Err(Error::NothingThere { place }.into());
        }
        let secret = password(&vault, &options.password, desk)?;
        let joint = Joint { vault, container, secret };
        let opened = Repository::open(joint.base(), &joint.secret, desk.attendant.monitor());
        opened.map_err(|source| failed(&joint.vault, source))?;
        Ok(Some(joint))
    }

    /// Its name.
    pub fn name(&self) -> &VaultName {
        &self.vault.name
    }

    /// Its repository, to be read.
    pub fn base(&self) -> Arc<BlobStore> {
        Arc::new(BlobStore::reading(Arc::clone(&self.container), &self.vault.prefix))
    }

    /// The file with its password, if its record names one.
    pub fn password_file(&self) -> Option<std::path::PathBuf> {
        match kept(&self.vault) {
            Some(PasswordSource::File(path)) => Some(path),
            _ => None,
        }
    }

    /// Has the container say that the seed joins, before anything relies on what the vault has.
    pub fn announce(&self, seed: &Seed, desk: &Desk<'_>) -> Result<(), Failure> {
        let (container, host) = (self.container.as_ref(), this_host());
        if is_joining(container, seed.id, &host)? || taken_in(container, seed.id)?.is_some() {
            return Ok(());
        }
        let state = desk.state()?;
        let writer = Writer::hold(&self.vault, &state)?;
        let lease = writer.lease(&self.container)?;
        join(&lease.guard(Arc::clone(&self.container)), &self.vault.name, seed.id, &host)?;
        Ok(())
    }

    /// Writes down in the vault's record that the seed joins: this machine waits for it from now on.
    /// What it backed up before goes on.
    pub fn link(&self, seed: &Seed, staging: &Staging, desk: &Desk<'_>) -> Result<(), Failure> {
        let host = this_host();
        let Some(own) = seed.staged_by(&host) else { return Ok(()) };
        let is_known = self.vault.seed.as_ref().is_some_and(|link| link.id == seed.id);
        if is_known || taken_in(self.container.as_ref(), seed.id)?.is_some() {
            return Ok(());
        }
        let Destination { storage_account, job, container, prefix, .. } = seed.target.clone();
        let link = SeedLink {
            id: seed.id,
            job,
            storage_account: Some(storage_account).filter(|own| *own != self.vault.storage_account),
            container,
            prefix,
            staging: absolute(staging.path()),
            host: Some(host.clone()),
            sources: own.sources.clone(),
            choice: own.choice.clone(),
        };
        let state = desk.state()?;
        let mut writer = Writer::hold(&self.vault, &state)?;
        writer.record(|own| {
            let before = own.seed_sources().to_vec();
            let is_new = |path: &std::path::PathBuf| !link.sources.contains(path);
            own.added.extend(before);
            own.added.sort();
            own.added.dedup();
            own.added.retain(is_new);
            own.removed.retain(is_new);
            own.let_go.retain(is_new);
            own.service = seed.target.service;
            own.subscription = Some(seed.target.subscription.clone());
            own.resource_group = Some(seed.target.resource_group.clone());
            (own.joins_since, own.cleaned_at, own.kept_aside) = (Some(Timestamp::now()), None, 0);
            own.seed = Some(link);
        })
    }
}

/// The name of the vault that is meant, if one is.
fn named(
    options: &JoinOptions,
    asked: Asked<'_>,
    desk: &Desk<'_>,
) -> Result<Option<VaultName>, Failure> {
    let held = asked.seed.and_then(|seed| seed.vault.clone());
    let Some(given) = &options.vault else { return Ok(held) };
    let same = |own: &VaultName| own.as_str().eq_ignore_ascii_case(given.value.as_str());
    if given.origin == Origin::CommandLine {
        if let Some(seed) = asked.seed.filter(|_| !held.as_ref().is_some_and(same)) {
            seed.expect_vault(Some(&given.value), asked.staging)?;
        }
        return Ok(held.or_else(|| Some(given.value.clone())));
    }
    if asked.seed.is_some() {
        if !held.as_ref().is_some_and(same) {
            let what = held.as_ref().map_or("no vault".to_owned(), ToString::to_string);
            desk.attendant
                .tell_unused(&format!("{} is not used: the seed joins {what}", given.name));
        }
        return Ok(held);
    }
    let known = desk.state()?.vaults()?;
    let is_joined = known.iter().any(|vault| same(&vault.name) && vault.has_repository());
    if !is_joined {
        let text = format!("{} is not used: no vault of that name has a repository", given.name);
        desk.attendant.tell_unused(&text);
    }
    Ok(is_joined.then(|| given.value.clone()))
}

/// Refuses what the vault's record on this machine speaks against.
fn check_record(vault: &Vault, asked: Asked<'_>) -> Result<(), Error> {
    let name = || vault.name.clone();
    let Destination { storage_account, container, .. } = asked.target;
    if *storage_account == vault.storage_account && *container == vault.container {
        return Err(Error::SharedContainer { container: container.clone() });
    }
    let other = vault.seed.as_ref().filter(|link| asked.seed.is_none_or(|own| own.id != link.id));
    let Some(link) = other else { return Ok(()) };
    let job = link.job.clone();
    if vault.joins_since.is_some() {
        return Err(Error::JoinsAlready { vault: name(), job });
    }
    if vault.cleaned_at.is_none() {
        return Err(Error::SeedNotCleared { vault: name(), job });
    }
    if !link.sources.is_empty() && link.choice != *asked.choice {
        let (held, asked) = (words(&link.choice), words(asked.choice));
        return Err(Error::OtherChoice { vault: name(), held, asked });
    }
    Ok(())
}

/// What is left out, as flags say it.
fn words(choice: &Choice) -> String {
    let mut all: Vec<String> =
        choice.exclude.iter().map(|glob| format!("--exclude {glob}")).collect();
    all.extend(choice.one_file_system.then(|| "--one-file-system".to_owned()));
    if all.is_empty() { "nothing".to_owned() } else { all.join(" ") }
}
