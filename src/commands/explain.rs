//! `explain`: what an error code means, and what to do.

use disk_prep::noun::{Diagnose, ErrorKind, Hint};
use serde_json::{Value, json};

use super::{Failure, Outcome};
use crate::advice::{Advice, Speaker, all, find, nearest, said_by};
use crate::cli::ExplainArgs;

/// Runs `explain`.
pub fn run(args: &ExplainArgs) -> Result<Box<dyn Outcome>, Failure> {
    match &args.code {
        None => Ok(Box::new(AllExplained)),
        Some(code) => match find(code) {
            Some(advice) => Ok(Box::new(Explained(advice))),
            None => {
                let nearest = nearest(code).map(|advice| advice.code.as_str());
                Err(UnknownCode { code: code.clone(), nearest }.into())
            }
        },
    }
}

#[derive(Debug, thiserror::Error)]
#[error("Nothing is known of the code {code}")]
struct UnknownCode {
    code: String,
    nearest: Option<&'static str>,
}

impl Diagnose for UnknownCode {
    fn code(&self) -> &'static str {
        "code-unknown"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::NotFound
    }
    fn hint(&self) -> Option<Hint> {
        let all = "list all codes with `azseed explain`";
        Some(Hint::new(match self.nearest {
            Some(nearest) => format!("the nearest code is {nearest}; {all}"),
            None => all.to_owned(),
        }))
    }
}

fn line(Advice { code, said_by, meaning, action }: &Advice) -> Value {
    json!({
        "type": "advice", "version": 1, "code": code, "said_by": said_by, "meaning": meaning,
        "action": action,
    })
}

struct Explained(&'static Advice);

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

struct AllExplained;

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
