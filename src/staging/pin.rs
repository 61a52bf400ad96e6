//! What decides in a staging path that others can write to, as this machine saw it last. What is
//! there now is compared with that: what this machine wrote itself is known, what another one
//! added is told apart from what must not change.

use std::collections::BTreeMap;
use std::path::PathBuf;

use disk_prep::journal::{Holder, Outline, Outlines, Standing};
use disk_prep::noun::{Contact, Sha256Digest};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::agent::Workload;
use super::door::Staging;
use super::error::Error;
use super::seed::{Origin, Seed, SeedKind};

const VERSION: u32 = 1;

/// What decides in a `seed.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeedPin {
    /// The seed's own name.
    pub id: Uuid,
    origin: Origin,
    kind: SeedKind,
    data: PathBuf,
    prefix: String,
    job: String,
    storage_account: String,
    container: String,
    subscription: String,
    resource_group: String,
    location: Option<String>,
    contact: Option<Contact>,
    sources: Vec<PathBuf>,
    exclude: Vec<String>,
    /// Pins of an earlier program know of none.
    #[serde(default)]
    workload: Option<Workload>,
    #[serde(default)]
    hold_keys: bool,
    #[serde(default)]
    vault: Option<String>,
    /// The digest of what its repository consists of.
    #[serde(default)]
    contents: Option<String>,
}

/// One journal as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct JournalPin {
    name: String,
    first: String,
    bytes: u64,
    mark: String,
    is_live: bool,
}

/// What this machine is about to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "intent", rename_all = "kebab-case")]
pub enum Intended {
    /// A record of the journal with this first mark.
    Record {
        /// Mark of the first record.
        first: String,
        /// Length of the journal with the record.
        bytes: u64,
        /// Mark of the record.
        mark: String,
    },
    /// A plan file.
    Plan {
        /// Its name.
        name: String,
        /// What it holds.
        sha256: Sha256Digest,
    },
    /// A journal put out of the way.
    Retire {
        /// Mark of its first record.
        first: String,
    },
    /// A `seed.json`.
    Seed(Box<SeedPin>),
}

/// A staging path as this machine saw it last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// Version of the form.
    pub version: u32,
    /// Where it was.
    pub staging: PathBuf,
    /// What its seed said.
    pub seed: SeedPin,
    journals: Vec<JournalPin>,
    plans: BTreeMap<String, Sha256Digest>,
    claims: BTreeMap<String, Holder>,
    /// What this machine was about to write and had not written then.
    pub ahead: Vec<Intended>,
}

/// One thing that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is.
    pub what: String,
    /// As it was.
    pub pinned: String,
    /// As it is.
    pub found: String,
    /// Whether another machine of ours may have done it.
    pub may_be_ours: bool,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} was {} and is {}", self.what, self.pinned, self.found)
    }
}

/// Whether a field of a seed may be changed by a machine of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Fixed,
    Settable,
    /// Another host adds to it.
    Grows,
    /// As what may be set, but pins of an earlier program have none.
    Learned,
}

impl SeedPin {
    /// What decides in a seed.
    pub fn of(seed: &Seed) -> Self {
        let target = &seed.target;
        SeedPin {
            id: seed.id,
            origin: seed.origin,
            kind: seed.kind,
            data: seed.data.clone(),
            prefix: target.prefix.clone(),
            job: target.job.to_string(),
            storage_account: match &target.storage_account_id {
                Some(id) => id.to_string(),
                None => target.storage_account.to_string(),
            },
            container: target.container.to_string(),
            subscription: target.subscription.to_string(),
            resource_group: target.resource_group.to_string(),
            location: target.location.clone(),
            contact: target.contact.clone(),
            sources: seed.sources.clone(),
            exclude: seed.choice.exclude.clone(),
            workload: seed.workload,
            hold_keys: seed.hold_keys,
            vault: seed.vault.as_ref().map(ToString::to_string),
            contents: seed.contents.as_ref().map(|own| own.digest.clone()),
        }
    }

