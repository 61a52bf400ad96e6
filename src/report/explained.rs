//! Codes explained, in words and as records.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::advice::{Advice, Speaker, all, said_by};
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

/// All codes.
#[derive(Debug)]
pub struct AllExplained;

impl Outcome for AllExplained {
    fn lines(&self) -> Vec<String> {
        let group = |speaker: Speaker| {
            let width = said_by(speaker).map(|advice| advice.code.len()).max().unwrap_or(0);
            let rows =
                said_by(speaker).map(|own| format!("  {:<width$}  {}", own.code, own.meaning));
            let head = format!("Codes of {}:", speaker.name());
            std::iter::once(head).chain(rows).collect::<Vec<_>>()
        };
        Speaker::ALL.map(group).join(&String::new())
    }

    fn json(&self) -> Vec<Value> {
        all().iter().map(advice).collect()
    }
}
