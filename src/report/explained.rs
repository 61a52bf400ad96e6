//! Codes explained, in words and as records.

use serde_json::{Value, json};

use crate::advice::{Advice, Speaker, all, said_by};
use crate::outcome::Outcome;

fn line(Advice { code, said_by, meaning, action }: &Advice) -> Value {
    json!({
        "type": "advice", "version": 1, "code": code, "said_by": said_by, "meaning": meaning,
        "action": action,
    })
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
        vec![line(self.0)]
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
        all().iter().map(line).collect()
    }
}
