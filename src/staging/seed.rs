//! `seed.json`: what a staging path holds and where it goes. Every path in it is relative to the
//! staging path where that is possible, since another machine may mount it elsewhere.

use std::path::{Component, Path, PathBuf};

use disk_prep::noun::{
    AccountId, AccountName, Contact, ContainerName, JobName, ResourceGroup, Service,
    SubscriptionId, VaultName,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::agent::Workload;
use super::contents::Contents;
use super::error::Error;
use super::hosts::{StagedHost, Stager};
use crate::repository::{Choice, Settings};

const VERSION: u32 = 1;

/// What a staging path holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed {
    /// Version of the form.
    pub version: u32,
    /// The seed's own name.
    pub id: Uuid,
    /// Whether it was written by us or taken as it stood.
    pub origin: Origin,
    /// What the data is.
    pub kind: SeedKind,
    /// How far it is.
    pub state: SeedState,
    /// Where the data is: relative to the staging path, or absolute if it lies elsewhere.
    pub data: PathBuf,
    /// Where it goes.
    #[serde(flatten)]
    pub target: Destination,
    /// What was backed up, absolute on the source machine.
    #[serde(default)]
    pub sources: Vec<PathBuf>,
    /// What of it was taken.
    #[serde(flatten)]
    pub choice: Choice,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When it was finished.
    #[serde(default)]
    pub finished_at: Option<Timestamp>,
    /// What it amounts to, once finished.
    #[serde(default)]
    pub totals: Totals,
    /// Whose staging folder was adopted, if it is that of an agent: then all files are page blobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<Workload>,
    /// Whether the keys of its repository go over the network, and onto no drive.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hold_keys: bool,
    /// What its repository consisted of when it was staged or adopted; earlier programs wrote it for one
    /// that was adopted only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contents: Option<Contents>,
    /// How its repository was asked to be made; not known of an earlier program's, and of no matter
    /// where it joins a vault, which has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
    /// The vault that it joins: it holds only what that did not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<VaultName>,
    /// The machines that have staged into it, the first one first; a record of an earlier program
    /// has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<StagedHost>,
    /// The machines that have begun to stage into it and not ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stagers: Vec<Stager>,
    /// Parcels whose numbers were told to the service, by their jobs; the service is the truth.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parcels: Vec<ParcelSent>,
}

/// A parcel as it was told to the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParcelSent {
    /// Its job.
    pub job: String,
    /// Who brings it.
    pub carrier: String,
    /// Its tracking number.
    pub tracking_number: String,
    /// When that was told, by the service's time.
    pub told_at: Timestamp,
}

/// Where a seed comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Written by `stage`.
    Written,
    /// Taken as it stood by `stage adopt`.
    Adopted,
}

/// What the data of a seed is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeedKind {
    /// A restic repository.
    Repository,
    /// Any files.
    Files,
}

/// How far a seed is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeedState {
    /// A backup is being written.
    Unfinished,
    /// Complete and checked.
    Finished,
    /// The vault has all of it; the data here was cleared.
    Cleared,
}

/// Where a seed goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// The import job.
    pub job: JobName,
    /// The storage account.
    pub storage_account: AccountName,
    /// The same by its resource id, if it was named by that: it may lie in another group than the
    /// job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_account_id: Option<AccountId>,
    /// The container.
    pub container: ContainerName,
    /// Stands before every blob name; ends in a slash unless empty.
    pub prefix: String,
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The resource group.
    pub resource_group: ResourceGroup,
    /// Return address and carrier.
    #[serde(default)]
    pub contact: Option<Contact>,
    /// Region of the storage account.
    #[serde(default)]
    pub location: Option<String>,
    /// The service of its job; a record of an earlier program has none, and then it is the classic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
}

