//! The staging writer: the initial backup as a restic repository. Several machines may write at once:
//! each has packs, indexes and a snapshot of its own, and whoever is the last to end brings the
//! repository in order, checks it, and calls the seed finished. A killed run is gone on with.

use std::cell::OnceCell;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use disk_prep::monitor::Monitor;
use jiff::Timestamp;
use secrecy::SecretString;
use tracing::info;

use super::adopt::{check_unchanged, check_whole, totals};
use super::contents::Contents;
use super::door::Staging;
use super::error::Error;
use super::hosts::StagedHost;
use super::joined::{Drives, Turn};
use super::seed::{Seed, SeedKind, SeedState, Totals};
use super::stagers::HeldRecord;
use crate::repository::{
    BackupDone, BackupPlan, BlobStore, Error as RepositoryError, FolderStore, JoinStore,
    Repository, Settings, Snapshot, Store,
};

/// What is staged and how.
#[derive(Debug, Clone)]
pub struct StageOptions {
    /// What is backed up.
    pub plan: BackupPlan,
    /// How a new repository is made.
    pub settings: Settings,
    /// The name of this machine.
    pub host: String,
    /// Whether drives of the seed are begun.
    pub drives: Drives,
    /// The repository that the seed adds to.
    pub base: Option<Arc<BlobStore>>,
    /// Whether there is more than this machine has staged.
    pub adds: bool,
}

/// A staging path to which a machine has nothing more to add.
#[derive(Debug, Clone)]
pub struct Staged {
    /// Its seed; finished, unless others are still staging.
    pub seed: Seed,
    /// What this run backed up; `None` when there was nothing left to do.
    pub backup: Option<BackupDone>,
}

/// Backs up what this machine has, and finishes the seed if nobody else is at it. The record is held
/// when it begins, and for moments later. `now` is asked when it is.
pub fn stage(
    staging: &Staging,
    held: HeldRecord,
    password: &SecretString,
    options: &StageOptions,
    now: impl Fn() -> Timestamp,
    monitor: Arc<dyn Monitor>,
) -> Result<Staged, Error> {
    let seed = Seed::open(staging)?;
    match seed.turn(&options.host, options.drives, staging)? {
        Turn::Done if options.adds && options.drives == Drives::Begun => {
            return Err(Error::Closed {
                path: staging.path().to_owned(),
                host: options.host.clone(),
            });
        }
        Turn::Done if !options.adds => {
            check_there(&seed, staging)?;
            return Ok(Staged { seed, backup: None });
        }
        Turn::Done | Turn::Adds => {}
    }
    let _at_work = staging.claim_staging(&options.host)?;
    staging.expect_no_filler()?;
    let before = seed.clone();
    let seed = seed.entered(&options.host, now());
    seed.save(staging)?;
    let begun = Bench::of(staging, &seed, password, options, monitor)
        .and_then(|bench| bench.prepare(&seed).map(|()| bench));
    let bench = match begun {
        Ok(bench) => bench,
        Err(error) => {
            // It has not begun, so nobody need wait for it.
            before.save(staging)?;
            return Err(error);
        }
    };
    drop(held);
    // What a killed run of another machine left unfinished is ended by whoever comes.
    let is_new = options.adds || seed.staged_by(&options.host).is_none() || {
        let all = bench.open()?.snapshots().map_err(|source| bench.failed(source))?;
        !all.iter().any(|own| own.host == options.host)
    };
    let backup = match is_new {
        // What it is writing goes with the right to write it.
        true => Some(bench.back_up().map_err(|error| bench.released().unwrap_or(error))?),
        false => None,
    };
    if let Some(backup) = &backup {
        bench.note(backup)?;
        bench.drop_former(backup)?;
    }
    let seed = bench.end(&now)?;
    Ok(Staged { seed, backup })
}

/// What one machine stages with.
struct Bench<'a> {
    staging: &'a Staging,
    options: &'a StageOptions,
    password: &'a SecretString,
    monitor: Arc<dyn Monitor>,
    root: PathBuf,
    own: Arc<FolderStore>,
    whole: Arc<dyn Store>,
    /// The repository, once its key was stretched.
    opened: OnceCell<Repository>,
}

