//! What a vault backs up on this machine: the sources of its seed, what was added to them, without
//! what was removed.

use std::path::{Path, PathBuf};

use disk_prep::noun::VaultName;

use super::desk::Desk;
use super::vault_password::absolute;
use super::vault_writer::Writer;
use crate::outcome::Failure;
use crate::vault::{Error, KnownSource, Vault};

/// Adds a source; one that was removed comes back, one that is there stays.
pub fn add(vault: &Vault, path: &Path, desk: &Desk<'_>) -> Result<Sources, Failure> {
    let there = path.canonicalize();
    let path = there.map_err(|_| Error::SourceAbsent { path: path.to_owned() })?;
    let state = desk.state()?;
    let mut writer = Writer::hold(vault, &state)?;
    let vault = &writer.vault;
    let sources = sources_of(vault);
    if sources.contains(&path) {
        return Ok(list(vault));
    }
    if sources.iter().any(|own| path.starts_with(own)) {
        return Err(Error::SourceKnown { vault: vault.name.clone(), path }.into());
    }
    writer.record(|own| {
        own.removed.retain(|removed| *removed != path);
        own.let_go.retain(|gone| *gone != path);
        if !own.seed_sources().contains(&path) && !own.added.contains(&path) {
            own.added.push(path);
        }
    })?;
    Ok(list(&writer.vault))
}

/// Removes a source; its snapshots stay.
pub fn remove(vault: &Vault, path: &Path, desk: &Desk<'_>) -> Result<Sources, Failure> {
    let path = &absolute(path);
    let state = desk.state()?;
    let mut writer = Writer::hold(vault, &state)?;
    let vault = &writer.vault;
    if vault.removed.iter().any(|own| own == path) {
        return Ok(list(vault));
    }
    let sources = sources_of(vault);
    let name = vault.name.clone();
    if !sources.iter().any(|own| own == path) {
        return Err(Error::NoSuchSource { vault: name, path: path.to_owned(), sources }.into());
    }
    if sources.len() == 1 {
        return Err(Error::LastSource { vault: name }.into());
    }
    writer.record(|own| drop_source(own, path))?;
    Ok(list(&writer.vault))
}

/// The record of a vault without a source.
pub fn drop_source(own: &mut Vault, path: &Path) {
    own.added.retain(|added| added != path);
    own.sources.retain(|known| known.path != path);
    if !own.removed.iter().any(|removed| removed == path) {
        own.removed.push(path.to_owned());
    }
}

/// The sources that the record knows. A repository that was adopted tells its own with the first
/// run.
pub fn sources_of(vault: &Vault) -> Vec<PathBuf> {
    let known = vault.sources.iter().map(|own| &own.path);
    let mut all: Vec<PathBuf> = Vec::new();
    for path in vault.seed_sources().iter().chain(&vault.added).chain(known) {
        if !all.contains(path) && !vault.removed.contains(path) {
            all.push(path.clone());
        }
    }
    all
}

/// What is backed up.
pub fn list(vault: &Vault) -> Sources {
    let known = |path: &PathBuf| vault.sources.iter().find(|own| own.path == *path).cloned();
    let sources = sources_of(vault).into_iter();
    Sources {
        vault: vault.name.clone(),
        sources: sources.map(|path| (path.clone(), known(&path))).collect(),
    }
}

/// What a vault backs up on this machine.
#[derive(Debug)]
pub struct Sources {
    /// The vault.
    pub vault: VaultName,
    /// Each source, and what is known of it since its last backup.
    pub sources: Vec<(PathBuf, Option<KnownSource>)>,
}