impl Destination {
    /// The account's resource id; one that was named by its name lies in the group of the job.
    pub fn account_id(&self) -> AccountId {
        self.storage_account_id.clone().unwrap_or_else(|| AccountId {
            subscription: self.subscription.clone(),
            resource_group: self.resource_group.clone(),
            account: self.storage_account.clone(),
        })
    }

    /// The service of its job.
    pub fn service(&self) -> Service {
        self.service.unwrap_or(Service::ImportExport)
    }
}

/// What a seed amounts to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Files to ship.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files of the source.
    pub source_files: u64,
    /// Their bytes.
    pub source_bytes: u64,
    /// Files of the source that could not be read.
    pub unreadable_files: u64,
}

impl Seed {
    /// A seed that begins now.
    pub fn begin(
        origin: Origin,
        kind: SeedKind,
        data: PathBuf,
        target: Destination,
        now: Timestamp,
    ) -> Self {
        Seed {
            version: VERSION,
            id: Uuid::new_v4(),
            origin,
            kind,
            state: SeedState::Unfinished,
            data,
            target,
            sources: Vec::new(),
            choice: Choice::default(),
            begun_at: now,
            finished_at: None,
            totals: Totals::default(),
            workload: None,
            hold_keys: false,
            contents: None,
            settings: None,
            vault: None,
            hosts: Vec::new(),
            stagers: Vec::new(),
            parcels: Vec::new(),
        }
    }

    /// What a `seed.json` says; `path` names it in errors.
    pub fn parse(path: &Path, text: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let damaged = |source| Error::Damaged { path: path.to_owned(), source };
        let Version { version } = serde_json::from_slice(text).map_err(damaged)?;
        if version > VERSION {
            return Err(Error::Newer { path: path.to_owned(), version, known: VERSION });
        }
        let seed: Seed = serde_json::from_slice(text).map_err(damaged)?;
        seed.check(path)?;
        Ok(seed)
    }

    /// Whether everything in it is what a seed of ours can hold; anybody may have written it.
    fn check(&self, path: &Path) -> Result<(), Error> {
        let is_in_place = match self.origin {
            Origin::Written => self.data == Path::new(REPOSITORY),
            Origin::Adopted if self.data.is_absolute() => is_absolute(&self.data),
            Origin::Adopted => is_plain(&self.data),
        };
        if !is_in_place {
            return Err(self.misplaced(path));
        }
        let wrong = |field| Err(Error::Field { path: path.to_owned(), field });
        let Destination { prefix, contact, location, .. } = &self.target;
        if self.origin == Origin::Written && self.kind != SeedKind::Repository {
            return wrong("kind");
        }
        if self.workload.is_some() && (self.origin, self.kind) != (Origin::Adopted, SeedKind::Files)
        {
            return wrong("workload");
        }
        if self.vault.is_some() && self.origin != Origin::Written {
            return wrong("vault");
        }
        if self.hold_keys && self.kind != SeedKind::Repository {
            return wrong("hold_keys");
        }
        if !is_prefix(prefix) {
            return wrong("prefix");
        }
        if self.target.account_id().account != self.target.storage_account {
            return wrong("storage_account_id");
        }
        if location.as_deref().is_some_and(|region| !is_region(region)) {
            return wrong("location");
        }
        if contact.as_ref().is_some_and(|contact| contact.check().is_err()) {
            return wrong("contact");
        }
        if self.sources.len() > MOST || !self.sources.iter().all(|source| is_absolute(source)) {
            return wrong("sources");
        }
        let is_text = |text: &str| text.len() <= TEXT_BYTES && !text.chars().any(char::is_control);
        let is_parcel = |own: &ParcelSent| {
            [&own.job, &own.carrier, &own.tracking_number].into_iter().all(|text| is_text(text))
        };
        if self.parcels.len() > MOST || !self.parcels.iter().all(is_parcel) {
            return wrong("parcels");
        }
        let is_choice = |choice: &Choice| {
            choice.texts().count() <= MOST && choice.texts().all(|text| text.len() <= PATH_BYTES)
        };
        if !is_choice(&self.choice) {
            return wrong("exclude");
        }
        let is_host = |own: &StagedHost| {
            is_text(&own.host)
                && own.sources.len() <= MOST
                && own.sources.iter().all(|source| is_absolute(source))
                && is_choice(&own.choice)
        };
        if self.hosts.len() > MOST || !self.hosts.iter().all(is_host) {
            return wrong("hosts");
        }
        if self.stagers.len() > MOST || !self.stagers.iter().all(|own| is_text(&own.host)) {
            return wrong("stagers");
        }
        Ok(())
    }

