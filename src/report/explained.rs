//! Codes explained, in words and as records.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::advice::{Advice, Speaker};
use crate::outcome::Outcome;

/// A code, what it means and what to do.
#[derive(Serialize, JsonSchema)]
pub(super) struct AdviceRecord<'a> {
    /// The code.
    code: &'a str,
    /// Who says it: `azseed`, `datacenter` or `azure`.
    #[schemars(with = "String")]
    said_by: Speaker,
    /// What happened.
    meaning: &'a str,
    /// What to do.
    action: &'a str,
}

impl Record for AdviceRecord<'_> {
    const TYPE: &'static str = "advice";
}

fn advice(Advice { code, said_by, meaning, action }: &Advice) -> Value {
    line(&AdviceRecord { code, said_by: *said_by, meaning, action })
}

/// One code.
#[derive(Debug)]
pub struct Explained(pub &'static Advice);

impl Outcome for Explained {
    fn lines(&self) -> Vec<String> {
        let Advice { code, said_by, meaning, action } = self.0;
        let speaker = match said_by {
            Speaker::Azseed => String::new(),
            other => format!(", said by {}", other.name()),
        };
        let (first, last) = (format!("{code}{speaker}"), format!("What to do: {action}"));
        vec![first, String::new(), (*meaning).to_owned(), String::new(), last]
    }

    fn json(&self) -> Vec<Value> {
        vec![advice(self.0)]
    }
}

/// Several codes.
#[derive(Debug)]
pub struct Entries(pub Vec<&'static Advice>);

impl Outcome for Entries {
    fn lines(&self) -> Vec<String> {
        let group = |speaker: Speaker| {
            let own: Vec<_> = self.0.iter().filter(|advice| advice.said_by == speaker).collect();
            let width = own.iter().map(|advice| advice.code.len()).max()?;
            let rows = own.iter().map(|own| format!("  {:<width$}  {}", own.code, own.meaning));
            let head = format!("Codes of {}:", speaker.name());
            Some(std::iter::once(head).chain(rows).collect::<Vec<_>>())
        };
        let groups: Vec<Vec<String>> = Speaker::ALL.into_iter().filter_map(group).collect();
        groups.join(&String::new())
    }

    fn json(&self) -> Vec<Value> {
        self.0.iter().map(|own| advice(own)).collect()
    }
}
