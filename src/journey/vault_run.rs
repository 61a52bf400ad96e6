//! `vault run` and `vault status`: what is due, and doing it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use disk_prep::journal::CopyState;
use disk_prep::limits::DRIVES_PER_JOB;
use disk_prep::noun::{Service, VaultName};
use jiff::Timestamp;
use secrecy::SecretString;

use super::connections::job_service;
use super::custody::{Logged, Run, leave};
use super::desk::Desk;
use super::hooks::{Event, EventKind, Subject, ask, tell};
use super::job::seen;
use super::seed_blobs::seed_blobs;
use super::vault::{open_container, open_containers};
use super::vault_ingest::{Bringing, follow, follow_cleanup, take_in};
use super::vault_meant::{VaultOptions, own_seed, staging, staging_path};
use super::vault_password::password;
use super::vault_policy::{JudgedSnapshot, LetGo};
use super::vault_writer::Writer;
use super::work::data_set;
use super::{vault_settings, vault_zone};
use crate::azure::Fenced;
use crate::custody::Deed;
use crate::import_job::{JobStage, parts};
use crate::outcome::{Failure, both, chain};
use crate::policy::Judged;
use crate::repository::IsShipped;
use crate::schedule::{Due, Elapse, due, elapse, is_ahead};
use crate::staging::{Seed, Staging, drives_of};
use crate::vault::{
    Asked, Home, Increment, Ingested, Vault, VaultState, increment, retain, tell_all, this_host,
    without_told,
};

/// Shows how far a vault is.
pub fn status(vault: Vault, options: &VaultOptions, desk: &Desk<'_>) -> Result<Status, Failure> {
    let state = state_of(&vault, options, desk)?;
    let goes_on = matches!(state, VaultState::Protected | VaultState::SeedInTransit);
    let next = goes_on.then(|| next(&vault));
    Ok(Status { vault, state, next })
}

/// What is wished of a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wish {
    /// Whether an increment is made even if none is due.
    pub is_asked_for: bool,
    /// Whether a source may have lost most of what it held.
    pub allow_shrink: bool,
    /// Bytes that may be sent from the staging path for what the import lacks.
    pub repair_limit: Option<u64>,
    /// Whether the drives are lost, and all is sent from the staging path.
    pub without_seed: bool,
    /// After so long nothing more is sent: its window of the day is over.
    pub closes_after: Option<Duration>,
}

/// Does what is due; hooks are asked before and told after.
pub fn run(
    vault: &Vault,
    options: &VaultOptions,
    wish: Wish,
    desk: &Desk<'_>,
) -> Result<(Ran, Logged), Failure> {
    let event = |kind, what: &str| {
        let message = format!("The run of vault {} {what}", vault.name);
        Event::now(kind, Subject::Vault(vault.name.clone()), message)
    };
    ask(&event(EventKind::VaultRunBegins, "begins"), desk)?;
    let ran = run_now(vault, options, wish, desk);
    match &ran {
        Ok((Ran { ingested: None, increment: None, .. }, _)) => {}
        Ok(_) => tell(&event(EventKind::VaultRunEnded, "did what was due"), desk),
        Err(Failure(error)) => {
            let what = format!("failed: {}", chain(error.as_ref()));
            let failed = event(EventKind::VaultRunFailed, &what);
            tell(&Event { code: Some(error.code()), ..failed }, desk);
        }
    }
    ran
}

fn run_now(
    vault: &Vault,
    options: &VaultOptions,
    wish: Wish,
    desk: &Desk<'_>,
) -> Result<(Ran, Logged), Failure> {
    let state = desk.state()?;
    let mut writer = Writer::hold(vault, &state)?;
    vault_zone::told(&writer.vault, desk);
    let mut ran = Ran::new(&writer.vault, state_of(&writer.vault, options, desk)?);
    if wish.without_seed && ran.state != VaultState::Protected {
        ran.state = VaultState::Ingesting;
    }
    if wish.without_seed && ran.state == VaultState::Protected {
        desk.attendant.tell_unused("--without-seed is not used: the vault has its seed");
    }
    if !is_due(&mut ran, &writer.vault, options, wish, desk)? {
        return Ok((ran, Logged(None)));
    }
    let container = open_container(&writer.vault, options, desk)?;
    let lease = writer.lease(&container)?;
    wish.closes_after.iter().for_each(|time| lease.close_after(*time));
    vault_settings::agree(&mut writer, &container, &lease.guard(Arc::clone(&container)), desk)?;
    if writer.vault.awaits_seed() && follow(&mut writer, container.as_ref())? {
        ran.state = VaultState::Protected;
    }
    if !writer.vault.awaits_seed() {
        follow_cleanup(&mut writer, container.as_ref())?;
    }
    let mut home = None;
    if ran.state == VaultState::Ingesting {
        let how = Bringing { repair_limit: wish.repair_limit, is_lost: wish.without_seed };
        let [_, import] = open_containers(&writer.vault, options, desk)?;
        let (ingested, staging) =
            take_in(&mut writer, options, how, [&container, &import], &lease, desk)?;
        (ran.ingested, home) = (Some(ingested), Some(staging));
        ran.state = VaultState::Protected;
    }
    let fenced = lease.guard(container);
    let secret = password(&writer.vault, &options.password, desk)?;
    ran.increment = Some(match ran.state {
        VaultState::SeedInTransit | VaultState::AwaitingSeed => {
            while_it_travels(&mut writer, options, &fenced, &secret, wish, desk)?
        }
        _ => go_on(&mut writer, (&fenced, Home::Vault), &secret, wish, desk)?,
    });
    ran.kept_aside = writer.vault.kept_aside;
    if let Err(error) = tell_all(&writer.vault, &fenced) {
        desk.attendant
            .warn(&format!("the container does not say how far it is: {}", chain(&error)));
    }
    ran.next = Some(next(&writer.vault));
    let logged = note_ingest(&ran, home, desk);
    Ok((ran, logged))
}