    /// Every fact with its name.
    fn facts(&self) -> Vec<(&'static str, Field, Vec<String>)> {
        let one = |value: &dyn ToString| vec![value.to_string()];
        let origin = match self.origin {
            Origin::Written => "written",
            Origin::Adopted => "adopted",
        };
        let kind = match self.kind {
            SeedKind::Repository => "repository",
            SeedKind::Files => "files",
        };
        let sources = self.sources.iter().map(|path| path.display().to_string()).collect();
        let contact = self.contact.as_ref().map(|contact| {
            let (to, by) = (&contact.return_address, &contact.return_carrier);
            let vault = contact.key_vault.as_ref();
            let second = to.street_address_2.as_deref().unwrap_or_default();
            let state = to.state_or_province.as_deref().unwrap_or_default();
            [
                to.recipient_name.as_str(),
                to.street_address_1.as_str(),
                second,
                to.city.as_str(),
                state,
                to.postal_code.as_str(),
                to.country_or_region.as_str(),
                to.phone.as_str(),
                to.email.as_str(),
                by.carrier_name.as_str(),
                by.carrier_account_number.as_str(),
                vault.map_or("", |own| own.key_url.as_str()),
                vault.map_or("", |own| own.vault_id.as_str()),
                vault.and_then(|own| own.identity.as_deref()).unwrap_or_default(),
            ]
            .join(", ")
        });
        vec![
            ("Seed", Field::Fixed, one(&self.id)),
            ("Origin", Field::Fixed, one(&origin)),
            ("Kind", Field::Fixed, one(&kind)),
            ("Data", Field::Fixed, one(&self.data.display())),
            ("Prefix", Field::Fixed, one(&self.prefix)),
            ("Workload", Field::Fixed, self.workload.iter().map(ToString::to_string).collect()),
            ("Vault", Field::Fixed, self.vault.iter().cloned().collect()),
            ("Repository", Field::Learned, self.contents.iter().cloned().collect()),
            ("Keys held back", Field::Settable, one(&self.hold_keys)),
            ("Sources", Field::Grows, sources),
            ("Left out", Field::Grows, self.exclude.clone()),
            ("Job", Field::Settable, one(&self.job)),
            ("Account", Field::Settable, one(&self.storage_account)),
            ("Container", Field::Settable, one(&self.container)),
            ("Subscription", Field::Settable, one(&self.subscription)),
            ("Group", Field::Settable, one(&self.resource_group)),
            ("Region", Field::Settable, self.location.iter().cloned().collect()),
            ("Contact", Field::Settable, contact.into_iter().collect()),
        ]
    }

    fn changes(&self, now: &SeedPin) -> Vec<Change> {
        let both = self.facts().into_iter().zip(now.facts());
        let change = |((what, field, pinned), (_, _, found)): (_, (_, _, Vec<String>))| {
            let pinned: Vec<String> = pinned;
            let may_be_ours = match field {
                Field::Fixed => false,
                Field::Settable | Field::Learned => true,
                Field::Grows => pinned.iter().all(|one| found.contains(one)),
            };
            let is_new = field == Field::Learned && pinned.is_empty();
            let (is_same, what) = (is_new || pinned == found, String::from(what));
            let (pinned, found) = (words(&pinned), words(&found));
            (!is_same).then_some(Change { what, pinned, found, may_be_ours })
        };
        both.filter_map(change).collect()
    }
}

fn words(values: &[String]) -> String {
    match values {
        [] => "none".to_owned(),
        values => values.join(", "),
    }
}

fn length(bytes: u64, mark: &str) -> String {
    format!("{bytes} bytes to {mark}")
}

/// What is there now.
#[derive(Debug, Clone)]
pub struct Sight {
    seed: SeedPin,
    outlines: Outlines,
}

impl Sight {
    /// Looks at everything that decides.
    pub fn of(staging: &Staging, seed: &Seed) -> Result<Self, Error> {
        let outlines = staging.journals().outlines();
        let outlines = outlines.map_err(|source| Error::Journals { source: Box::new(source) })?;
        Ok(Sight { seed: SeedPin::of(seed), outlines })
    }

    /// What is shown when it is pinned.
    pub fn lines(&self) -> Vec<String> {
        let facts = self.seed.facts().into_iter();
        let mut lines: Vec<String> =
            facts.map(|(name, _, values)| format!("{name:<13} {}", words(&values))).collect();
        for journal in &self.outlines.journals {
            let (bytes, mark) = journal.last();
            lines.push(format!("{:<13} {}, {}", "Journal", journal.name, length(bytes, mark)));
        }
        for (name, sha256) in &self.outlines.plans {
            lines.push(format!("{:<13} {name}, SHA-256 {sha256}", "Plan"));
        }
        for (name, holder) in &self.outlines.claims {
            lines.push(format!("{:<13} {name}, {}", "Claim", claim(holder)));
        }
        lines
    }

    fn journal(&self, first: &str) -> Option<&Outline> {
        self.outlines.journals.iter().find(|journal| journal.first() == first)
    }

    /// Whether a live journal lies beside a plan of this name that the pin does not know.
    fn has_new_journal(&self, plan: &str, pin: &Pin) -> bool {
        let name = format!("{}.journal", plan.trim_end_matches(".plan"));
        let is_new = |journal: &&Outline| {
            journal.name == name && !pin.journals.iter().any(|own| own.first == journal.first())
        };
        self.outlines.journals.iter().any(|journal| is_new(&journal))
    }

    /// Whether what this machine meant to write is not there yet.
    fn is_ahead(&self, intended: &Intended) -> bool {
        match intended {
            Intended::Record { first, bytes, .. } => {
                self.journal(first).is_none_or(|journal| journal.last().0 < *bytes)
            }
            Intended::Plan { name, sha256 } => self.outlines.plans.get(name) != Some(sha256),
            Intended::Retire { first } => {
                self.journal(first).is_some_and(|journal| journal.standing == Standing::Live)
            }
            Intended::Seed(seed) => **seed != self.seed,
        }
    }
}