    /// The error for data in a place where it cannot be.
    pub(super) fn misplaced(&self, path: &Path) -> Error {
        Error::DataPlace { path: path.to_owned(), data: self.data.clone() }
    }

    /// The parts that drives have to bring together, so that a repository can be read; none of plain
    /// files.
    pub fn needed(&self) -> &'static [&'static str] {
        match (self.kind, self.hold_keys) {
            (SeedKind::Files, _) => &[],
            (SeedKind::Repository, false) => &["config", "keys", "index", "snapshots"],
            (SeedKind::Repository, true) => &["config", "index", "snapshots"],
        }
    }

    /// Takes the parcel of a job in, or over the one that it had; whether that is another.
    pub fn keep_parcel(&mut self, parcel: ParcelSent) -> bool {
        let number = |own: &ParcelSent| (own.carrier.clone(), own.tracking_number.clone());
        match self.parcels.iter_mut().find(|own| own.job.eq_ignore_ascii_case(&parcel.job)) {
            Some(own) if number(own) == number(&parcel) => return false,
            Some(own) => *own = parcel,
            None => self.parcels.push(parcel),
        }
        true
    }

    /// The same seed, complete.
    pub fn finish(self, totals: Totals, now: Timestamp) -> Self {
        let (state, stagers) = (SeedState::Finished, Vec::new());
        Seed { state, finished_at: Some(now), totals, stagers, ..self }
    }
}

/// The folder of a repository that was written by us.
pub(super) const REPOSITORY: &str = "repo";
/// Sources and patterns of a seed, at most.
const MOST: usize = 10_000;
/// Bytes of a path, at most.
const PATH_BYTES: usize = 4096;
/// Bytes of a prefix, at most: a blob's name has room for the path below it.
const PREFIX_BYTES: usize = 512;
/// Bytes of a parcel's carrier or number, at most.
const TEXT_BYTES: usize = 1024;
/// Letters of a region's name, at most.
const REGION_LETTERS: usize = 64;

