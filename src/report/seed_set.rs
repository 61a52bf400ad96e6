//! What was changed of a seed, in words and as a record.

use disk_prep::noun::{Serial, VaultName, shell_word};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::path_text::PathText;
use super::record::{Record, line};
use super::text::wrapped;
use crate::journey::stage_set::{Changed, SeedSet};
use crate::outcome::Outcome;

/// A seed of which something was changed before it is begun.
#[derive(Serialize, JsonSchema)]
pub(super) struct SeedSetRecord<'a> {
    /// The staging path.
    staging: PathText<'a>,
    /// The changes; empty if all was so already.
    changed: Vec<ChangedRecord<'a>>,
    /// Serials of drives that are begun; what they and their jobs were made with stays.
    #[schemars(with = "Vec<String>")]
    drives: &'a [Serial],
    /// Vaults of this machine that wait for the seed, and know now where it goes.
    #[schemars(with = "Vec<String>")]
    vaults: &'a [VaultName],
}

/// A value that was changed.
#[derive(Serialize, JsonSchema)]
pub(super) struct ChangedRecord<'a> {
    /// What it is of.
    what: &'a str,
    /// As it was; null if there was none.
    before: Option<&'a str>,
    /// As it is.
    now: &'a str,
}

impl<'a> From<&'a Changed> for ChangedRecord<'a> {
    fn from(own: &'a Changed) -> Self {
        let Changed { what, before, now } = own;
        ChangedRecord { what, before: before.as_deref(), now }
    }
}

impl Record for SeedSetRecord<'_> {
    const TYPE: &'static str = "seed-set";
}

impl Outcome for SeedSet {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("Staging path {}", self.staging.display())];
        for Changed { what, before, now } in &self.changed {
            let before = before.as_ref().map_or("none".to_owned(), Clone::clone);
            lines.extend(wrapped("Changed", &format!("{what}: {now} (it was {before})")));
        }
        if self.changed.is_empty() {
            lines.push("Changed      nothing: all was so already".to_owned());
        }
        lines.extend(match self.drives.as_slice() {
            [] => wrapped("Touched", "no drive is begun, so no journal and no job has the old values"),
            drives => {
                let serials: Vec<_> = drives.iter().map(Serial::to_string).collect();
                wrapped(
                    "Touched",
                    &format!(
                        "jobs that are made from now on. One that is made for {} keeps its address: \
                         `azseed job return-address`",
                        serials.join(", ")
                    ),
                )
            }
        });
        for vault in &self.vaults {
            lines.extend(wrapped("", &format!("vault {vault} of this machine waits for it there")));
        }
        let staging = self.staging.to_string_lossy();
        let next = format!("`azseed stage status --staging {}`", shell_word(&staging));
        lines.extend(wrapped("Next", &next));
        lines
    }

    fn json(&self) -> Vec<Value> {
        vec![line(&SeedSetRecord {
            staging: PathText(&self.staging),
            changed: self.changed.iter().map(ChangedRecord::from).collect(),
            drives: &self.drives,
            vaults: &self.vaults,
        })]
    }
}
