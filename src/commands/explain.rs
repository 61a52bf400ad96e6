//! `explain`: what an error code or a state means, and what to do; words find entries.

use disk_prep::noun::{Diagnose, ErrorKind, Hint};

use crate::advice::{all, find, nearest, with_words, written_in_portal};
use crate::cli::ExplainArgs;
use crate::outcome::Ended;
use crate::report::explained::{Entries, Explained};

/// Runs `explain`.
pub fn run(args: &ExplainArgs) -> Ended {
    let words: Vec<&str> = args.words.iter().flat_map(|word| word.split_whitespace()).collect();
    if args.words.is_empty() {
        return Ok(Box::new(Entries(all().iter().collect())));
    }
    let text = args.words.join(" ");
    // Codes have no blanks: `drive not blank` is what somebody remembers of one.
    if let Some(advice) = find(&text).or_else(|| find(&words.join("-"))) {
        return Ok(Box::new(Explained(advice)));
    }
    let found = match written_in_portal(&text) {
        found if found.is_empty() => with_words(&words),
        found => found,
    };
    if let [advice] = found[..] {
        return Ok(Box::new(Explained(advice)));
    }
    if !found.is_empty() {
        return Ok(Box::new(Entries(found)));
    }
    let nearest = nearest(&words.join("-")).map(|advice| advice.code.as_str());
    Err(UnknownCode { code: text, nearest }.into())
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
