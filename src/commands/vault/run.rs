//! `vault run` and `vault status`: what is due, and doing it.

use disk_prep::journal::State as DriveState;
use disk_prep::limits::DRIVES_PER_JOB;
use jiff::Zoned;
use jiff::tz::TimeZone;

use super::show::{Ran, Status};
use super::{contents, now, own_seed, password, shelf, staging, staging_path};
use crate::cli::VaultTarget;
use crate::commands::connect::arm;
use crate::commands::door::Door;
use crate::commands::{Failure, Outcome};
use crate::import_job::{ImportExport, JobService, parts};
use crate::state::State;
use crate::ui::Ui;
use crate::vault::{Due, Error, Lease, Vault, VaultState, due, increment, ingest};

/// Shows how far a vault is.
pub fn status(
    vault: Vault,
    target: &VaultTarget,
    door: &Door<'_>,
) -> Result<Box<dyn Outcome>, Failure> {
    let state = state_of(&vault, target, door)?;
    let next = (state == VaultState::Protected).then(|| next(&vault)).transpose()?;
    Ok(Box::new(Status { vault, state, next }))
}

/// Does what is due.
pub fn run(
    mut vault: Vault,
    target: &VaultTarget,
    state: &State,
    is_asked_for: bool,
    door: &Door<'_>,
    ui: &Ui,
) -> Result<Box<dyn Outcome>, Failure> {
    let locked = || Error::Locked { container: vault.container.clone() };
    let _lock = state.lock_vault(&vault.name)?.ok_or_else(locked)?;
    // Another run may have gone on since the record was read.
    if let Some(known) = state.vaults()?.into_iter().find(|own| own.name == vault.name) {
        vault = known;
    }
    let reached = state_of(&vault, target, door)?;
    let mut ran = Ran {
        name: vault.name.clone(),
        state: reached,
        ingested: None,
        increment: None,
        next: None,
    };
    if matches!(reached, VaultState::AwaitingSeed | VaultState::SeedInTransit) {
        return Ok(Box::new(ran));
    }
    if reached == VaultState::Protected && !is_asked_for {
        let next = next(&vault)?;
        if next != Due::Now {
            ran.next = Some(next);
            return Ok(Box::new(ran));
        }
    }
    let shelf = shelf(&vault, target)?;
    let _lease = Lease::take(&shelf.vault, vault.lease)?;
    let watcher = ui.watcher();
    if vault.ingested_at.is_none() {
        let staging = staging(&vault, target, door)?;
        let seed = own_seed(&vault, &staging)?;
        let blobs = contents::seed_blobs(&seed, &staging)?;
        let spare = contents::spare(staging.data(&seed)?);
        ran.ingested = Some(ingest(&blobs, &shelf, &spare, watcher.as_ref())?);
        vault.ingested_at = Some(now());
        state.keep_vault(&vault)?;
    }
    let done = increment(&vault, &shelf.vault, &password(&vault)?, &Zoned::now(), &watcher)?;
    ran.increment = Some(done);
    vault.incremented_at = Some(now());
    state.keep_vault(&vault)?;
    ran.state = VaultState::Protected;
    ran.next = Some(next(&vault)?);
    Ok(Box::new(ran))
}

/// When the next increment is due, in this machine's time.
fn next(vault: &Vault) -> Result<Due, Failure> {
    let last = vault.incremented_at.map(|time| time.to_zoned(TimeZone::system()));
    due(vault.schedule, last.as_ref(), &Zoned::now()).map_err(|_| {
        // Only at the end of the calendar.
        Failure::from(Error::NoTurn { name: vault.name.clone() })
    })
}

/// How far a vault is, by its record, the journals and the service.
fn state_of(vault: &Vault, target: &VaultTarget, door: &Door<'_>) -> Result<VaultState, Failure> {
    if vault.ingested_at.is_some() {
        return Ok(VaultState::Protected);
    }
    // On a machine without the staging path the service alone says it.
    let histories = match staging_path(vault, target).exists() {
        true => staging(vault, target, door)?.journals().read()?,
        false => Vec::new(),
    };
    let sealed = histories.iter().filter(|history| history.state == DriveState::Sealed).count();
    let service = ImportExport::new(
        arm(&target.azure)?,
        vault.subscription.clone(),
        vault.resource_group.clone(),
    );
    let jobs = parts(&vault.seed.job, service.list()?);
    let is_whole = !jobs.is_empty() && jobs.len() >= sealed.div_ceil(DRIVES_PER_JOB);
    Ok(if !is_whole || jobs.iter().any(|job| job.state == "Creating") {
        VaultState::AwaitingSeed
    } else if jobs.iter().all(|job| matches!(job.state.as_str(), "Completed" | "Closed")) {
        VaultState::Ingesting
    } else {
        VaultState::SeedInTransit
    })
}
