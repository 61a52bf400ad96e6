//! `stage` on a seed that is there: what is asked is compared with what is recorded, and nothing of it
//! is dropped in silence (`design`, "The same command, asked differently").

use std::fmt::Display;
use std::path::{Path, PathBuf};

use disk_prep::noun::{ByteSize, Diagnose, ErrorKind, Service, shell_word};

use super::settings::Given;
use crate::outcome::Attendant;
use crate::repository::{Choice, Settings};
use crate::staging::{Destination, Seed, SeedState};

/// Which values of a call stand on its command line; others are settings, which a record goes
/// before.
#[derive(Debug, Clone, Copy, Default)]
pub struct Typed {
    /// The storage account.
    pub storage_account: bool,
    /// The container.
    pub container: bool,
    /// The subscription.
    pub subscription: bool,
    /// The resource group.
    pub resource_group: bool,
    /// The region.
    pub location: bool,
    /// The contact.
    pub contact: bool,
    /// What is backed up.
    pub sources: bool,
    /// What of it is left out.
    pub filters: bool,
    /// How much its repository is compressed.
    pub compression: bool,
    /// How large its packs are.
    pub pack_size: bool,
}

/// A seed that is not what is asked for.
#[derive(Debug, thiserror::Error)]
#[error("The seed in {} is not what is asked for:\n  {}", path.display(), differences.join("\n  "))]
pub struct AskedDifferently {
    path: PathBuf,
    differences: Vec<String>,
}

impl Diagnose for AskedDifferently {
    fn code(&self) -> &'static str {
        "stage-asked-differently"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
}

/// What was asked besides what names the seed.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Where it shall go; its service is the seed's.
    pub target: &'a Destination,
    /// The service that is asked for.
    pub service: Option<&'a Given<Service>>,
    /// What of that was typed.
    pub typed: Typed,
    /// What shall be backed up, and what of it; none for what is taken as it stands.
    pub sources: Option<(&'a [PathBuf], &'a Choice)>,
    /// How its repository shall be made; none for what is taken as it stands.
    pub settings: Option<Settings>,
    /// The name of this machine.
    pub host: &'a str,
    /// Whether a drive of the seed is begun, which closes it.
    pub is_closed: bool,
}

/// Refuses what is typed and recorded otherwise; a setting that is recorded otherwise is told and
/// not used.
pub fn expect_same(
    seed: &Seed,
    path: &Path,
    asked: &Request<'_>,
    attendant: &dyn Attendant,
) -> Result<(), AskedDifferently> {
    let mut differences = Vec::new();
    for own in
        place(seed, path, asked).into_iter().chain(data(seed, asked)).chain(made(seed, asked))
    {
        match (own.is_same, own.is_typed) {
            (true, _) => {}
            (false, true) => differences.push(own.words),
            (false, false) => attendant.tell_unused(&format!(
                "{} that is set for all calls is not used: the seed in {} has its own",
                own.what,
                path.display()
            )),
        }
    }
    match differences.is_empty() {
        true => Ok(()),
        false => Err(AskedDifferently { path: path.to_owned(), differences }),
    }
}

/// What a seed that is closed has for an answer.
const NEXT_SEED: &str = "a drive of it is begun, so make the next seed: the same call with another \
                         `--staging` and `--job`";

const ACCOUNT: (&str, &str) = ("A storage account", "--storage-account");
const CONTAINER: (&str, &str) = ("A container", "--container");
const SUBSCRIPTION: (&str, &str) = ("A subscription", "--subscription");
const GROUP: (&str, &str) = ("A resource group", "--resource-group");
const REGION: (&str, &str) = ("A region", "--location");
const SERVICE: (&str, &str) = ("A service", "--service");

/// A value that is asked for beside the one that is recorded.
struct Compared {
    what: &'static str,
    is_same: bool,
    is_typed: bool,
    /// What differs, and what would do it.
    words: String,
}

