//! `stage`: the seed of a staging path.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use disk_prep::noun::{ByteSize, Contact, Diagnose, ErrorKind, Hint, count, shell_word};
use disk_prep::sys::beneath::Folder;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::door::Door;
use super::{Failure, Outcome};
use crate::cli::{AdoptArgs, Global, SeedArgs, StageArgs, StageCommand, StageStatusArgs};
use crate::exit::Exit;
use crate::repository::{BackupDone, Choice, FolderStore, Linked, PatternForm, Settings};
use crate::staging::{
    Looked, Origin, Seed, SeedKind, SeedState, StageOptions, Staged, Staging, Target, Weak, adopt,
    begin, check_source, look, read_password, stage, stale_locks,
};
use crate::state::{State, drives_of};
use crate::ui::Ui;
use crate::vault::covered;

/// Runs `stage`.
pub fn run(
    args: &StageArgs,
    global: &Global,
    door: &Door<'_>,
    ui: &Ui,
) -> Result<Box<dyn Outcome>, Failure> {
    match &args.command {
        None => write(args, global, door, ui),
        Some(StageCommand::Adopt(args)) => take(args, global, door, ui),
        Some(StageCommand::Status(StageStatusArgs { staging, .. })) => {
            let staging = door.enter(staging)?;
            let seed = Seed::open(&staging)?;
            Ok(Box::new(SeedShown::of(seed, staging)))
        }
    }
}

fn take(
    args: &AdoptArgs,
    global: &Global,
    door: &Door<'_>,
    ui: &Ui,
) -> Result<Box<dyn Outcome>, Failure> {
    let AdoptArgs { source, password_file, seed } = args;
    let (path, target) = seed_of(seed)?;
    let given = password_file.as_deref();
    let password = given.map(|path| read_password(path, Weak::Accepted)).transpose()?;
    // Before anything is made, so that what cannot be adopted leaves nothing behind.
    let root = check_source(source)?;
    let told = match &password {
        Some(password) if root.join("config").exists() => {
            let at = |source| crate::staging::Error::Io { path: root.clone(), source };
            let base = Arc::new(Folder::open(&root).map_err(at)?);
            let store = FolderStore::new(base, "", Linked::Accepted);
            let path = root.clone();
            let failed = |source| crate::staging::Error::Repository { path, source };
            covered(store, password, ui.watcher()).map_err(failed)?.told()
        }
        _ => Vec::new(),
    };
    let state = State::open(global.state.as_deref())?;
    let staging = door.make(&path)?;
    let seed = adopt(source, &staging, target, Timestamp::now())?;
    state.remember(seed.id, &seed.target.job, staging.path(), drives_of(&staging.journals())?)?;
    let stale = stale_locks(&root);
    if stale > 0 {
        let locks = count(stale, "lock");
        ui.warn(&format!("{locks} of processes that are gone; `restic unlock` removes them"));
    }
    if let Some(path) = given.filter(|_| seed.kind == SeedKind::Repository) {
        state.remember_password(&seed, path)?;
    }
    Ok(Box::new(SeedShown { told, ..SeedShown::of(seed, staging) }))
}

fn write(
    args: &StageArgs,
    global: &Global,
    door: &Door<'_>,
    ui: &Ui,
) -> Result<Box<dyn Outcome>, Failure> {
    let (path, target) = seed_of(&args.seed)?;
    let state = State::open(global.state.as_deref())?;
    let weak = if args.weak_password { Weak::Accepted } else { Weak::Refused };
    let given = args.password_file.as_deref();
    // Read before anything is made, so that a password that cannot be used leaves nothing behind.
    given.map(|path| read_password(path, weak)).transpose()?;
    // Looked at before anything is made; whether the staging path may be trusted comes after.
    let seed = Staging::open(&path).ok().and_then(|staging| Seed::find(&staging).ok().flatten());
    let is_done = seed.is_some_and(|seed| seed.state != SeedState::Unfinished);
    let choice = Choice {
        exclude: args.exclude.clone(),
        exclude_form: PatternForm::Restic,
        one_file_system: args.one_file_system,
    };
    let looked = if is_done { Looked::default() } else { look(&args.sources, choice, &path)? };
    let staging = door.make(&path)?;
    for warning in &looked.warnings {
        ui.warn(warning);
    }
    let seed = begin(&staging, target, Timestamp::now())?;
    let is_new = !staging.data(&seed)?.store().has_config();
    let path = match (given, state.password_path(&seed)) {
        (Some(path), _) => state.remember_password(&seed, path)?,
        (None, Some(path)) => path,
        (None, None) if is_new => state.make_password(&seed)?,
        (None, None) => {
            return Err(
                crate::staging::Error::NoPassword { path: staging.path().to_owned() }.into()
            );
        }
    };
    let weak = if given.is_some() { weak } else { Weak::Accepted };
    let password = read_password(&path, weak)?;
    let options = StageOptions {
        plan: looked.plan,
        settings: Settings { compression: args.compression, pack_bytes: args.pack_size.0 },
    };
    let Staged { seed, backup } =
        stage(&staging, seed, &password, &options, Timestamp::now, ui.watcher())?;
    let drives = drives_of(&staging.journals())?;
    state.remember(seed.id, &seed.target.job, staging.path(), drives)?;
    let password = Some(path);
    Ok(Box::new(SeedShown { backup, password, ..SeedShown::of(seed, staging) }))
}

