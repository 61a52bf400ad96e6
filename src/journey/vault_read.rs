//! What is read of a vault's repository: snapshots listed, looked into, searched, restored. Any
//! machine can do it that knows the vault, without a staging path and without root.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use disk_prep::noun::SnapshotPath;

use super::desk::Desk;
use super::vault::{failed, open};
use super::vault_meant::{VaultOptions, pick};
use crate::outcome::{Failure, MissingFlags};
use crate::repository::{
    Change, Depth, Entry, Patterns, Reason, RestoreDone, RestoreOptions, Snapshot, Whereto,
};
use crate::vault::{Error, Vault, this_host};

/// Entries that are shown together.
const BATCH: usize = 1000;

/// Which snapshot is meant.
#[derive(Debug, Clone, Default)]
pub struct Meant {
    /// By its id, with a path in it.
    pub snapshot: Option<SnapshotPath>,
    /// The machine that it is of.
    pub host: Option<String>,
    /// What it holds.
    pub source: Option<PathBuf>,
}

impl Meant {
    fn takes(&self, own: &Snapshot) -> bool {
        self.host.as_ref().is_none_or(|host| own.host == *host)
            && self.source.as_ref().is_none_or(|source| own.covers(source))
    }

    /// The snapshots that may be meant.
    fn all(&self, vault: &Vault, all: Vec<Snapshot>) -> Result<Vec<Snapshot>, Error> {
        let named = self.snapshot.as_ref().and_then(|own| own.id.as_deref());
        let is_named = |own: &Snapshot| named.is_none_or(|start| own.id.starts_with(start));
        let found: Vec<_> =
            all.into_iter().filter(|own| self.takes(own) && is_named(own)).collect();
        let narrowed = named.is_some() || self.host.is_some() || self.source.is_some();
        match found.is_empty() && narrowed {
            true => Err(self.none(vault)),
            false => Ok(found),
        }
    }

    fn none(&self, vault: &Vault) -> Error {
        let mut wanted = match self.snapshot.as_ref().and_then(|own| own.id.clone()) {
            Some(id) => id,
            None => "at all".to_owned(),
        };
        if let Some(host) = &self.host {
            wanted.push_str(&format!(" of {host}"));
        }
        if let Some(source) = &self.source {
            wanted.push_str(&format!(" with {}", source.display()));
        }
        Error::NoSnapshot { vault: vault.name.clone(), wanted }
    }

    /// The one snapshot that is meant: the named one, else the newest, if all others are of the
    /// same machine. Else nobody knows which is meant. What the others hold and it does not is told.
    pub fn one(
        &self,
        vault: &Vault,
        all: Vec<Snapshot>,
        tell: &dyn Fn(&str),
    ) -> Result<Snapshot, Error> {
        let mut found = self.all(vault, all)?;
        let named = self.snapshot.as_ref().and_then(|own| own.id.clone());
        if let Some(wanted) = named.filter(|_| found.len() > 1) {
            let (vault, count) = (vault.name.clone(), found.len());
            return Err(Error::ManySnapshots { vault, wanted, count });
        }
        let Some(newest) = found.pop() else { return Err(self.none(vault)) };
        let hosts = newest_of(&found, &newest, |own| own.host.clone());
        if hosts.len() > 1 {
            let choices = told(hosts, "--host");
            return Err(Error::WhichSnapshot { vault: vault.name.clone(), choices });
        }
        let is_in = |path: &&PathBuf| !newest.covers(path);
        let others: BTreeSet<String> = found
            .iter()
            .flat_map(|own| own.paths.iter().filter(is_in))
            .map(|path| path.display().to_string())
            .collect();
        if self.source.is_none() && !others.is_empty() {
            let others = others.into_iter().collect::<Vec<_>>().join(", ");
            tell(&format!(
                "snapshot {} is the newest; others hold {others}: name one with --source",
                &newest.id[..8]
            ));
        }
        Ok(newest)
    }