impl<'a> Bench<'a> {
    fn of(
        staging: &'a Staging,
        seed: &Seed,
        password: &'a SecretString,
        options: &'a StageOptions,
        monitor: Arc<dyn Monitor>,
    ) -> Result<Self, Error> {
        let data = staging.data(seed)?;
        let (root, own) = (data.path(), Arc::new(data.store().written_by(&options.host)));
        let failed = |source| Error::Repository { path: root.clone(), source };
        if !own.has_config() {
            own.clear_unborn().map_err(failed)?;
        }
        let whole: Arc<dyn Store> = match &options.base {
            None => own.clone(),
            Some(base) => {
                let joined = Arc::new(JoinStore::new(own.clone(), base.clone()));
                if !joined.take_over().map_err(failed)? {
                    let vault = seed.vault.clone();
                    return Err(Error::NotOfVault { path: root, vault });
                }
                joined
            }
        };
        let opened = OnceCell::new();
        Ok(Bench { staging, options, password, monitor, root, own, whole, opened })
    }

    fn failed(&self, source: RepositoryError) -> Error {
        Error::Repository { path: self.root.clone(), source }
    }

    fn open(&self) -> Result<Repository, Error> {
        let opened = match self.opened.get() {
            // Each step sees what the one before it has written.
            Some(opened) => opened.again(),
            None => Repository::open(self.whole.clone(), self.password, self.monitor.clone())
                .and_then(|first| self.opened.get_or_init(|| first).again()),
        };
        opened.map_err(|source| self.failed(source))
    }

    /// Makes the repository if there is none, and brings it in order if nobody else is at it. The
    /// record is held.
    fn prepare(&self, seed: &Seed) -> Result<(), Error> {
        let is_new = !self.own.has_config();
        let others = seed.others_than(&self.options.host).len();
        info!(root = %self.root.display(), is_new, others, "stages");
        if is_new {
            let settings = self.options.settings;
            let (store, monitor) = (self.own.clone(), self.monitor.clone());
            let made = Repository::create(store, self.password, settings, monitor);
            return made.map(drop).map_err(|source| self.failed(source));
        }
        match others {
            0 => self.put_in_order(),
            // Finished packs that no index names are theirs, and they will name them.
            _ => self.own.sweep_own().map(drop).map_err(|source| self.failed(source)),
        }
    }

    /// Brings packs into the index that killed runs finished, and removes what they did not finish.
    /// Nobody writes meanwhile. What is added to is not put in order from here.
    fn put_in_order(&self) -> Result<(), Error> {
        let swept = self.own.sweep().map_err(|source| self.failed(source))?;
        info!(swept, "the repository is put in order");
        let opened = || {
            let own: Arc<dyn Store> = self.own.clone();
            Repository::open(own, self.password, self.monitor.clone())
        };
        opened().and_then(|own| own.repair_index()).map_err(|source| self.failed(source))
    }

    /// Backs up, and makes sure that the sources are still there then.
    fn back_up(&self) -> Result<BackupDone, Error> {
        let plan =
            &BackupPlan { host: Some(self.options.host.clone()), ..self.options.plan.clone() };
        let seen: Vec<_> = plan.sources.iter().map(|path| identity(path)).collect();
        let backup = self.open()?.back_up(plan);
        let is_gone = |(path, seen): &(&PathBuf, _)| identity(path) != *seen;
        if let Some((path, _)) = plan.sources.iter().zip(seen).find(is_gone) {
            // Its snapshot would pass for a whole backup; what was read of it is used again.
            if let Ok(backup) = backup {
                self.drop_snapshot(&backup)?;
            }
            return Err(Error::SourceGone { path: path.clone() });
        }
        let backup = backup.map_err(|source| self.failed(source))?;
        info!(snapshot = backup.snapshot, files = backup.files, bytes = backup.bytes, "backed up");
        Ok(backup)
    }

