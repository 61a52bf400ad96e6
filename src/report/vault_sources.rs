//! What a vault backs up, and what was let go, as a person and a script see it.

use disk_prep::noun::{ByteSize, JobName, VaultName, count};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::path_text::PathText;
use super::record::{Record, line};
use crate::journey::vault_forget::Forgotten;
use crate::journey::vault_give_up::GivenUp;
use crate::journey::vault_sources::Sources;
use crate::outcome::Outcome;

/// A source that a vault backs up on this machine.
#[derive(Serialize, JsonSchema)]
pub(super) struct BackedUpRecord<'a> {
    /// The vault.
    #[schemars(with = "String")]
    vault: &'a VaultName,
    /// The source.
    path: PathText<'a>,
    /// Files that it held when it was last backed up; null before the first increment.
    files: Option<u64>,
    /// Their bytes.
    bytes: Option<u64>,
    /// Whether it has lost most of what it held since, and nobody has accepted that.
    shrunk: bool,
}

impl Record for BackedUpRecord<'_> {
    const TYPE: &'static str = "vault-backed-up";
}

/// A source that was let go.
#[derive(Serialize, JsonSchema)]
pub(super) struct ForgottenRecord<'a> {
    /// The vault.
    #[schemars(with = "String")]
    vault: &'a VaultName,
    /// The source.
    source: PathText<'a>,
    /// Ids of the snapshots that are gone.
    forgotten: &'a [String],
    /// Ids of those that hold other sources too, and stay until the policy lets them go.
    left: &'a [String],
    /// Whether it was backed up until now.
    was_backed_up: bool,
}

impl Record for ForgottenRecord<'_> {
    const TYPE: &'static str = "vault-forgotten";
}

/// A seed on its way that was given up.
#[derive(Serialize, JsonSchema)]
pub(super) struct GivenUpRecord<'a> {
    /// The vault.
    #[schemars(with = "String")]
    vault: &'a VaultName,
    /// The seed.
    #[schemars(with = "String")]
    seed: &'a Uuid,
    /// Its job.
    #[schemars(with = "String")]
    job: &'a JobName,
    /// Increments that are gone with it.
    dropped: u64,
}

impl Record for GivenUpRecord<'_> {
    const TYPE: &'static str = "vault-seed-given-up";
}

impl Outcome for GivenUp {
    fn lines(&self) -> Vec<String> {
        let GivenUp { vault, job, dropped, .. } = self;
        let mut lines =
            vec![format!("The seed of job {job} is given up: vault {vault} waits no more")];
        if *dropped > 0 {
            lines.push(format!("{} that waited for it are gone", count(*dropped, "increment")));
        }
        lines.push(
            "Next          `azseed vault run --now` sends what it would have brought".to_owned(),
        );
        lines
    }

    fn json(&self) -> Vec<Value> {
        let GivenUp { vault, seed, job, dropped } = self;
        vec![line(&GivenUpRecord { vault, seed, job, dropped: *dropped })]
    }
}

impl Outcome for Sources {
    fn lines(&self) -> Vec<String> {
        if self.sources.is_empty() {
            return vec![format!("Vault {} knows no source of this machine yet", self.vault)];
        }
        let line = |(path, known): &(std::path::PathBuf, Option<crate::vault::KnownSource>)| {
            let path = path.display();
            match known {
                None => format!("{path}  not backed up by an increment yet"),
                Some(own) => {
                    let (files, bytes) = (count(own.files, "file"), ByteSize(own.bytes));
                    let shrunk = if own.is_shrunk { ", and has shrunk since" } else { "" };
                    format!("{path}  {files}, {bytes}{shrunk}")
                }
            }
        };
        self.sources.iter().map(line).collect()
    }

    fn json(&self) -> Vec<Value> {
        let record = |(path, known): &(std::path::PathBuf, Option<crate::vault::KnownSource>)| {
            line(&BackedUpRecord {
                vault: &self.vault,
                path: PathText(path),
                files: known.as_ref().map(|own| own.files),
                bytes: known.as_ref().map(|own| own.bytes),
                shrunk: known.as_ref().is_some_and(|own| own.is_shrunk),
            })
        };
        self.sources.iter().map(record).collect()
    }
}

impl Outcome for Forgotten {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{} is let go: {} forgotten",
            self.source.display(),
            count(self.forgotten.len(), "snapshot")
        )];
        if !self.left.is_empty() {
            lines.push(format!(
                "{} with other sources stay until the policy lets them go",
                count(self.left.len(), "snapshot")
            ));
        }
        if self.was_backed_up {
            lines.push("It is backed up no more".to_owned());
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        vec![line(&ForgottenRecord {
            vault: &self.vault,
            source: PathText(&self.source),
            forgotten: &self.forgotten,
            left: &self.left,
            was_backed_up: self.was_backed_up,
        })]
    }
}
