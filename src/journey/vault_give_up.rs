//! `vault forget --seed`: a seed that joins a vault is given up. What has come of it stays until a
//! prune, its snapshots are never shown, and increments send over the network what it would have
//! brought.

use std::sync::Arc;

use disk_prep::noun::{JobName, VaultName, count};
use jiff::Timestamp;
use uuid::Uuid;

use super::desk::Desk;
use super::vault::open_container;
use super::vault_meant::VaultOptions;
use super::vault_writer::Writer;
use crate::outcome::Failure;
use crate::vault::{Error, Vault, asides, drop_asides, leave, this_host};

/// Gives the seed up that this machine waits for.
pub fn give_up(
    vault: &Vault,
    seed: Uuid,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<GivenUp, Failure> {
    let state = desk.state()?;
    let mut writer = Writer::hold(vault, &state)?;
    let vault = writer.vault.clone();
    let link = vault.seed.as_ref().filter(|link| link.id == seed && vault.joins_since.is_some());
    let unknown = || Error::NoSuchSeed { vault: vault.name.clone(), seed };
    let job = link.ok_or_else(unknown)?.job.clone();
    let container = open_container(&vault, options, desk)?;
    let kept_aside = asides(container.as_ref(), &vault.aside())?.len();
    desk.attendant.consent(&format!(
        "Would give up the seed of job {job} on its way to vault {}: neither its snapshots nor {} \
         made since can ever be restored",
        vault.name,
        count(kept_aside, "increment")
    ))?;
    let lease = writer.lease(&container)?;
    let fenced = lease.guard(Arc::clone(&container));
    // Another machine that has staged into it may still wait for it, and for all that is aside.
    let dropped = match leave(&fenced, seed, &this_host())? {
        true => drop_asides(&fenced, &vault.aside())?,
        false => 0,
    };
    writer.record(|own| {
        if own.kept_aside > 0 {
            // What was made last is gone; the next is due.
            own.incremented_at = own.restorable_at;
        }
        (own.joins_since, own.kept_aside) = (None, 0);
        own.cleaned_at = Some(Timestamp::now());
    })?;
    Ok(GivenUp { vault: vault.name, seed, job, dropped })
}

/// A seed that was given up.
#[derive(Debug)]
pub struct GivenUp {
    /// The vault.
    pub vault: VaultName,
    /// The seed.
    pub seed: Uuid,
    /// Its job.
    pub job: JobName,
    /// Increments that are gone with it; those of machines that still wait for it stay.
    pub dropped: u64,
}