/// Whether a path has only plain names, and one at least.
pub(super) fn is_plain(path: &Path) -> bool {
    let mut parts = path.components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

fn is_absolute(path: &Path) -> bool {
    let is_plain = |part| matches!(part, Component::RootDir | Component::Normal(_));
    path.as_os_str().len() <= PATH_BYTES && path.is_absolute() && path.components().all(is_plain)
}

/// Empty, or plain segments that each end in a slash, and not the place of a vault's own blobs.
fn is_prefix(text: &str) -> bool {
    let is_segment = |segment: &str| {
        let is_letter = |c: char| !c.is_control() && c != '\\';
        !segment.is_empty() && segment != "." && segment != ".." && segment.chars().all(is_letter)
    };
    let Some(segments) = text.strip_suffix('/') else { return text.is_empty() };
    let first = segments.split('/').next();
    text.len() <= PREFIX_BYTES && first != Some("azseed") && segments.split('/').all(is_segment)
}

/// As Azure writes regions: `westeurope` or `West Europe`.
fn is_region(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || " ()-".contains(c);
    (1..=REGION_LETTERS).contains(&text.len()) && text.chars().all(is_letter)
}

#[cfg(test)]
mod example {
    use super::Destination;

    impl Destination {
        /// Some target, for tests.
        pub(in crate::staging) fn example() -> Self {
            serde_json::from_value(serde_json::json!({
                "job": "job-1", "storage_account": "seedaccount", "container": "seed", "prefix": "",
                "subscription": "00000000-0000-0000-0000-000000000000", "resource_group": "backup",
            }))
            .expect("every field is valid")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use disk_prep::noun::{Diagnose, ErrorKind};
    use serde_json::{Value, json};

    /// What is said of a seed with these fields changed.
    fn said(changes: &[(&str, Value)]) -> Result<Seed, Error> {
        let target = Destination::example();
        let at = Timestamp::UNIX_EPOCH;
        let seed = Seed::begin(Origin::Written, SeedKind::Repository, "repo".into(), target, at);
        let mut value = serde_json::to_value(&seed).unwrap();
        for (field, change) in changes {
            value[*field] = change.clone();
        }
        Seed::parse(Path::new("seed.json"), &serde_json::to_vec(&value).unwrap())
    }

    #[test]
    fn data_lies_in_repo_or_where_a_folder_was_adopted_and_nowhere_else() {
        assert!(said(&[]).is_ok());
        let written =
            ["", ".", "repo/../..", "../repo", "/etc", "/", "repo2", "repo/data", "journals"];
        for data in written {
            let error = said(&[("data", json!(data))]).unwrap_err();
            assert_eq!(
                (error.code(), error.kind()),
                ("seed-data-place", ErrorKind::Guard),
                "{data}"
            );
        }
        let adopted = |data: &str| said(&[("origin", json!("adopted")), ("data", json!(data))]);
        for data in ["", "..", "a/../../b", "/srv/../etc"] {
            assert_eq!(adopted(data).unwrap_err().code(), "seed-data-place", "{data}");
        }
        assert!(adopted("below/it").is_ok() && adopted("/srv/repository").is_ok());
    }

    #[test]
    fn fields_hold_only_what_a_seed_of_ours_can_hold() {
        let address = json!({
            "recipient_name": "A", "street_address_1": "B", "city": "C", "postal_code": "1",
            "country_or_region": "D", "phone": "1", "email": "a@b\nX-Header: 1",
        });
        let carrier = json!({"carrier_name": "FedEx", "carrier_account_number": "1"});
        let contact = json!({"return_address": address, "return_carrier": carrier});
        for (field, value) in [
            ("kind", json!("files")),
            ("prefix", json!("repo")),
            ("prefix", json!("../")),
            ("prefix", json!("azseed/")),
            ("prefix", json!("a\u{1b}[2J/")),
            ("prefix", json!("a/".repeat(300))),
            ("location", json!("west\u{1b}]0;x\u{7}")),
            ("location", json!("w".repeat(100))),
            ("contact", contact),
            (
                "parcels",
                json!([{"job": "a", "carrier": "b\n", "tracking_number": "1",
                "told_at": "2026-11-28T00:00:00Z"}]),
            ),
            ("sources", json!(["relative"])),
            ("sources", json!(["/a/../b"])),
            ("exclude", json!(["x".repeat(5000)])),
            ("hosts", json!([{"host": "a\nb", "sources": []}])),
            ("hosts", json!([{"host": "a", "sources": ["b"]}])),
        ] {
            let error = said(&[(field, value)]).unwrap_err();
            assert_eq!((error.code(), error.kind()), ("seed-invalid", ErrorKind::Guard), "{field}");
        }
        for (field, value) in [
            ("job", json!("job\u{1b}[31m")),
            ("container", json!("../etc")),
            ("storage_account", json!("a\nb")),
            ("id", json!("../../etc/passwd")),
        ] {
            assert_eq!(said(&[(field, value)]).unwrap_err().code(), "seed-damaged", "{field}");
        }
        assert!(said(&[("location", json!("West Europe")), ("prefix", json!("a b/c/"))]).is_ok());
    }
}
