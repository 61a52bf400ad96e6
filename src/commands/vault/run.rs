//! `vault run` and `vault status`: what is due, and doing it.

use disk_prep::journal::State as DriveState;
use disk_prep::limits::DRIVES_PER_JOB;
use jiff::Zoned;
use jiff::tz::TimeZone;

use super::show::{Ran, Status};
use super::{Writer, contents, now, open_containers, own_seed, password, staging, staging_path};
use crate::cli::VaultTarget;
use crate::commands::connect::arm;
use crate::commands::door::Door;
use crate::commands::{Failure, Outcome};
use crate::import_job::{ImportExport, JobService, parts};
use crate::state::State;
use crate::ui::Ui;
use crate::vault::{
    Asked, ContainerShelf, Due, Vault, VaultState, due, increment, ingest, is_ahead, this_host,
};

/// Shows how far a vault is.
pub fn status(
    vault: Vault,
    target: &VaultTarget,
    door: &Door<'_>,
) -> Result<Box<dyn Outcome>, Failure> {
    let state = state_of(&vault, target, door)?;
    let next = (state == VaultState::Protected).then(|| next(&vault));
    Ok(Box::new(Status { vault, state, next }))
}

/// What is wished of a run.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// Whether an increment is made even if none is due.
    pub is_asked_for: bool,
    /// Whether a source may have lost most of what it held.
    pub allow_shrink: bool,
}

/// Does what is due.
pub fn run(
    vault: &Vault,
    target: &VaultTarget,
    state: &State,
    wish: Wish,
    door: &Door<'_>,
    ui: &Ui,
) -> Result<Box<dyn Outcome>, Failure> {
    let mut writer = Writer::hold(vault, state)?;
    let reached = state_of(&writer.vault, target, door)?;
    let mut ran = Ran {
        name: writer.vault.name.clone(),
        state: reached,
        ingested: None,
        increment: None,
        next: None,
    };
    if matches!(reached, VaultState::AwaitingSeed | VaultState::SeedInTransit) {
        return Ok(Box::new(ran));
    }
    if let Some(last) = writer.vault.incremented_at.filter(|last| is_ahead(*last, now())) {
        ui.warn(&format!(
            "the last run is stamped {last}, which is still to come: a clock was wrong, then or \
             now; an increment is made"
        ));
    }
    if reached == VaultState::Protected && !wish.is_asked_for {
        let next = next(&writer.vault);
        if next != Due::Now {
            ran.next = Some(next);
            return Ok(Box::new(ran));
        }
    }
    let (container, import) = open_containers(&writer.vault, target)?;
    let lease = writer.lease(&container)?;
    let watcher = ui.watcher();
    if writer.vault.ingested_at.is_none() {
        let staging = staging(&writer.vault, target, door)?;
        let seed = own_seed(&writer.vault, &staging)?;
        let blobs = contents::seed_blobs(&seed, &staging)?;
        let spare = contents::spare(staging.data(&seed)?);
        let shelf = ContainerShelf::new(&writer.vault, &container, &import, &lease);
        ran.ingested = Some(ingest(&blobs, &shelf, &spare, watcher.as_ref())?);
        writer.record(|own| own.ingested_at = Some(now()))?;
    }
    let this_host = this_host();
    let asked =
        Asked { now: &Zoned::now(), this_host: &this_host, allow_shrink: wish.allow_shrink };
    let (vault, container) = (&writer.vault, lease.guard(container));
    let done = increment(vault, &container, &password(vault)?, &asked, &watcher)?;
    for text in &done.idle_patterns {
        ui.warn(&format!("--exclude {text} leaves nothing out"));
    }
    writer.record(|own| {
        own.sources.clone_from(&done.sources);
        if done.backup.is_some() {
            own.incremented_at = Some(now());
        }
    })?;
    ran.increment = Some(done);
    ran.state = VaultState::Protected;
    ran.next = Some(next(&writer.vault));
    Ok(Box::new(ran))
}

/// When the next increment is due, in this machine's time.
fn next(vault: &Vault) -> Due {
    let last = vault.incremented_at.map(|time| time.to_zoned(TimeZone::system()));
    due(vault.schedule, last.as_ref(), &Zoned::now())
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
