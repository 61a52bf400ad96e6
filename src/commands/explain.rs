//! `explain`: what an error code means, and what to do.

use disk_prep::noun::{Diagnose, ErrorKind, Hint};

use crate::advice::{find, nearest};
use crate::cli::ExplainArgs;
use crate::outcome::Ended;
use crate::report::explained::{AllExplained, Explained};

/// Runs `explain`.
pub fn run(args: &ExplainArgs) -> Ended {
    let Some(code) = &args.code else { return Ok(Box::new(AllExplained)) };
    match find(code) {
        Some(advice) => Ok(Box::new(Explained(advice))),
        None => {
            let nearest = nearest(code).map(|advice| advice.code.as_str());
            Err(UnknownCode { code: code.clone(), nearest }.into())
        }
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
