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

struct AllExplained;

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