fn claim(holder: &Holder) -> String {
    format!("process {} on {}", holder.process, holder.host)
}

impl Pin {
    /// What is there now, pinned.
    pub fn new(staging: PathBuf, sight: &Sight, intended: &[Intended]) -> Self {
        let journal = |journal: &Outline| {
            let (bytes, mark) = journal.last();
            JournalPin {
                name: journal.name.clone(),
                first: journal.first().to_owned(),
                bytes,
                mark: mark.to_owned(),
                is_live: journal.standing == Standing::Live,
            }
        };
        Pin {
            version: VERSION,
            staging,
            seed: sight.seed.clone(),
            journals: sight.outlines.journals.iter().map(journal).collect(),
            plans: sight.outlines.plans.clone(),
            claims: sight.outlines.claims.clone(),
            ahead: intended.iter().filter(|one| sight.is_ahead(one)).cloned().collect(),
        }
    }

    /// A seed that this machine begins now.
    pub fn begin(staging: PathBuf, seed: &Seed) -> Self {
        let sight = Sight { seed: SeedPin::of(seed), outlines: Outlines::default() };
        Pin::new(staging, &sight, &[])
    }

    /// Whether this program knows the form.
    pub fn is_known(&self) -> bool {
        self.version == VERSION
    }

    /// What is not as it was, but for what this machine meant to write.
    pub fn changes(&self, intended: &[Intended], sight: &Sight) -> Vec<Change> {
        let mut changes = Vec::new();
        let is_ours = |one: Intended| intended.contains(&one) || self.ahead.contains(&one);
        if self.seed != sight.seed && !is_ours(Intended::Seed(Box::new(sight.seed.clone()))) {
            changes.extend(self.seed.changes(&sight.seed));
        }
        for pinned in &self.journals {
            changes.extend(self.journal_change(pinned, sight, &is_ours));
        }
        for journal in &sight.outlines.journals {
            let (first, (bytes, mark)) = (journal.first().to_owned(), journal.last());
            let is_known = self.journals.iter().any(|own| own.first == first);
            let record = Intended::Record { first, bytes, mark: mark.to_owned() };
            // One that is out of the way and was never seen decides nothing.
            if !is_known && journal.standing == Standing::Live && !is_ours(record) {
                let found = length(bytes, mark);
                changes.push(new(format!("Journal {}", journal.name), found));
            }
        }
        for (name, pinned) in &self.plans {
            let found = sight.outlines.plans.get(name);
            let is_ours = |sha256: &Sha256Digest| {
                is_ours(Intended::Plan { name: name.clone(), sha256: *sha256 })
            };
            if found != Some(pinned) && !found.is_some_and(is_ours) {
                changes.push(Change {
                    what: format!("Plan {name}"),
                    pinned: pinned.to_string(),
                    found: found.map_or("none".to_owned(), ToString::to_string),
                    may_be_ours: found.is_some() && sight.has_new_journal(name, self),
                });
            }
        }
        for (name, sha256) in &sight.outlines.plans {
            let plan = Intended::Plan { name: name.clone(), sha256: *sha256 };
            if !self.plans.contains_key(name) && !is_ours(plan) {
                changes.push(new(format!("Plan {name}"), sha256.to_string()));
            }
        }
        for (name, holder) in &sight.outlines.claims {
            if self.claims.get(name) != Some(holder) {
                changes.push(new(format!("Claim {name}"), claim(holder)));
            }
        }
        changes
    }

    fn journal_change(
        &self,
        pinned: &JournalPin,
        sight: &Sight,
        is_ours: &impl Fn(Intended) -> bool,
    ) -> Option<Change> {
        let JournalPin { name, first, bytes, mark, is_live } = pinned;
        let change = |found: String, may_be_ours| {
            let (what, pinned) = (format!("Journal {name}"), length(*bytes, mark));
            Some(Change { what, pinned, found, may_be_ours })
        };
        let Some(journal) = sight.journal(first) else { return change("none".to_owned(), false) };
        let (bytes_now, mark_now) = journal.last();
        let found = length(bytes_now, mark_now);
        if !journal.has(*bytes, mark) || (!is_live && journal.standing == Standing::Live) {
            return change(found, false);
        }
        let (first, mark_now) = (first.clone(), mark_now.to_owned());
        let record =
            Intended::Record { first: first.clone(), bytes: bytes_now, mark: mark_now.clone() };
        if (bytes_now, &mark_now) != (*bytes, mark) && !is_ours(record) {
            return change(found, true);
        }
        let is_retired = *is_live && journal.standing == Standing::Retired;
        if is_retired && !is_ours(Intended::Retire { first }) {
            return change(format!("{found}, as {}", journal.name), true);
        }
        None
    }
}

fn new(what: String, found: String) -> Change {
    Change { what, pinned: "not there".to_owned(), found, may_be_ours: true }
}

#[cfg(test)]
mod tests;
