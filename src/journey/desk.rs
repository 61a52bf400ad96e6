//! The desk that journeys work at, and the one way into a staging path: who else can write there,
//! what this machine saw of it last, and what the command line consents to.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use disk_prep::noun::{Diagnose, ErrorKind, Hint, visible_line};

use super::foreign_journals::expect_own;
use super::settings::{Contradicted, Given, settle};
use crate::notify::Hooks;
use crate::outcome::{Attendant, Failure};
use crate::staging::{
    Change, Error as StagingError, Pin, PinWriter, Seed, Sight, Staging, Stranger, Why, strangers,
};
use crate::state::{State, StateError, expect_text, io_at};

/// Whose staging paths a run goes into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// Whatever a person names.
    Named,
    /// The one that a rehearsal makes for itself.
    Rehearsal,
}

/// What a call says of a staging path. Only what stands on the command line consents to anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consent {
    /// Whether one is taken that others can write to.
    pub is_shared: bool,
    /// The account that its seed must be for.
    pub storage_account: Option<Given<String>>,
    /// The account by its resource id.
    pub account_id: Option<Given<String>>,
    /// The container that its seed must be for.
    pub container: Option<Given<String>>,
    /// The subscription that its seed must be for.
    pub subscription: Option<Given<String>>,
}

impl Consent {
    /// Where there is no staging path, nothing is said of one.
    pub fn expect_none(&self) -> Result<(), NoStaging> {
        let flag = match self {
            Consent { is_shared: true, .. } => "--shared-staging",
            Consent { container: Some(given), .. } if given.is_typed() => "--container",
            _ => return Ok(()),
        };
        Err(NoStaging { flag })
    }
}

/// A flag that is about a staging path, where there is none.
#[derive(Debug, thiserror::Error)]
#[error("{flag} is about a staging path, and a dataset.csv has none")]
pub struct NoStaging {
    flag: &'static str,
}

impl Diagnose for NoStaging {
    fn code(&self) -> &'static str {
        "flag-without-staging"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
}

/// What every journey works at: this machine's memory, the way into staging paths, and who attends.
#[derive(Clone)]
pub struct Desk<'a> {
    /// The state directory that was named.
    pub state: Option<PathBuf>,
    /// What the command line consents to.
    pub consent: Consent,
    /// Whose staging paths it goes into.
    pub visit: Visit,
    /// Programs that are told what happens.
    pub hooks: Hooks,
    /// Who attends.
    pub attendant: &'a dyn Attendant,
}

/// Whether a staging path is made where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Made,
    Refused,
}