/// Where the seed goes, and whom its drives go back to.
fn place(seed: &Seed, path: &Path, asked: &Request<'_>) -> Vec<Compared> {
    let staging = shell_word(&path.to_string_lossy()).into_owned();
    let set = |flag: &str| format!("`azseed stage set --staging {staging} {flag}`");
    let before_drives = |flag: &str| if asked.is_closed { NEXT_SEED.to_owned() } else { set(flag) };
    let (held, new, typed) = (&seed.target, asked.target, asked.typed);
    // Azure does not tell names apart by case.
    let compared = |(what, flag): (&'static str, &str), held: Option<&str>, new: &str, is_typed| {
        let said = held.unwrap_or("not said");
        let line = before_drives(&format!("{flag} {}", shell_word(new)));
        Compared {
            what,
            is_same: held.is_some_and(|held| held.eq_ignore_ascii_case(new)),
            is_typed,
            words: format!(
                "{} is {said}, and {new} is asked for: {line}",
                what.replacen('A', "the", 1)
            ),
        }
    };
    let mut all = Vec::new();
    // Of these three, one that is set for all calls was told where the staging path was entered.
    for (what, held, new, is_typed) in [
        (
            ACCOUNT,
            held.storage_account.as_str(),
            new.storage_account.as_str(),
            typed.storage_account,
        ),
        (CONTAINER, held.container.as_str(), new.container.as_str(), typed.container),
        (SUBSCRIPTION, held.subscription.as_str(), new.subscription.as_str(), typed.subscription),
    ] {
        all.extend(is_typed.then(|| compared(what, Some(held), new, true)));
    }
    let (group, asked_group) = (held.resource_group.as_str(), new.resource_group.as_str());
    all.push(compared(GROUP, Some(group), asked_group, typed.resource_group));
    if let Some(location) = &new.location {
        all.push(compared(REGION, held.location.as_deref(), location, typed.location));
    }
    if let Some(service) = asked.service {
        let (held, new) = (held.service().to_string(), service.value.to_string());
        all.push(compared(SERVICE, Some(&held), &new, service.is_typed()));
    }
    if new.contact.is_some() {
        all.push(Compared {
            what: "A contact",
            is_same: new.contact == held.contact,
            is_typed: typed.contact,
            words: format!("the contact is another: {}", set("--contact FILE")),
        });
    }
    all
}

/// What is backed up, and what of it.
fn data(seed: &Seed, asked: &Request<'_>) -> Vec<Compared> {
    let (Some((sources, choice)), Some((staged, filters))) =
        (asked.sources, staged(seed, asked.host))
    else {
        return Vec::new();
    };
    let words = other_sources(staged, sources, asked.is_closed);
    let told = choice.told();
    let other = "what is left out of the sources is said otherwise: make a seed with another \
                 `--staging` and `--job`";
    vec![
        Compared {
            what: "A source",
            is_same: words.is_empty(),
            is_typed: asked.typed.sources,
            words: words.join("\n  "),
        },
        Compared {
            what: "A filter",
            // Who says nothing of it asks for nothing else.
            is_same: told.is_empty() || told == filters.told(),
            is_typed: asked.typed.filters,
            words: other.to_owned(),
        },
    ]
}

/// How the repository is made. Who says nothing of it asks for nothing else.
fn made(seed: &Seed, asked: &Request<'_>) -> Vec<Compared> {
    let (Some(held), Some(new)) = (seed.settings, asked.settings) else { return Vec::new() };
    let (usual, typed) = (Settings::default(), asked.typed);
    let words = |what, held: &dyn Display, new: &dyn Display| {
        format!(
            "{what} is {held}, and {new} is asked for: make a seed with another `--staging` and \
             `--job`"
        )
    };
    vec![
        Compared {
            what: "A compression level",
            is_same: new.compression == held.compression
                || !typed.compression && new.compression == usual.compression,
            is_typed: typed.compression,
            words: words("the compression level", &held.compression, &new.compression),
        },
        Compared {
            what: "A size of packs",
            is_same: new.pack_bytes == held.pack_bytes
                || !typed.pack_size && new.pack_bytes == usual.pack_bytes,
            is_typed: typed.pack_size,
            words: words(
                "the size of packs",
                &ByteSize(held.pack_bytes),
                &ByteSize(new.pack_bytes),
            ),
        },
    ]
}

/// What this machine has staged, and what of it; what it has not ended yet is not recorded.
fn staged<'a>(seed: &'a Seed, host: &str) -> Option<(&'a [PathBuf], &'a Choice)> {
    match seed.staged_by(host) {
        Some(own) => Some((&own.sources, &own.choice)),
        None if seed.hosts.is_empty() && seed.state != SeedState::Unfinished => {
            Some((&seed.sources, &seed.choice))
        }
        None => None,
    }
}

/// How sources differ from those that are staged.
fn other_sources(staged: &[PathBuf], sources: &[PathBuf], is_closed: bool) -> Vec<String> {
    let real = |path: &PathBuf| std::fs::canonicalize(path).or_else(|_| std::path::absolute(path));
    let asked: Vec<_> = sources.iter().filter_map(|path| real(path).ok()).collect();
    let listed = |paths: Vec<&PathBuf>| {
        let words: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
        (!words.is_empty()).then(|| words.join(", "))
    };
    let more = listed(asked.iter().filter(|path| !staged.contains(path)).collect());
    let fewer = listed(staged.iter().filter(|path| !asked.contains(path)).collect());
    let more = more.map(|more| {
        let how = match is_closed {
            true => NEXT_SEED,
            false => "the same call with `--add-source` in the place of `--source`",
        };
        format!("{more} is not backed up in it: {how}")
    });
    let fewer = fewer.map(|fewer| {
        format!(
            "{fewer} is backed up in it and not asked for: name it, or make a seed with another \
             `--staging` and `--job`"
        )
    });
    more.into_iter().chain(fewer).collect()
}
