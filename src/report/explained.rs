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
    fn text(&self) -> String {
        let Advice { code, said_by, meaning, action } = self.0;
        let speaker = match said_by {
            Speaker::Azseed => String::new(),
            other => format!(", said by {}", other.name()),
        };
        format!("{code}{speaker}\n\n{meaning}\n\nWhat to do: {action}")
    }

    fn json(&self) -> Vec<Value> {
        vec![line(self.0)]
    }
}

/// All codes.
#[derive(Debug)]
pub struct AllExplained;

impl Outcome for AllExplained {
    fn text(&self) -> String {
        let group = |speaker: Speaker| {
            let width = said_by(speaker).map(|advice| advice.code.len()).max().unwrap_or(0);
            let rows =
                said_by(speaker).map(|own| format!("  {:<width$}  {}\n", own.code, own.meaning));
            format!("Codes of {}:\n{}", speaker.name(), rows.collect::<String>())
        };
        Speaker::ALL.map(group).join("\n").trim_end().to_owned()
    }

    fn json(&self) -> Vec<Value> {
        all().iter().map(line).collect()
    }
}