/// Whether there is something to do; when there will be, if not.
fn is_due(
    ran: &mut Ran,
    vault: &Vault,
    options: &VaultOptions,
    wish: Wish,
    desk: &Desk<'_>,
) -> Result<bool, Failure> {
    let is_joining = vault.joins_since.is_some();
    if ran.state == VaultState::AwaitingSeed && !is_joining {
        return Ok(false);
    }
    if matches!(ran.state, VaultState::SeedInTransit | VaultState::AwaitingSeed) {
        let home = staging_path(vault, options)?;
        if !home.exists() {
            ran.waits_for = Some(home.to_owned());
            return Ok(false);
        }
    }
    if let Some(last) = vault.incremented_at.filter(|last| is_ahead(*last, Timestamp::now())) {
        desk.attendant.warn(&format!(
            "the last run is stamped {last:.0}, which is still to come: a clock was wrong, then or \
             now; an increment is made"
        ));
    }
    if ran.state != VaultState::Ingesting && !wish.is_asked_for {
        let next = next(vault);
        if matches!(next, Due::At(_)) {
            ran.next = Some(next);
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes an increment on top of the staged repository, whose drives are on their way: what is new
/// is sent, and its snapshot is kept aside.
fn while_it_travels(
    writer: &mut Writer<'_>,
    options: &VaultOptions,
    container: &Arc<dyn Fenced>,
    secret: &SecretString,
    wish: Wish,
    desk: &Desk<'_>,
) -> Result<Increment, Failure> {
    let staging = staging(&writer.vault, options, desk)?;
    let seed = own_seed(&writer.vault, &staging)?;
    let data = staging.data(&seed)?;
    let is_shipped: IsShipped = if drives_of(&staging.journals())?.is_empty() {
        // Nothing is on a drive yet: all that is staged will be, and it is not read for this.
        data_set(&seed, &staging)?;
        Arc::new(|_| true)
    } else {
        let shipped = seed_blobs(&seed, &staging)?;
        Arc::new(move |place| shipped.has(place))
    };
    let store = || data.store();
    let done =
        go_on(writer, (container, Home::Travelling(&store, &is_shipped)), secret, wish, desk)?;
    if done.backup.is_some() {
        writer.record(|own| own.kept_aside += 1)?;
    }
    Ok(done)
}

/// Leaves an entry on a seed that was taken in, with the report of the run.
fn note_ingest(ran: &Ran, home: Option<Staging>, desk: &Desk<'_>) -> Logged {
    let Some(staging) = home else { return Logged(None) };
    let deed = Deed::Ingested { vault: ran.name.to_string() };
    let run = Run { kind: "ingest", deed, outcome: ran };
    leave(&staging, Some(run), |_| Vec::new(), desk)
}

/// Makes an increment, keeps what came of it, and lets go what the policy does not keep.
fn go_on(
    writer: &mut Writer<'_>,
    home: (&Arc<dyn Fenced>, Home<'_>),
    secret: &SecretString,
    wish: Wish,
    desk: &Desk<'_>,
) -> Result<Increment, Failure> {
    let this_host = this_host();
    let asked = Asked {
        now: &vault_zone::now(&writer.vault),
        this_host: &this_host,
        allow_shrink: wish.allow_shrink,
    };
    let (container, is_in_vault) = (home.0, matches!(home.1, Home::Vault));
    let monitor = desk.attendant.monitor();
    let (mut done, repository) = increment(&writer.vault, home, secret, &asked, &monitor)?;
    for text in &done.idle_patterns {
        desk.attendant.warn(&format!("--exclude {text} leaves nothing out"));
    }
    writer.record(|own| {
        own.sources.clone_from(&done.sources);
        if done.backup.is_some() {
            own.incremented_at = Some(Timestamp::now());
            own.restorable_at = own.incremented_at.filter(|_| is_in_vault).or(own.restorable_at);
        }
    })?;
    let (vault, zone) = (&writer.vault, asked.now.time_zone());
    let show = |gone: &[Judged<'_>]| {
        let snapshots = gone.iter().map(|own| JudgedSnapshot::of(own, zone)).collect();
        desk.attendant.show(&LetGo { vault: vault.name.clone(), snapshots });
    };
    retain(vault, (container, &repository), &asked, &mut done, &show).inspect_err(|_| {
        if let Some(backup) = &done.backup {
            let id = backup.snapshot.get(..8).unwrap_or(&backup.snapshot);
            desk.attendant
                .warn(&format!("snapshot {id} is made and stays; what comes after it failed"));
        }
    })?;
    done.remarks = without_told(done.remarks, container.container().as_ref())?;
    Ok(done)
}

/// When the next increment is due, in the vault's time zone.
pub fn next(vault: &Vault) -> Due {
    let now = vault_zone::now(vault);
    let zone = now.time_zone().clone();
    let last = vault.incremented_at.map(|time| time.to_zoned(zone.clone()));
    due(&vault.schedule, last.as_ref(), &now, |expression, base| match elapse(expression, base) {
        Elapse::At(time) => Some(time.to_zoned(zone.clone())),
        Elapse::Never | Elapse::Wrong | Elapse::Unknown => None,
    })
}

/// How far a vault is, by its record, the journals and the service.
fn state_of(vault: &Vault, options: &VaultOptions, desk: &Desk<'_>) -> Result<VaultState, Failure> {
    if !vault.awaits_seed() {
        return Ok(VaultState::Protected);
    }
    // On a machine without the staging path the service alone says it.
    let histories = match staging_path(vault, options)?.exists() {
        true => staging(vault, options, desk)?.journals().survey()?,
        false => Vec::new(),
    };
    let sealed = histories.iter().filter(|history| history.state == CopyState::Sealed).count();
    let (subscription, group) = both(
        ("--subscription", vault.subscription.clone()),
        ("--resource-group", vault.resource_group.clone()),
    )?;
    let service = job_service(
        vault.service.unwrap_or(Service::ImportExport),
        &options.azure,
        subscription,
        group,
        desk.attendant,
    )?;
    let mut jobs = parts(&vault.seed()?.job, service.list()?);
    jobs.iter_mut().for_each(|job| seen(job, desk));
    // The service forgets what ended long ago, and a job that is over can be deleted: what it brought is
    // in the container, and whatever is not is told by the ingest.
    if jobs.is_empty() && was_sent(vault, options, desk)? {
        return Ok(VaultState::Ingesting);
    }
    let is_unsent = |stage| matches!(stage, JobStage::Waiting | JobStage::Cancelled);
    let is_whole = !jobs.is_empty() && jobs.len() >= sealed.div_ceil(DRIVES_PER_JOB);
    Ok(if !is_whole || jobs.iter().any(|job| is_unsent(job.state.stage)) {
        VaultState::AwaitingSeed
    } else if jobs.iter().all(|job| job.state.stage.is_over()) {
        VaultState::Ingesting
    } else {
        VaultState::SeedInTransit
    })
}

/// Whether a parcel with the seed was sent, as the seed or this machine remembers it.
fn was_sent(vault: &Vault, options: &VaultOptions, desk: &Desk<'_>) -> Result<bool, Failure> {
    let path = staging_path(vault, options)?;
    let is_told = match path.exists() {
        true => !Seed::open(&staging(vault, options, desk)?)?.parcels.is_empty(),
        false => false,
    };
    Ok(is_told || desk.state()?.was_sent(&vault.seed()?.job)?)
}

/// How far a vault is.
#[derive(Debug)]
pub struct Status {
    /// Its record.
    pub vault: Vault,
    /// How far it is.
    pub state: VaultState,
    /// When the next increment is due.
    pub next: Option<Due>,
}

/// What a run has done.
#[derive(Debug)]
pub struct Ran {
    /// The vault.
    pub name: VaultName,
    /// How far it is.
    pub state: VaultState,
    /// What was taken in.
    pub ingested: Option<Ingested>,
    /// Whether its metrics could not be written.
    pub is_unmeasured: bool,
    /// The increment that was made.
    pub increment: Option<Increment>,
    /// When the next is due.
    pub next: Option<Due>,
    /// Increments of this machine that cannot be restored before the seed is taken in.
    pub kept_aside: u64,
    /// The staging path, if no increment can be made before the seed is there, since it is not on
    /// this machine.
    pub waits_for: Option<PathBuf>,
}

impl Ran {
    fn new(vault: &Vault, state: VaultState) -> Self {
        let (name, kept_aside) = (vault.name.clone(), vault.kept_aside);
        let (ingested, increment, next, waits_for) = (None, None, None, None);
        let is_unmeasured = false;
        Ran { name, state, ingested, increment, next, kept_aside, waits_for, is_unmeasured }
    }
}
