//! The seed of a staging path: written by us, taken as it stands, or looked at.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use disk_prep::dataset::{FilesOptions, scan};
use disk_prep::noun::{BlobType, ImportDisposition, Service, count};
use disk_prep::sys::beneath::Folder;
use jiff::Timestamp;
use secrecy::SecretString;

use super::connections::CURRENT_SERVICE;
use super::desk::Desk;
use super::settings::Given;
use super::share::meant;
use super::stage_asked::{Request, Typed, expect_same};
use super::stage_join::{Asked, JoinOptions, Joint};
use super::stage_place::{LostSeed, has_drives, look_at_neighbours, seed_at};
use super::work::expect_no_secrets;
use crate::escrow::{Weak, read_password};
use crate::import_job::check_name;
use crate::outcome::Failure;
use crate::repository::{BackupDone, Choice, FolderStore, Linked, NotRead, Repository, Settings};
use crate::staging::{
    Destination, Drives, Error, Looked, Origin, Seed, SeedKind, SeedState, StageOptions, Staged,
    Staging, Workload, adopt, begin, check_apart, check_source, is_of_agent, look, stage,
    stale_locks,
};
use crate::staging::{Room, drives_of, expect_room};
use crate::state::State;
use crate::vault::{covered, this_host};

/// How a seed is written.
#[derive(Debug)]
pub struct WriteOptions {
    /// What is backed up.
    pub sources: Vec<PathBuf>,
    /// What of it is left out.
    pub choice: Choice,
    /// How the repository is written.
    pub settings: Settings,
    /// The repository's password; one is made without it.
    pub password_file: Option<PathBuf>,
    /// Whether a short password will do.
    pub weak: Weak,
    /// How much must be free where it is written.
    pub room: Room,
    /// The staging path.
    pub staging: PathBuf,
    /// Where the seed goes.
    pub target: Destination,
    /// The service of its job.
    pub service: Option<Given<Service>>,
    /// The vault that it joins; a rehearsal's joins none.
    pub join: Option<JoinOptions>,
    /// Which values were typed.
    pub typed: Typed,
    /// What is backed up besides what this machine has staged already.
    pub added: Vec<PathBuf>,
}

/// What is taken as it stands.
#[derive(Debug)]
pub struct AdoptOptions {
    /// A repository, or any folder.
    pub source: PathBuf,
    /// The repository's password.
    pub password_file: Option<PathBuf>,
    /// The staging path.
    pub staging: PathBuf,
    /// Where the seed goes.
    pub target: Destination,
    /// The service of its job.
    pub service: Option<Given<Service>>,
    /// Whose staging folder it is, if it is that of an agent.
    pub workload: Option<Workload>,
    /// Which values were typed.
    pub typed: Typed,
}

/// The destination with its service: the record's, else what is given, else the current one; the
/// job's name is one that it takes. What is given otherwise is told with all that differs.
fn settled(
    target: Destination,
    given: Option<&Given<Service>>,
    seed: Option<&Seed>,
) -> Result<Destination, Failure> {
    let held = seed.map(|seed| seed.target.service());
    let service = held.or(given.map(|given| given.value)).unwrap_or(CURRENT_SERVICE);
    check_name(service, &target.job)?;
    Ok(Destination { service: Some(service), ..target })
}

/// Looks at the seed of a staging path.
pub fn status(staging: &Path, desk: &Desk<'_>) -> Result<SeedShown, Failure> {
    let staging = desk.enter(&meant(staging, desk)?)?;
    let seed = Seed::open(&staging)?;
    Ok(SeedShown::of(seed, staging))
}

/// Goes on without a machine that has begun to stage and will not end: what it has written stays, its
/// snapshot is in the seed only if it was complete.
pub fn release(host: &str, path: &Path, desk: &Desk<'_>) -> Result<SeedShown, Failure> {
    let path = &meant(path, desk)?;
    let staging = desk.enter(path)?;
    let seed = Seed::open(&staging)?;
    if !staging.knows_at_work(&seed, host)? {
        return Err(Error::NoStager { path: path.to_owned(), host: host.to_owned() }.into());
    }
    let since = seed.stagers.iter().find(|own| own.host == host);
    let since = since.map_or(String::new(), |own| format!(" since {:.0}", own.since));
    desk.attendant.consent(&format!(
        "Would go on without {host}, which is at work on {}{since}: if it is not dead, what it is \
         staging is lost",
        path.display()
    ))?;
    let seed = staging.release(host)?;
    let told = vec![match seed.hosts.first() {
        Some(own) if seed.stagers.is_empty() && seed.state == SeedState::Unfinished => {
            format!("{host} is released: the same `azseed stage` on {} again finishes it", own.host)
        }
        _ => format!("{host} is released"),
    }];
    Ok(SeedShown { told, ..SeedShown::of(seed, staging) })
}