    /// The path in the snapshot that is meant.
    fn path(&self, other: Option<&PathBuf>) -> Result<Option<PathBuf>, Error> {
        let own = self.snapshot.as_ref().and_then(|own| own.path.clone());
        match (own, other) {
            (Some(one), Some(other)) if one != *other => {
                Err(Error::TwoPaths { one, other: other.clone() })
            }
            (own, other) => Ok(own.or(other.cloned())),
        }
    }
}

fn tell<'a>(desk: &'a Desk<'_>) -> impl Fn(&str) + 'a {
    |text| desk.attendant.warn(text)
}

fn newest_of<'a>(
    others: &'a [Snapshot],
    newest: &'a Snapshot,
    key: impl Fn(&Snapshot) -> String,
) -> BTreeMap<String, &'a Snapshot> {
    others.iter().chain([newest]).map(|own| (key(own), own)).collect()
}

fn told(choices: BTreeMap<String, &Snapshot>, flag: &str) -> Vec<String> {
    let told = |(name, own): (String, &Snapshot)| {
        format!("{flag} {name} (newest {} of {})", &own.id[..8], own.time)
    };
    choices.into_iter().map(told).collect()
}

/// The snapshots of a vault.
pub fn snapshots(
    meant: &Meant,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<Snapshots, Failure> {
    let vault = pick(options, desk)?;
    let snapshots = open(&vault, options, desk)?.snapshots();
    let snapshots = snapshots.map_err(|source| failed(&vault, source))?;
    Ok(Snapshots(meant.all(&vault, snapshots)?))
}

/// Shows what a snapshot holds: below a path, or its sources.
pub fn list(
    meant: &Meant,
    depth: Depth,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<Looked, Failure> {
    let vault = pick(options, desk)?;
    let failed = |source| failed(&vault, source);
    let repository = open(&vault, options, desk)?;
    let snapshot = meant.one(&vault, repository.snapshots().map_err(failed)?, &tell(desk))?;
    let browser = repository.browse().map_err(failed)?;
    let mut page = Page::new(&snapshot, desk);
    let mut damaged = Vec::new();
    let path = meant.path(None)?;
    if path.is_none() {
        for source in &snapshot.paths {
            page.add(browser.entry(&snapshot, source).map_err(failed)?.into_iter().collect());
        }
    }
    let below = match (path, depth) {
        (Some(path), _) => vec![path],
        (None, Depth::Everything) => snapshot.paths.clone(),
        (None, Depth::Folder) => Vec::new(),
    };
    for path in below {
        let mut show = |entries| page.add(entries);
        damaged.extend(browser.list(&snapshot, &path, depth, &mut show).map_err(failed)?);
    }
    page.show();
    Ok(Looked { found: page.shown, snapshots: 1, damaged })
}

/// Shows what of the snapshots matches a pattern.
pub fn find(
    texts: &[String],
    meant: &Meant,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<Looked, Failure> {
    let vault = pick(options, desk)?;
    let failed = |source| failed(&vault, source);
    let patterns = Patterns::parse(texts).map_err(failed)?;
    let repository = open(&vault, options, desk)?;
    let snapshots = repository.snapshots().map_err(failed)?;
    let snapshots = match &meant.snapshot {
        Some(_) => vec![meant.one(&vault, snapshots, &tell(desk))?],
        None => meant.all(&vault, snapshots)?,
    };
    let below = meant.path(None)?.unwrap_or(PathBuf::from("/"));
    let mut browser = repository.browse().map_err(failed)?;
    let mut looked = Looked { found: 0, snapshots: snapshots.len(), damaged: Vec::new() };
    for snapshot in &snapshots {
        let mut page = Page::new(snapshot, desk);
        let damaged = browser.search(snapshot, &below, &patterns, &mut |entries| page.add(entries));
        looked.damaged.extend(damaged.map_err(failed)?);
        page.show();
        looked.found += page.shown;
        if !desk.attendant.is_read() {
            break;
        }
    }
    Ok(looked)
}

/// How a snapshot is restored.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Which.
    pub meant: Meant,
    /// A path in it, if it does not stand behind the snapshot.
    pub path: Option<PathBuf>,
    /// The folder; without it where it was backed up.
    pub target: Option<PathBuf>,
    /// Whether that is wanted.
    pub is_in_place: bool,
    /// Whether it is only looked at what would change.
    pub is_dry_run: bool,
    /// What need not be as it was.
    pub ignored: BTreeSet<Reason>,
    /// How.
    pub how: RestoreOptions,
}

impl Wish {
    /// All of the newest snapshot below a folder.
    pub fn of_all(target: &Path, how: RestoreOptions) -> Self {
        Wish {
            meant: Meant::default(),
            path: None,
            target: Some(target.to_owned()),
            is_in_place: false,
            is_dry_run: false,
            ignored: BTreeSet::new(),
            how,
        }
    }
}

/// Restores a snapshot, or looks what that would change.
pub fn restore(wish: &Wish, options: &VaultOptions, desk: &Desk<'_>) -> Result<Restored, Failure> {
    let vault = pick(options, desk)?;
    let failed = |source| failed(&vault, source);
    let below = wish.meant.path(wish.path.as_ref())?;
    let place = match &wish.target {
        Some(folder) => Whereto::Folder(folder),
        None if wish.is_in_place => Whereto::InPlace,
        None => return Err(MissingFlags::one("--target").into()),
    };
    let how = RestoreOptions { below: below.clone(), ..wish.how.clone() };
    let repository = open(&vault, options, desk)?;
    let snapshot = wish.meant.one(&vault, repository.snapshots().map_err(failed)?, &tell(desk))?;
    if wish.is_in_place && !wish.is_dry_run {
        desk.attendant.consent(&in_place(&snapshot, below.as_deref()))?;
    }
    let (done, changes) = match wish.is_dry_run {
        true => {
            repository.preview(&snapshot, place, &how).map(|(done, changes)| (done, Some(changes)))
        }
        false => repository.restore(&snapshot, place, &how).map(|done| (done, None)),
    }
    .map_err(failed)?;
    Ok(Restored { snapshot, below, done, changes, ignored: wish.ignored.clone() })
}

/// What would be done in the place where it was backed up.
fn in_place(snapshot: &Snapshot, below: Option<&Path>) -> String {
    let own = snapshot.paths.iter().map(|path| path.display().to_string());
    let what = match below {
        Some(below) => below.display().to_string(),
        None => own.collect::<Vec<_>>().join(", "),
    };
    let here = this_host();
    let host = match snapshot.host == here {
        true => String::new(),
        false => format!(", which is of {} and not of {here}", snapshot.host),
    };
    format!(
        "Would write {what} as in snapshot {} of {}{host} over what is there; \
         `--dry-run` lists what would change",
        &snapshot.id[..8],
        snapshot.time
    )
}

/// Entries that are shown a page at a time.
struct Page<'a> {
    snapshot: &'a Snapshot,
    desk: &'a Desk<'a>,
    entries: Vec<Entry>,
    shown: usize,
}

impl<'a> Page<'a> {
    fn new(snapshot: &'a Snapshot, desk: &'a Desk<'a>) -> Self {
        Page { snapshot, desk, entries: Vec::new(), shown: 0 }
    }

    /// Adds entries; whether somebody still looks.
    fn add(&mut self, entries: Vec<Entry>) -> bool {
        self.entries.extend(entries);
        if self.entries.len() >= BATCH {
            self.show();
        }
        self.desk.attendant.is_read()
    }

    fn show(&mut self) {
        let entries = std::mem::take(&mut self.entries);
        if !entries.is_empty() {
            self.shown += entries.len();
            self.desk.attendant.show(&Entries { snapshot: self.snapshot.clone(), entries });
        }
    }
}

/// Snapshots, the oldest first.
#[derive(Debug)]
pub struct Snapshots(pub Vec<Snapshot>);

/// Entries of a snapshot.
#[derive(Debug)]
pub struct Entries {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// The entries.
    pub entries: Vec<Entry>,
}

/// What came of a look into snapshots.
#[derive(Debug)]
pub struct Looked {
    /// Entries that were shown.
    pub found: usize,
    /// Snapshots that were looked into.
    pub snapshots: usize,
    /// What could not be read.
    pub damaged: Vec<String>,
}

/// A snapshot that was restored, or looked at.
#[derive(Debug)]
pub struct Restored {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// The path in it that was meant.
    pub below: Option<PathBuf>,
    /// What came of it, or would.
    pub done: RestoreDone,
    /// What would change, if it was only looked at.
    pub changes: Option<Vec<Change>>,
    /// What need not be as it was.
    pub ignored: BTreeSet<Reason>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use disk_prep::noun::Diagnose;

    fn vault() -> Vault {
        serde_json::from_value(serde_json::json!({
            "version": 2, "name": "Office", "storage_account": "seedaccount",
            "container": "azseed-office", "prefix": "repo/",
        }))
        .unwrap()
    }

    fn snapshot(number: u8, host: &str, paths: &[&str]) -> Snapshot {
        Snapshot {
            id: format!("{number:02x}").repeat(32),
            tree: "00".repeat(32),
            time: jiff::Timestamp::from_second(number.into()).unwrap(),
            host: host.to_owned(),
            paths: paths.iter().map(PathBuf::from).collect(),
            tags: Vec::new(),
            files: None,
            bytes: None,
            is_pipe: false,
        }
    }

    fn chosen(meant: &Meant, all: &[Snapshot]) -> Result<u8, String> {
        chosen_telling(meant, all).0
    }

    fn chosen_telling(meant: &Meant, all: &[Snapshot]) -> (Result<u8, String>, String) {
        let told = std::cell::RefCell::new(String::new());
        let one = meant.one(&vault(), all.to_vec(), &|text| told.borrow_mut().push_str(text));
        let one = one.map(|own| own.time.as_second() as u8);
        (one.map_err(|error| format!("{} {error}", error.code())), told.into_inner())
    }

    #[test]
    fn the_newest_is_taken_only_where_nobody_can_mean_another() {
        let all = [
            snapshot(1, "web", &["/srv"]),
            snapshot(2, "mail", &["/var/mail"]),
            snapshot(3, "web", &["/srv", "/etc"]),
        ];
        let any = Meant::default();
        let of = |host: &str| Meant { host: Some(host.to_owned()), ..Meant::default() };
        let with = |path: &str| Meant { source: Some(path.into()), ..Meant::default() };
        let asked = chosen(&any, &all).unwrap_err();
        assert!(asked.starts_with("snapshot-of-which"), "{asked}");
        assert!(asked.contains("--host web (newest 03030303"), "{asked}");
        assert!(asked.contains("--host mail (newest 02020202"), "{asked}");
        assert_eq!(chosen(&of("web"), &all), Ok(3), "it holds all that the others hold");
        assert_eq!(chosen(&with("/var/mail/box"), &all), Ok(2));
        assert_eq!(chosen(&of("web"), &all[..1]), Ok(1));
        assert!(chosen(&of("ftp"), &all).unwrap_err().starts_with("snapshot-missing"));

        let apart = [snapshot(1, "web", &["/srv"]), snapshot(2, "web", &["/etc"])];
        let (newest, told) = chosen_telling(&any, &apart);
        assert_eq!(newest, Ok(2));
        assert!(told.contains("others hold /srv: name one with --source"), "{told}");
        assert_eq!(chosen(&with("/srv"), &apart), Ok(1));
        let named = |id: &str| Meant { snapshot: Some(id.parse().unwrap()), ..Meant::default() };
        assert_eq!(chosen(&named("02"), &all), Ok(2));
        assert!(chosen(&named("0"), &all).unwrap_err().starts_with("snapshot-ambiguous"));
        assert!(chosen(&any, &[]).unwrap_err().starts_with("snapshot-missing"));
    }
}