/// The staging path and the target that the flags name; clap has seen to it that all are there.
fn seed_of(args: &SeedArgs) -> Result<(PathBuf, Target), Failure> {
    let missing = |flag| MissingFlag { flag };
    let target = Target {
        job: args.job.clone().ok_or(missing("--job"))?,
        storage_account: args.storage_account.clone().ok_or(missing("--storage-account"))?,
        container: args.container.clone().ok_or(missing("--container"))?,
        prefix: String::new(),
        subscription: args.subscription.clone().ok_or(missing("--subscription"))?,
        resource_group: args.resource_group.clone().ok_or(missing("--resource-group"))?,
        contact: args.contact.as_deref().map(contact).transpose()?,
        location: args.location.clone(),
    };
    Ok((args.staging.clone().ok_or(missing("--staging"))?, target))
}

#[derive(Debug, thiserror::Error)]
#[error("{flag} is missing")]
pub(super) struct MissingFlag {
    pub flag: &'static str,
}

impl Diagnose for MissingFlag {
    fn code(&self) -> &'static str {
        "flag-missing"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        let is_of_seed = matches!(self.flag, "--job" | "--subscription" | "--resource-group");
        is_of_seed.then(|| Hint::new("name it, or the staging path whose seed says it"))
    }
}

/// A contact file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ContactError {
    #[error("Cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} is not a contact file")]
    Form {
        path: PathBuf,
        #[source]
        source: crate::config::TomlFault,
    },
    #[error(transparent)]
    Noun(#[from] disk_prep::noun::InvalidNoun),
}

impl Diagnose for ContactError {
    fn code(&self) -> &'static str {
        match self {
            ContactError::Read { .. } => "contact-unreadable",
            ContactError::Form { .. } | ContactError::Noun(_) => "contact-invalid",
        }
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
}

pub(super) fn contact(path: &Path) -> Result<Contact, ContactError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ContactError::Read { path: path.to_owned(), source })?;
    let contact: Contact = toml::from_str(&text).map_err(|error| ContactError::Form {
        path: path.to_owned(),
        source: crate::config::TomlFault::new(&error, &text),
    })?;
    contact.check()?;
    Ok(contact)
}

/// A seed, and what this run did for it.
struct SeedShown {
    seed: Seed,
    staging: Staging,
    backup: Option<BackupDone>,
    password: Option<PathBuf>,
    /// What increments will cover.
    told: Vec<String>,
}

impl SeedShown {
    fn of(seed: Seed, staging: Staging) -> Self {
        SeedShown { seed, staging, backup: None, password: None, told: Vec::new() }
    }

    fn changed(&self) -> &[String] {
        self.backup.as_ref().map_or(&[], |backup| &backup.changed)
    }

    fn unreadable(&self) -> &[String] {
        self.backup.as_ref().map_or(&[], |backup| &backup.unreadable)
    }
}

impl Outcome for SeedShown {
    fn lines(&self) -> Vec<String> {
        let Seed { kind, origin, state, totals, target, .. } = &self.seed;
        let what = match (kind, origin) {
            (SeedKind::Repository, Origin::Written) => "a repository, written by azseed",
            (SeedKind::Repository, Origin::Adopted) => "a repository, taken as it stands",
            (SeedKind::Files, _) => "files, taken as they stand",
        };
        let state = match state {
            SeedState::Finished => "finished",
            SeedState::Cleared => "cleared: the vault has it",
            SeedState::Unfinished => "not finished: run the same `azseed stage` again",
        };
        let mut lines = vec![
            format!("Staging path  {}", self.staging.path().display()),
            format!("Seed          {what}"),
            format!("Data          {}", self.seed.data_path(&self.staging).display()),
            format!("State         {state}"),
        ];
        if *origin == Origin::Written && self.seed.state == SeedState::Finished {
            let (files, bytes) = (count(totals.source_files, "file"), totals.source_bytes);
            lines.push(format!("Backed up     {files}, {}", ByteSize(bytes)));
        }
        let (files, bytes) = (count(totals.files, "file"), ByteSize(totals.bytes));
        lines.extend(match self.seed.state {
            SeedState::Finished => Some(format!("To ship       {files}, {bytes}")),
            SeedState::Cleared => Some(format!("Shipped       {files}, {bytes}")),
            SeedState::Unfinished => None,
        });
        lines.push(format!("Job           {}", target.job));
        let Target { storage_account, container, prefix, .. } = target;
        lines.push(format!("Destination   {storage_account}/{container}/{prefix}"));
        if let Some(path) = &self.password {
            let path = path.display();
            lines.push(format!("Password      in {path}: keep a copy elsewhere, nothing opens"));
            lines.push("              the backup without it".to_owned());
        }
        for reason in self.unreadable() {
            lines.push(format!("Not readable  {reason}"));
        }
        for what in self.changed() {
            lines.push(format!("Not steady    {what}"));
        }
        lines.extend(self.told.iter().cloned());
        if self.seed.state == SeedState::Finished {
            let staging = self.staging.path().to_string_lossy();
            let staging = shell_word(&staging);
            lines.push(format!("Next          `azseed plan --staging {staging} --drive-size 4T`"));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let Seed { id, kind, origin, state, totals, target, .. } = &self.seed;
        vec![json!({
            "type": "seed", "version": 1, "id": id, "kind": kind, "origin": origin, "state": state,
            "staging": self.staging.path(), "job": target.job, "storage_account": target.storage_account,
            "container": target.container, "prefix": target.prefix, "files": totals.files,
            "bytes": totals.bytes, "source_files": totals.source_files,
            "source_bytes": totals.source_bytes, "unreadable": self.unreadable(),
            "changed": self.changed(), "covers": self.told,
            "unreadable_files": totals.unreadable_files, "password_file": self.password,
            "snapshot": self.backup.as_ref().map(|backup| &backup.snapshot),
            "tree": self.backup.as_ref().map(|backup| &backup.tree),
        })]
    }

    fn exit(&self) -> Exit {
        let is_whole = self.unreadable().is_empty() && self.changed().is_empty();
        Exit::of((!is_whole).then_some(ErrorKind::LeftOut))
    }
}