/// What increments will cover of a repository that is to be adopted.
fn coverage(root: &Path, password: &SecretString, desk: &Desk<'_>) -> Result<Vec<String>, Failure> {
    let at = |source| Error::Io { path: root.to_owned(), source };
    let base = Arc::new(Folder::open(root).map_err(at)?);
    let store = FolderStore::new(base, "", Linked::Accepted);
    let failed = |source| Error::Repository { path: root.to_owned(), source };
    Ok(covered(store, password, desk.attendant.monitor()).map_err(failed)?.told(None))
}

/// Takes a repository or a folder as it stands.
pub fn take(options: AdoptOptions, desk: &Desk<'_>) -> Result<SeedShown, Failure> {
    let AdoptOptions { source, password_file, staging: path, target, .. } = &options;
    let (service, workload) = (&options.service, &options.workload);
    let there = seed_at(path);
    let is_new = there.is_none();
    let target = settled(target.clone(), service.as_ref(), there.as_ref())?;
    if let Some(seed) = there.as_ref().filter(|own| is_of(own, &target, Origin::Adopted)) {
        let host = &this_host();
        let typed = options.typed;
        let is_closed = has_drives(path);
        let (target, service) = (&target, service.as_ref());
        let (sources, settings) = (None, None);
        let asked = Request { target, service, typed, sources, settings, host, is_closed };
        expect_same(seed, path, &asked, desk.attendant)?;
    }
    let given = password_file.as_deref();
    let password = given.map(|path| read_password(path, Weak::Accepted)).transpose()?;
    // Before anything is made, so that what cannot be adopted leaves nothing behind.
    let root = check_source(source)?;
    check_apart(&root, path)?;
    let kind = match root.join("config").exists() {
        true => SeedKind::Repository,
        false => SeedKind::Files,
    };
    let state = desk.state()?;
    if kind == SeedKind::Files {
        expect_no_secrets(&root, &state)?;
    }
    let held = there.and_then(|seed| seed.workload);
    let workload = workload_of(&root, *workload, held)?;
    if workload.is_some() {
        expect_pages(&root, &target)?;
    }
    let told = match &password {
        Some(password) if kind == SeedKind::Repository => coverage(&root, password, desk)?,
        _ => Vec::new(),
    };
    if is_new {
        let lost = LostSeed::at(path, &state);
        lost.map_or(Ok(()), |own| own.ask(&target, desk.attendant))?;
        look_at_neighbours((&target, kind), path, &state, desk.attendant)?;
    }
    let staging = desk.make(path)?;
    let seed = adopt(source, &staging, target, workload, Timestamp::now())?;
    if given.is_some() && seed.kind != SeedKind::Repository {
        desk.attendant.tell_unused("--password-file is not used: plain files have no password");
    }
    state.remember(seed.id, &seed.target.job, staging.path(), drives_of(&staging.journals())?)?;
    let stale = stale_locks(&root);
    if stale > 0 {
        let locks = count(stale, "lock");
        desk.attendant
            .warn(&format!("{locks} of processes that are gone; `restic unlock` removes them"));
    }
    if let Some(path) = given.filter(|_| seed.kind == SeedKind::Repository) {
        state.remember_password(&seed, path)?;
    }
    Ok(SeedShown { told, ..SeedShown::of(seed, staging) })
}

/// Whose staging folder it is: what was said, else what the seed there says; a folder that has what
/// an agent writes is that of one of them.
fn workload_of(
    root: &Path,
    said: Option<Workload>,
    held: Option<Workload>,
) -> Result<Option<Workload>, Error> {
    if said == Some(Workload::SystemState) {
        return Err(Error::SystemState);
    }
    let is_of_agent =
        is_of_agent(root).map_err(|source| Error::Io { path: root.to_owned(), source })?;
    match (said, is_of_agent) {
        (Some(_), false) => Err(Error::NoAgentBlobs { path: root.to_owned() }),
        (None, false) => Ok(None),
        (said, true) => Ok(said.or(held).or(Some(Workload::Agent))),
    }
}

/// Refuses what cannot become page blobs, all of it at once, before anything is made.
fn expect_pages(root: &Path, target: &Destination) -> Result<(), Failure> {
    let options = FilesOptions {
        job: target.job.clone(),
        container: target.container.clone(),
        prefix: String::new(),
        blob_type: BlobType::PageBlob,
        disposition: ImportDisposition::NoOverwrite,
        never: &[],
        only: None,
        together: &[],
    };
    Ok(scan(root, &options).map(drop)?)
}

/// What is asked, after a look at all that can be known before anything is made.
pub(super) struct Ready {
    /// Where the seed goes.
    pub target: Destination,
    /// The vault that it joins.
    pub joint: Option<Joint>,
    /// What is backed up; nothing where it is staged already.
    pub looked: Looked,
    /// This machine.
    pub host: String,
    /// Whether sources, or files that could not be read, are added to what this machine has staged.
    pub adds: bool,
    /// Whether all that is asked is staged already.
    pub is_done: bool,
}