    /// Removes what this machine has staged before, all of which is in its new snapshot. Where a
    /// seed joins a vault, its snapshots stand with those of the vault, and it stays.
    fn drop_former(&self, backup: &BackupDone) -> Result<(), Error> {
        if !self.options.adds || self.options.base.is_some() {
            return Ok(());
        }
        let all = self.open()?.snapshots().map_err(|source| self.failed(source))?;
        let is_former =
            |own: &&Snapshot| own.host == self.options.host && own.id != backup.snapshot;
        let mut former = all.iter().filter(is_former);
        former
            .try_for_each(|own| self.open()?.remove(&own.id).map_err(|source| self.failed(source)))
    }

    fn drop_snapshot(&self, backup: &BackupDone) -> Result<(), Error> {
        self.open()?.remove(&backup.snapshot).map_err(|source| self.failed(source))
    }

    /// Writes down what was backed up. Who was released meanwhile adds nothing: by now the seed may
    /// be on drives.
    fn note(&self, backup: &BackupDone) -> Result<(), Error> {
        let StageOptions { host, plan, .. } = self.options;
        let _held = self.staging.hold_record()?;
        if let Some(released) = self.released() {
            self.drop_snapshot(backup)?;
            return Err(released);
        }
        let seed = Seed::open(self.staging)?;
        let new = StagedHost {
            host: host.clone(),
            sources: plan.sources.clone(),
            choice: plan.choice.clone(),
            files: backup.files,
            bytes: backup.bytes,
            unreadable_files: backup.unreadable.len() as u64,
        };
        seed.staged(new).save(self.staging)
    }

    /// The error of a machine that others have gone on without, if it is one.
    fn released(&self) -> Option<Error> {
        let seed = Seed::open(self.staging).ok()?;
        let is_at_work = seed.stagers.iter().any(|own| own.host == self.options.host);
        let path = || self.staging.path().to_owned();
        (!is_at_work).then(|| Error::Released { path: path(), host: self.options.host.clone() })
    }

    /// Finishes the seed, or leaves that to those who are still at it.
    fn end(&self, now: &impl Fn() -> Timestamp) -> Result<Seed, Error> {
        let host = &self.options.host;
        loop {
            let held = self.staging.hold_record()?;
            let before = Seed::open(self.staging)?;
            if !before.others_than(host).is_empty() {
                return self.leave(before);
            }
            self.put_in_order()?;
            drop(held);
            let checked = self.check();
            let _held = self.staging.hold_record()?;
            let seed = Seed::open(self.staging)?;
            if !seed.others_than(host).is_empty() {
                return self.leave(seed);
            }
            if seed.hosts != before.hosts {
                // Somebody has come and gone, and the check may have met the midst of it.
                continue;
            }
            checked?;
            let shipped = totals(&self.root, SeedKind::Repository)?;
            let Totals { files, bytes, .. } = shipped;
            let totals = Totals { files, bytes, ..seed.totals.clone() };
            let contents = Contents::of(&self.root);
            let contents = contents.map_err(|source| Error::of_io(self.root.clone(), source))?;
            let seed = Seed { contents: Some(contents), ..seed }.finish(totals, now());
            seed.save(self.staging)?;
            return Ok(seed);
        }
    }

    /// Ends for this machine; the record is held.
    fn leave(&self, seed: Seed) -> Result<Seed, Error> {
        let seed = seed.left(&self.options.host);
        seed.save(self.staging)?;
        Ok(seed)
    }

    fn check(&self) -> Result<(), Error> {
        let repository = self.open()?;
        let checked = match &self.options.base {
            // Others write to what it is added to.
            Some(_) => repository.check_among_others(),
            None => repository.check(),
        };
        checked.map_err(|source| self.failed(source))?;
        info!("the repository is checked");
        Ok(())
    }
}

/// Refuses to call a seed done of which something is gone since.
fn check_there(seed: &Seed, staging: &Staging) -> Result<(), Error> {
    if seed.state != SeedState::Finished {
        return Ok(());
    }
    let root = staging.data(seed)?.path();
    let Totals { files, bytes, .. } = totals(&root, seed.kind)?;
    check_whole(seed, &root, files, bytes)?;
    check_unchanged(seed, staging)
}

/// Which folder a path leads to; `None` if it is not there. A file may be replaced by another
/// while it is read, so all are alike.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::metadata(path).ok()?;
    if !found.is_dir() {
        return Some((0, 0));
    }
    fs::read_dir(path).ok()?;
    Some((found.dev(), found.ino()))
}
