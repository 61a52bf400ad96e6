//! Faults of the screen itself: a call that is wrong, and output that is lost.

use std::io;

use disk_prep::noun::{Diagnose, ErrorKind, Hint};

/// Standard output took no more; what was done is done.
#[derive(Debug, thiserror::Error)]
#[error("The output could not be written to its end")]
pub(super) struct OutputLost {
    #[source]
    pub source: io::Error,
}

impl Diagnose for OutputLost {
    fn code(&self) -> &'static str {
        "output-lost"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Failed
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("look at the room where it goes"))
    }
}

/// Somebody asked to stop, and it ended at once.
#[derive(Debug, thiserror::Error)]
#[error("Stopped{place}")]
pub(super) struct Stopped {
    /// Where the work was, in brackets behind a blank; empty if it had not begun.
    pub place: String,
    /// What goes on.
    pub again: String,
}

impl Diagnose for Stopped {
    fn code(&self) -> &'static str {
        "stopped"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Interrupted
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new(format!("{} goes on", self.again)))
    }
}

/// What clap says of a wrong call, taken apart into one sentence and one hint.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct WrongCall {
    message: String,
    hint: Option<String>,
}

impl WrongCall {
    pub fn new(error: &clap::Error) -> Self {
        let text = error.to_string();
        let part = |name: &str| {
            let found = text.split("\n\n").find_map(|part| part.trim_start().strip_prefix(name))?;
            Some(found.lines().map(str::trim).collect::<Vec<_>>().join("; "))
        };
        let first = text.split("\n\n").next().unwrap_or_default();
        let mut lines = first.trim_start_matches("error: ").lines().map(str::trim);
        let sentence = lines.next().unwrap_or_default();
        let mut letters = sentence.chars();
        let capital: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        let rest = lines.collect::<Vec<_>>().join(", ");
        let message = match error.kind() {
            // Then the text is the whole help.
            clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                "A command is missing".to_owned()
            }
            _ => format!("{capital}{} {rest}", letters.as_str()),
        };
        let usage = part("Usage:").map(|usage| format!("usage: {usage}"));
        let tip = part("tip:");
        let hint = match error.kind() {
            // Whatever variable is the cause, what is to be typed is told too.
            clap::error::ErrorKind::MissingRequiredArgument
            | clap::error::ErrorKind::ArgumentConflict => {
                let all: Vec<String> = usage.into_iter().chain(tip).collect();
                (!all.is_empty()).then(|| all.join("; "))
            }
            _ => tip.or(usage),
        };
        WrongCall { message: message.trim_end().to_owned(), hint }
    }
}

impl Diagnose for WrongCall {
    fn code(&self) -> &'static str {
        "usage"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        self.hint.clone().map(Hint::new)
    }
}
