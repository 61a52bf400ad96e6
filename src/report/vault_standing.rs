//! How far vaults are, as a person and a script see it, with what their machines told.

use std::path::Path;

use disk_prep::noun::{ErrorKind, VaultName, visible_line};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use super::vault::{known_state, lines, unknown_record};
use crate::journey::vault_status::{Standing, Standings};
use crate::outcome::{Exit, Outcome};
use crate::vault::Notice;

/// What a machine that works on a vault told last.
#[derive(Serialize, JsonSchema)]
pub(super) struct MachineRecord<'a> {
    /// The vault.
    #[schemars(with = "String")]
    vault: &'a VaultName,
    /// The machine.
    host: &'a str,
    /// When it said so.
    told_at: Timestamp,
    /// When it makes increments, in words.
    schedule: String,
    /// Which snapshots it keeps, in words.
    retention: String,
    /// What it backs up.
    sources: Vec<&'a Path>,
    /// When its seed was taken in; null before.
    ingested_at: Option<Timestamp>,
    /// When its last increment was made; null before the first.
    incremented_at: Option<Timestamp>,
}

impl Record for MachineRecord<'_> {
    const TYPE: &'static str = "vault-machine";
}

fn sources(own: &Notice) -> Vec<&Path> {
    let known: Vec<&Path> = own.sources.iter().map(|own| own.path.as_path()).collect();
    match known.is_empty() {
        true => own.seed.iter().flat_map(|seed| &seed.sources).map(|own| own.as_path()).collect(),
        false => known,
    }
}

fn machine_line(own: &Notice) -> String {
    let last = match (own.incremented_at, own.ingested_at) {
        (Some(at), _) => format!("last run {at}"),
        (None, Some(at)) => format!("seed taken in {at}"),
        (None, None) => "waits for its seed".to_owned(),
    };
    let sources: Vec<String> = sources(own).iter().map(|path| path.display().to_string()).collect();
    let (host, sources) = (visible_line(&own.host), sources.join(", "));
    format!("Machine       {host}: {last}; {}; {sources}", own.schedule)
}

impl Outcome for Standing {
    fn lines(&self) -> Vec<String> {
        let mut shown = self.status.lines();
        shown.extend(self.machines.iter().map(machine_line));
        shown
    }

    fn json(&self) -> Vec<Value> {
        let machines = self.machines.iter().map(|own| {
            line(&MachineRecord {
                vault: &own.vault,
                host: &own.host,
                told_at: own.told_at,
                schedule: own.schedule.to_string(),
                retention: own.retention.to_string(),
                sources: sources(own),
                ingested_at: own.ingested_at,
                incremented_at: own.incremented_at,
            })
        });
        // The vault comes last, as the sum of it.
        machines.chain(self.status.json()).collect()
    }
}

impl Outcome for Standings {
    fn lines(&self) -> Vec<String> {
        if self.0.is_empty() {
            return vec!["No vault is known here".to_owned()];
        }
        let shown = self.0.iter().map(|own| match own {
            Ok(status) => status.lines(),
            Err(unasked) => {
                let (vault, why) = unasked.as_ref();
                let mut lines = lines(vault, known_state(vault));
                lines.push(format!("Not asked     {why}"));
                lines
            }
        });
        shown.collect::<Vec<_>>().join(&String::new())
    }

    fn json(&self) -> Vec<Value> {
        let all = self.0.iter().flat_map(|own| match own {
            Ok(status) => status.json(),
            Err(unasked) => vec![unknown_record(&unasked.0, &unasked.1)],
        });
        all.collect()
    }

    fn exit(&self) -> Exit {
        let is_unknown = self.0.iter().any(Result::is_err);
        Exit::of(is_unknown.then_some(ErrorKind::LeftOut))
    }
}