impl Desk<'_> {
    /// This machine's memory. Root acts on what stands there (which programs it runs, which drives
    /// it leaves alone), so that nobody else may write it, but for who became root by sudo.
    pub fn state(&self) -> Result<State, StateError> {
        let state = State::open(self.state.as_deref())?;
        let path = state.folder();
        if !rustix::process::geteuid().is_root() || self.visit == Visit::Rehearsal {
            return Ok(state);
        }
        let mut found = strangers(path).map_err(io_at(path))?;
        found.retain(|own| !matches!(own.why, Why::Owner(user) if Some(user) == sudo_user()));
        match found.is_empty() {
            true => Ok(state),
            false => {
                let why = found.iter().map(|own| visible_line(&own.to_string()).into_owned());
                Err(StateError::Shared { path: path.to_owned(), why: why.collect() })
            }
        }
    }

    /// Opens a staging path.
    pub fn enter(&self, path: &Path) -> Result<Staging, Failure> {
        self.pass(path, Missing::Refused)
    }

    /// Opens a staging path and makes it if need be.
    pub fn make(&self, path: &Path) -> Result<Staging, Failure> {
        expect_text(path)?;
        self.pass(path, Missing::Made)
    }

    /// Who else can write to a staging path, and the path held open.
    fn open(&self, path: &Path, missing: Missing) -> Result<(Vec<Stranger>, Staging), Failure> {
        let is_root = rustix::process::geteuid().is_root();
        let strangers = if is_root && self.visit == Visit::Named {
            let io = |source| StagingError::Io { path: path.to_owned(), source };
            strangers(path).map_err(io)?
        } else {
            Vec::new()
        };
        match (path.exists(), missing) {
            // Nothing is made where somebody else may have a hand in it.
            (false, Missing::Made) if !strangers.is_empty() && !self.consent.is_shared => {
                Err(Shared { path: path.to_owned(), strangers }.into())
            }
            (_, Missing::Made) => Ok((strangers, Staging::make(path)?)),
            (_, Missing::Refused) => Ok((strangers, Staging::open(path)?)),
        }
    }

    fn pass(&self, path: &Path, missing: Missing) -> Result<Staging, Failure> {
        let staging = self.admitted(path, missing)?;
        expect_own(&staging)?;
        Ok(staging)
    }

    fn admitted(&self, path: &Path, missing: Missing) -> Result<Staging, Failure> {
        // Nothing is made that could not be told from another's later.
        if missing == Missing::Made && self.visit != Visit::Rehearsal && !path.exists() {
            self.state()?.pins_at(path, None)?;
        }
        let (strangers, staging) = self.open(path, missing)?;
        let is_refused = !strangers.is_empty() && !self.consent.is_shared;
        if self.visit == Visit::Rehearsal {
            return Ok(staging);
        }
        let state = self.state()?;
        let place = fs::canonicalize(path)
            .map_err(|source| StagingError::Io { path: path.to_owned(), source })?;
        let is_ours = |state: &State| -> Result<bool, StateError> {
            let is_pinned = !state.pins_at(&place, None)?.is_empty();
            Ok(!is_pinned && strangers.is_empty() && !self.consent.is_shared)
        };
        let seed = match Seed::find(&staging) {
            Err(_) if is_refused => {
                return Err(Shared { path: path.to_owned(), strangers }.into());
            }
            // It keeps no drive from being opened; who needs the seed looks again.
            Err(StagingError::Damaged { .. } | StagingError::Newer { .. }) if is_ours(&state)? => {
                return Ok(staging);
            }
            seed => seed?,
        };
        let is_pinned = match &seed {
            Some(seed) => state.has_pin(seed.id)?,
            None => false,
        };
        let others = state.pins_at(&place, seed.as_ref().map(|seed| seed.id))?;
        if !is_pinned && others.is_empty() && !self.consent.is_shared {
            if !strangers.is_empty() {
                return Err(Shared { path: path.to_owned(), strangers }.into());
            }
            if let Some(seed) = &seed {
                self.compare_flags(path, seed, ErrorKind::Usage)?;
            }
            return Ok(staging);
        }
        let visit = Pinned { path, place: &place, state: &state, staging: &staging };
        match &seed {
            Some(seed) => self.look(&visit, seed, &others)?,
            // Where a seed begins anew, nothing is left of the one before.
            None if missing == Missing::Made => {
                if is_refused {
                    return Err(Shared { path: path.to_owned(), strangers }.into());
                }
                for pin in &others {
                    state.forget_pin(pin.seed.id)?;
                }
            }
            None => return Ok(staging),
        }
        let id = seed.map(|seed| seed.id);
        Ok(staging.remembered(Arc::new(PinWriter::new(state, place, id))))
    }

    /// Compares what is there with what was pinned, and pins what the command line consents to.
    fn look(&self, visit: &Pinned<'_>, seed: &Seed, others: &[Pin]) -> Result<(), Failure> {
        let Pinned { path, place, state, staging } = *visit;
        if let Some(other) = others.first() {
            let change = Change {
                what: "Seed".to_owned(),
                pinned: other.seed.id.to_string(),
                found: seed.id.to_string(),
                may_be_ours: false,
            };
            return Err(Changed { path: path.to_owned(), changes: vec![change] }.into());
        }
        let mut book = state.pin(seed.id)?;
        let (pin, intended) = (book.pin()?, book.intended()?);
        let sight = Sight::of(staging, seed)?;
        let changes = pin.as_ref().map(|pin| pin.changes(&intended, &sight));
        let is_new = changes.as_ref().is_none_or(|changes| !changes.is_empty());
        if is_new {
            let may_be_pinned = |changes: &Vec<Change>| {
                self.consent.is_shared && changes.iter().all(|change| change.may_be_ours)
            };
            if let Some(changes) = changes.clone().filter(|changes| !may_be_pinned(changes)) {
                return Err(Changed { path: path.to_owned(), changes }.into());
            }
            if !self.attendant.can_ask() {
                self.check_named()?;
            }
        }
        let kind = if is_new { ErrorKind::Guard } else { ErrorKind::Usage };
        self.compare_flags(path, seed, kind)?;
        if is_new {
            let told = match &changes {
                None => sight.lines(),
                Some(changes) => changes.iter().map(ToString::to_string).collect(),
            };
            let path = path.display();
            self.attendant.warn(&format!("pinned for this machine, of {path}:{}", below(&told)));
        }
        let mut all = pin.map(|pin| pin.ahead).unwrap_or_default();
        all.extend(intended);
        book.keep(&Pin::new(place.to_owned(), &sight, &all))?;
        Ok(())
    }

    /// In a script the command line says where the seed goes, before that is pinned.
    fn check_named(&self) -> Result<(), Unnamed> {
        let Consent { storage_account, container, subscription, .. } = &self.consent;
        let named = [
            ("--storage-account", storage_account),
            ("--container", container),
            ("--subscription", subscription),
        ];
        let is_missing =
            |given: &Option<Given<String>>| !given.as_ref().is_some_and(Given::is_typed);
        let missing = named.iter().filter(|(_, given)| is_missing(given));
        let flags: Vec<&'static str> = missing.map(|(flag, _)| *flag).collect();
        if flags.is_empty() { Ok(()) } else { Err(Unnamed { flags }) }
    }

    /// What the call says is what the seed says, or is not used.
    fn compare_flags(&self, path: &Path, seed: &Seed, kind: ErrorKind) -> Result<(), Contradicted> {
        let Consent { storage_account, account_id, container, subscription, .. } =
            self.consent.clone();
        let (target, path) = (&seed.target, path.display());
        let record = format!("the seed in {path} is for");
        // One that is another account by its name is told once.
        let is_named = |own: &Given<String>| own.value == target.storage_account.to_string();
        let is_same = storage_account.as_ref().is_some_and(is_named);
        let account_id = account_id.filter(|_| is_same);
        let settled = [
            (storage_account, target.storage_account.to_string()),
            (account_id, target.account_id().to_string()),
            (container, target.container.to_string()),
            (subscription, target.subscription.to_string()),
        ]
        .map(|(given, held)| settle(given, Some(held), &record, self.attendant).map(drop));
        Contradicted::none_of(settled).map_err(|error| error.of_kind(kind))
    }
}

