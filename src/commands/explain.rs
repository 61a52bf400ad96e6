//! `explain`: what an error code means, and what to do.

use disk_prep::noun::{Diagnose, ErrorKind, Hint};
use serde_json::{Value, json};

use super::{Failure, Outcome};
use crate::advice::{Advice, all, find};
use crate::cli::ExplainArgs;

/// Runs `explain`.
pub fn run(args: &ExplainArgs) -> Result<Box<dyn Outcome>, Failure> {
    match &args.code {
        None => Ok(Box::new(Explained(all().to_vec()))),
        Some(code) => match find(code) {
            Some(advice) => Ok(Box::new(Explained(vec![advice.clone()]))),
            None => Err(UnknownCode { code: code.clone() }.into()),
        },
    }
}

#[derive(Debug, thiserror::Error)]
#[error("Nothing is known of the code {code}")]
struct UnknownCode {
    code: String,
}

impl Diagnose for UnknownCode {
    fn code(&self) -> &'static str {
        "code-unknown"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::NotFound
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("list all codes with `azseed explain`"))
    }
}

struct Explained(Vec<Advice>);

impl Outcome for Explained {
    fn text(&self) -> String {
        match &self.0[..] {
            [one] => format!("{}\n\n{}\n\nWhat to do: {}", one.code, one.meaning, one.action),
            many => many
                .iter()
                .map(|advice| format!("{:<28} {}", advice.code, advice.meaning))
                .collect::<Vec<_>>()
                .join("\n"),
        }
    }

    fn json(&self) -> Vec<Value> {
        let line = |Advice { code, meaning, action }: &Advice| json!({"type": "advice", "version": 1, "code": code, "meaning": meaning, "action": action});
        self.0.iter().map(line).collect()
    }
}
