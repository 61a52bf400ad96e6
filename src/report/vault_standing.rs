//! How far vaults are, as a person and a script see it, with what their machines told.

use disk_prep::noun::{ErrorKind, visible_line};
use serde_json::Value;

use super::vault::{known_state, lines, status_record, unknown_record};
use super::vault_machine::sources;
use crate::journey::vault_status::{Standing, Standings};
use crate::outcome::{Exit, Outcome};
use crate::vault::Notice;

fn machine_line(own: &Notice) -> String {
    let last = match (own.incremented_at, own.ingested_at) {
        (Some(at), _) => format!("last run {at:.0}"),
        (None, Some(at)) => format!("seed taken in {at:.0}"),
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
        vec![status_record(&self.status, Some(&self.machines))]
    }
}

impl Outcome for Standings {
    fn lines(&self) -> Vec<String> {
        if self.vaults.is_empty() && self.is_whole {
            return vec!["No vault is known here".to_owned()];
        }
        let shown = self.vaults.iter().map(|own| match own {
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
        let all = self.vaults.iter().flat_map(|own| match own {
            Ok(status) => status.json(),
            Err(unasked) => vec![unknown_record(&unasked.0, &unasked.1)],
        });
        all.collect()
    }

    fn exit(&self) -> Exit {
        let is_known = self.is_whole && self.vaults.iter().all(Result::is_ok);
        Exit::of((!is_known).then_some(ErrorKind::LeftOut))
    }
}