/// Looks at what is asked. Nothing is made; whether the staging path may be trusted comes after.
pub(super) fn ready(options: &WriteOptions, desk: &Desk<'_>) -> Result<Ready, Failure> {
    let WriteOptions { added, weak, room, staging: path, typed, .. } = options;
    // A password that cannot be used leaves nothing behind.
    options.password_file.as_deref().map(|path| read_password(path, *weak)).transpose()?;
    let seed = seed_at(path);
    let service = options.service.as_ref();
    let target = settled(options.target.clone(), service, seed.as_ref())?;
    let host = this_host();
    let settings = Some(options.settings);
    let is_closed = has_drives(path);
    let (own, sources, typed) = (&host, None, *typed);
    let asked =
        Request { target: &target, service, typed, sources, settings, host: own, is_closed };
    let said = (options.sources.clone(), options.choice.clone(), added.as_slice());
    let (sources, choice) = settled_sources(seed.as_ref(), said, path, &asked, desk)?;
    let asked = Asked { seed: seed.as_ref(), target: &target, choice: &choice, staging: path };
    let joint = match &options.join {
        Some(join) => Joint::find(join, asked, desk)?,
        None => None,
    };
    // A seed that is there goes on; one that joins a vault holds only what that lacks.
    let expects_room = seed.is_none() && joint.is_none() && *room == Room::OfTheSources;
    let staged = seed.as_ref().and_then(|seed| seed.staged_by(&host));
    // What could not be read is tried again as long as the seed is open.
    let adds = staged.is_some_and(|own| {
        !added.is_empty() && own.sources != sources || own.unreadable_files > 0 && !is_closed
    });
    let is_done = seed.is_some_and(|seed| {
        seed.state != SeedState::Unfinished
            && !adds
            && (seed.hosts.is_empty() || seed.staged_by(&host).is_some())
    });
    let looked = if is_done { Looked::default() } else { look(&sources, choice, Some(path))? };
    if expects_room {
        expect_room(path, looked.plan.bytes)?;
    }
    Ok(Ready { target, joint, looked, host, adds, is_done })
}

/// Writes the initial backup, or finds it written.
pub fn write(options: WriteOptions, desk: &Desk<'_>) -> Result<SeedShown, Failure> {
    let Ready { target, joint, looked, host, adds, .. } = ready(&options, desk)?;
    let WriteOptions { settings, weak, staging: path, .. } = options;
    let (given, state) = (options.password_file.as_deref(), desk.state()?);
    if seed_at(&path).is_none() {
        let lost = LostSeed::at(&path, &state);
        lost.map_or(Ok(()), |own| own.ask(&target, desk.attendant))?;
        if joint.is_none() {
            look_at_neighbours((&target, SeedKind::Repository), &path, &state, desk.attendant)?;
        }
    }
    let staging = desk.make(&path)?;
    for warning in &looked.warnings {
        desk.attendant.warn(warning);
    }
    let vault = joint.as_ref().map(|joint| joint.name().clone());
    // Of several machines that begin at once one makes the seed, its password and its repository.
    let held = staging.hold_record()?;
    let seed = begin(&staging, &held, target, (vault, settings), Timestamp::now())?;
    let given = (given, weak);
    let (path, password) = secret(joint.as_ref(), given, &seed, &staging, desk)?;
    let drives = match drives_of(&staging.journals())?.is_empty() {
        true => Drives::None,
        false => Drives::Begun,
    };
    let base = joint.as_ref().map(Joint::base);
    let options = StageOptions { plan: looked.plan, settings, host, drives, base, adds };
    let Staged { seed, backup } =
        stage(&staging, held, &password, &options, Timestamp::now, desk.attendant.monitor())?;
    let drives = drives_of(&staging.journals())?;
    state.remember(seed.id, &seed.target.job, staging.path(), drives)?;
    if let Some(joint) = &joint {
        joint.link(&seed, &staging, desk)?;
    }
    let lacks = seed.staged_by(&this_host()).is_some_and(|own| own.unreadable_files > 0);
    let is_lacking = backup.is_none() && lacks;
    Ok(SeedShown { backup, password: path, is_lacking, ..SeedShown::of(seed, staging) })
}