/// Who became root for this run.
fn sudo_user() -> Option<u32> {
    std::env::var("SUDO_UID").ok()?.parse().ok()
}

/// A staging path that is compared with what was pinned.
#[derive(Clone, Copy)]
struct Pinned<'a> {
    path: &'a Path,
    place: &'a Path,
    state: &'a State,
    staging: &'a Staging,
}

/// A staging path that others can write to, and no consent.
#[derive(Debug, thiserror::Error)]
#[error("Others can write to the staging path {}: {}", path.display(), list(strangers))]
struct Shared {
    path: PathBuf,
    strangers: Vec<Stranger>,
}

impl Diagnose for Shared {
    fn code(&self) -> &'static str {
        "staging-shared"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Guard
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new(
            "close these folders to others; or, if those who can write there are trusted with what \
             is shipped, add `--shared-staging`, in a script with `--storage-account`, \
             `--container` and `--subscription`",
        ))
    }
}

/// A staging path that is not as this machine saw it last.
#[derive(Debug, thiserror::Error)]
#[error("The staging path {} is not as this machine saw it last: {}", path.display(), list(changes))]
struct Changed {
    path: PathBuf,
    changes: Vec<Change>,
}

impl Diagnose for Changed {
    fn code(&self) -> &'static str {
        "staging-changed"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Guard
    }
    fn hint(&self) -> Option<Hint> {
        let text = if self.changes.iter().all(|change| change.may_be_ours) {
            "if another machine of yours did this, add `--shared-staging`"
        } else {
            "no machine of yours does this; find out who did"
        };
        Some(Hint::new(text))
    }
}

/// In a script, consent without saying where the seed goes.
#[derive(Debug, thiserror::Error)]
#[error("In a script `--shared-staging` needs {} on the command line too", flags.join(", "))]
struct Unnamed {
    flags: Vec<&'static str>,
}

impl Diagnose for Unnamed {
    fn code(&self) -> &'static str {
        "staging-shared-unnamed"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Guard
    }
}

/// Many are told on a line each.
fn list<T: std::fmt::Display>(all: &[T]) -> String {
    match all {
        [one] => one.to_string(),
        all => below(all),
    }
}

/// All of them below each other: what is consented to is shown whole.
fn below<T: std::fmt::Display>(all: &[T]) -> String {
    all.iter().map(|one| format!("\n  {}", visible_line(&one.to_string()))).collect()
}
