//! `vault forget`: the one way to let a source go, with all that the vault has of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use disk_prep::noun::{VaultName, count};
use secrecy::SecretString;

use super::desk::Desk;
use super::vault::{failed, open_container};
use super::vault_meant::VaultOptions;
use super::vault_password::{absolute, password};
use super::vault_sources::{drop_source, sources_of};
use super::vault_writer::Writer;
use crate::azure::Fenced;
use crate::outcome::Failure;
use crate::repository::{BlobStore, Repository, Snapshot};
use crate::vault::{
    Error, Vault, expect_no_locks, joining, remove_snapshots, tell_all, this_host, vault_coverage,
};

/// Removes every snapshot of this machine that holds nothing but this source, and what only they
/// needed. Those that hold other sources too stay, and the policy may let them go from now on.
pub fn forget(
    vault: &Vault,
    path: &Path,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<Forgotten, Failure> {
    let path = &absolute(path);
    let state = desk.state()?;
    let mut writer = Writer::hold(vault, &state)?;
    let vault = writer.vault.clone();
    let name = || vault.name.clone();
    if !vault.has_repository() {
        return Err(Error::NoRepository { vault: name() }.into());
    }
    // The cleanup compares the vault with the seed, all of whose blobs must be there then.
    if vault.cleaned_at.is_none() {
        return Err(Error::NotCleared { vault: name() }.into());
    }
    let container = open_container(&vault, options, desk)?;
    let secret = password(&vault, &options.password, desk)?;
    let look = Arc::new(BlobStore::reading(Arc::clone(&container), &vault.prefix));
    let looked = Repository::open(look, &secret, desk.attendant.monitor());
    let all = looked.and_then(|own| own.snapshots()).map_err(|fault| failed(&vault, fault))?;
    let mut done = concerned(&vault, path, &all)?;
    if done.forgotten.is_empty() && vault.let_go.iter().any(|own| own == path) {
        return Ok(done);
    }
    let none_joins = || match joining(container.as_ref())? {
        seeds if seeds.is_empty() => Ok(()),
        seeds => Err(Error::SeedsJoin { vault: name(), seeds }),
    };
    none_joins()?;
    if done.was_backed_up && sources_of(&vault).len() == 1 {
        return Err(Error::LastSource { vault: name() }.into());
    }
    desk.attendant.consent(&done.question())?;
    let lease = writer.lease(&container)?;
    expect_no_locks(container.as_ref(), &vault.prefix)?;
    none_joins()?;
    // Before the first is removed: a run that is killed has let it go all the same.
    writer.record(|own| {
        drop_source(own, path);
        if !own.let_go.iter().any(|gone| gone == path) {
            own.let_go.push(path.to_owned());
        }
    })?;
    let fenced = lease.guard(container);
    // A machine that attaches the vault from now on must not bring it back.
    tell_all(&writer.vault, &fenced)?;
    remove_snapshots(&vault, &fenced, &secret, desk.attendant.monitor(), &done.forgotten)?;
    accept_rest(&vault, &writer.vault, path, (&fenced, &secret, &all), desk)?;
    done.forgotten.sort();
    Ok(done)
}

/// If the source that is let go had shrunk, and no other has, nobody waits for it to come back: the
/// policy decides on the snapshots that it shares with others.
fn accept_rest(
    before: &Vault,
    now: &Vault,
    path: &Path,
    (container, secret, all): (&Arc<dyn Fenced>, &SecretString, &[Snapshot]),
    desk: &Desk<'_>,
) -> Result<(), Error> {
    let has_shrunk = |vault: &Vault| vault.sources.iter().any(|own| own.is_shrunk);
    if !has_shrunk(before) || has_shrunk(now) {
        return Ok(());
    }
    let store = Arc::new(BlobStore::changing(container, &before.prefix));
    let opened = Repository::open(store, secret, desk.attendant.monitor());
    let host = vault_coverage(before, all, &this_host()).host;
    let accepted = opened.and_then(|own| own.accept_shrunk(&host, &[path.to_owned()]));
    accepted.map(drop).map_err(|fault| failed(before, fault))
}

/// The snapshots that it is about: of this machine, and with the source in them.
fn concerned(vault: &Vault, path: &Path, all: &[Snapshot]) -> Result<Forgotten, Error> {
    let host = vault_coverage(vault, all, &this_host()).host;
    let covers = |own: &&Snapshot| own.host == host && own.paths.iter().any(|own| own == path);
    let is_alone = |own: &&Snapshot| own.paths.iter().all(|own| own == path);
    let (alone, shared): (Vec<&Snapshot>, Vec<&Snapshot>) =
        all.iter().filter(covers).partition(is_alone);
    let sources = sources_of(vault);
    let is_known = sources.iter().chain(&vault.let_go).any(|own| own == path);
    if !is_known && alone.is_empty() && shared.is_empty() {
        let (vault, path) = (vault.name.clone(), path.to_owned());
        return Err(Error::NoSuchSource { vault, path, sources });
    }
    Ok(Forgotten {
        vault: vault.name.clone(),
        source: path.to_owned(),
        forgotten: alone.iter().map(|own| own.id.clone()).collect(),
        left: shared.iter().map(|own| own.id.clone()).collect(),
        was_backed_up: sources.iter().any(|own| own == path),
    })
}

/// What was let go.
#[derive(Debug)]
pub struct Forgotten {
    /// The vault.
    pub vault: VaultName,
    /// The source.
    pub source: PathBuf,
    /// Ids of the snapshots that are gone.
    pub forgotten: Vec<String>,
    /// Ids of those that hold other sources too, and stay.
    pub left: Vec<String>,
    /// Whether it was backed up until now.
    pub was_backed_up: bool,
}

impl Forgotten {
    /// What would be done.
    fn question(&self) -> String {
        let be = |own: &[String], one: &'static str, many: &'static str| match own.len() {
            1 => one,
            _ => many,
        };
        format!(
            "Would let {} go: {} of it {} forgotten, {} with other sources {}{}",
            self.source.display(),
            count(self.forgotten.len(), "snapshot"),
            be(&self.forgotten, "is", "are"),
            count(self.left.len(), "snapshot"),
            be(&self.left, "stays", "stay"),
            if self.was_backed_up { ", and it is backed up no more" } else { "" },
        )
    }
}