/// What is backed up: what was asked, or with more what this machine has staged already. A seed that is
/// there must be what is asked for; another seed is refused as such later.
fn settled_sources(
    seed: Option<&Seed>,
    (sources, choice, added): (Vec<PathBuf>, Choice, &[PathBuf]),
    path: &Path,
    asked: &Request<'_>,
    desk: &Desk<'_>,
) -> Result<(Vec<PathBuf>, Choice), Failure> {
    let Some(own) = seed.filter(|own| is_of(own, asked.target, Origin::Written)) else {
        let is_nothing = !added.is_empty() && seed.is_none();
        let error = || Error::NotStaging { path: path.to_owned() };
        return if is_nothing { Err(error().into()) } else { Ok((sources, choice)) };
    };
    if added.is_empty() {
        let asked = Request { sources: Some((&sources, &choice)), ..*asked };
        expect_same(own, path, &asked, desk.attendant)?;
        return Ok((sources, choice));
    }
    expect_same(own, path, asked, desk.attendant)?;
    with_more(own, sources, added, asked.host, path)
}

/// The password of the repository, and the file it is in: the vault's that the seed joins, or one
/// that is given, known or made.
fn secret(
    joint: Option<&Joint>,
    (given, weak): (Option<&Path>, Weak),
    seed: &Seed,
    staging: &Staging,
    desk: &Desk<'_>,
) -> Result<(Option<PathBuf>, SecretString), Failure> {
    let state = desk.state()?;
    if let Some(joint) = joint {
        joint.announce(seed, desk)?;
        let path = joint.password_file();
        let path = path.map(|path| state.remember_password(seed, &path)).transpose()?;
        return Ok((path, joint.secret.clone()));
    }
    if let Some(path) = given {
        let password = read_password(path, weak)?;
        expect_to_open(&password, seed, staging, desk)?;
        return Ok((Some(state.remember_password(seed, path)?), password));
    }
    let path = password_place(seed, staging, &state)?;
    let password = read_password(&path, Weak::Accepted)?;
    Ok((Some(path), password))
}

/// Refuses a password that does not open the repository that is there, before it is remembered in the
/// place of the one that does.
fn expect_to_open(
    password: &SecretString,
    seed: &Seed,
    staging: &Staging,
    desk: &Desk<'_>,
) -> Result<(), Failure> {
    let data = staging.data(seed)?;
    let store = data.store();
    if store.has_config() {
        let opened = Repository::open(Arc::new(store), password, desk.attendant.monitor());
        opened.map_err(|source| Error::Repository { path: data.path(), source })?;
    }
    Ok(())
}

/// Whether a seed is the one that is asked for.
fn is_of(seed: &Seed, target: &Destination, origin: Origin) -> bool {
    seed.target.job == target.job && seed.origin == origin
}

/// What this machine has staged, with more; what is left out stays as it was said.
fn with_more(
    seed: &Seed,
    asked: Vec<PathBuf>,
    added: &[PathBuf],
    host: &str,
    path: &Path,
) -> Result<(Vec<PathBuf>, Choice), Failure> {
    let own = seed
        .staged_by(host)
        .ok_or_else(|| Error::NoStager { path: path.to_owned(), host: host.to_owned() })?;
    let mut sources = own.sources.clone();
    for path in asked.iter().chain(added) {
        let real =
            std::fs::canonicalize(path).map_err(|_| Error::NoSource { path: path.clone() })?;
        if !sources.contains(&real) {
            sources.push(real);
        }
    }
    Ok((sources, own.choice.clone()))
}

/// Where the password of a seed's repository is, if none is given; one is made for a repository that is
/// new.
fn password_place(seed: &Seed, staging: &Staging, state: &State) -> Result<PathBuf, Failure> {
    let is_new = !staging.data(seed)?.store().has_config();
    Ok(match state.password_path(seed) {
        Some(path) => path,
        None if is_new => state.make_password(seed)?,
        None => return Err(Error::NoPassword { path: staging.path().to_owned() }.into()),
    })
}

/// A seed, and what this run did for it.
#[derive(Debug)]
pub struct SeedShown {
    /// Its record.
    pub seed: Seed,
    /// Where it is.
    pub staging: Staging,
    /// The backup that was made.
    pub backup: Option<BackupDone>,
    /// The file with the repository's password.
    pub password: Option<PathBuf>,
    /// What increments will cover.
    pub told: Vec<String>,
    /// Whether this call asked for a backup that was made before, with files left out.
    pub is_lacking: bool,
    /// Whether a drive of it is begun.
    pub is_begun: bool,
}

impl SeedShown {
    fn of(seed: Seed, staging: Staging) -> Self {
        let (backup, password, told) = (None, None, Vec::new());
        let is_begun = drives_of(&staging.journals()).is_ok_and(|drives| !drives.is_empty());
        SeedShown { seed, staging, backup, password, told, is_lacking: false, is_begun }
    }

    /// Files that changed while they were read.
    pub fn changed(&self) -> &[String] {
        self.backup.as_ref().map_or(&[], |backup| &backup.changed)
    }

    /// Files that could not be read.
    pub fn unreadable(&self) -> &[NotRead] {
        self.backup.as_ref().map_or(&[], |backup| &backup.unreadable)
    }
}
