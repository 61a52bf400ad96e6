//! What a command returns, why it failed, and the one who attends while it works.

use std::sync::Arc;
use std::time::Duration;

use disk_prep::monitor::Monitor;
use disk_prep::noun::{Diagnose, ErrorKind, Hint};
use disk_prep::stop::StopFlag;
use secrecy::SecretString;

pub use crate::exit::Exit;

/// What a command has done, for every face of the screen.
pub trait Outcome {
    /// For a person: lines without colour. What would end one of them is shown as letters, so that
    /// no name in it can begin another.
    fn lines(&self) -> Vec<String>;
    /// For a script: one object a line; every one has `type` and `version`.
    fn json(&self) -> Vec<serde_json::Value>;
    /// How the run ended.
    fn exit(&self) -> Exit {
        Exit::Done
    }
}

/// One thing after the other, and the reason of both.
impl<A: Outcome, B: Outcome> Outcome for (A, B) {
    fn lines(&self) -> Vec<String> {
        [self.0.lines(), self.1.lines()].concat()
    }
    fn json(&self) -> Vec<serde_json::Value> {
        [self.0.json(), self.1.json()].concat()
    }
    fn exit(&self) -> Exit {
        let kind = |exit| match exit {
            Exit::Done => None,
            Exit::Failed(kind) => Some(kind),
        };
        Exit::of([self.0.exit(), self.1.exit()].into_iter().filter_map(kind))
    }
}

/// Nothing more to show: all was told while the command went on.
#[derive(Debug)]
pub struct Told;

impl Outcome for Told {
    fn lines(&self) -> Vec<String> {
        Vec::new()
    }
    fn json(&self) -> Vec<serde_json::Value> {
        Vec::new()
    }
}

/// Why a command could not be done.
#[derive(Debug)]
pub struct Failure(pub Box<dyn Diagnose>);

impl<E: Diagnose + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure(Box::new(error))
    }
}

/// What a command ends with.
pub type Ended = Result<Box<dyn Outcome>, Failure>;

/// What a person typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A line, without blanks around it.
    Line(String),
    /// Nothing so far.
    Silence,
    /// Nothing will come any more.
    End,
}

/// Tells something that stops nothing, from wherever the work is.
pub type Teller = Arc<dyn Fn(&str) + Send + Sync>;

/// Who attends a run: is told what happens, and asked if somebody is there.
pub trait Attendant: Send + Sync {
    /// Shows what the work tells while it goes on.
    fn monitor(&self) -> Arc<dyn Monitor>;
    /// The wish to stop; who takes it looks at it.
    fn stop_flag(&self) -> StopFlag;
    /// After a stop this line goes on, since the same command would begin anew.
    fn goes_on_by(&self, command: String);
    /// Whether a person is there to answer.
    fn can_ask(&self) -> bool;
    /// Asks, and returns the line that was typed.
    fn ask(&self, question: &str) -> Option<String>;
    /// Goes on if that was said beforehand, or if a person says yes to what would be done.
    fn consent(&self, what: &str) -> Result<(), NoConsent>;
    /// Waits for a line to be typed.
    fn listen(&self, patience: Duration) -> Heard;
    /// Tells what a person who looks on wants to know: between questions, and of work that waits.
    fn say(&self, text: &str);
    /// Tells something that stops nothing.
    fn warn(&self, text: &str);
    /// What tells the same for work that does not know who attends.
    fn teller(&self) -> Teller;
    /// Tells of a setting that is not used, once; it is said of the call and not by the command.
    fn tell_unused(&self, text: &str);
    /// Shows what was done so far, of work that goes on.
    fn show(&self, outcome: &dyn Outcome) -> Exit;
    /// Whether somebody still looks at what is shown.
    fn is_read(&self) -> bool;
    /// Never repeats this text in a message; the name stands in its place.
    fn hide(&self, text: SecretString, name: String);
}

/// Nobody said yes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoConsent {
    /// Nobody could be asked.
    #[error("{what}, and nobody is there to be asked")]
    Unasked {
        /// What would be done.
        what: String,
    },
    /// A person was asked.
    #[error("{what}: not confirmed, so nothing was done")]
    Refused {
        /// What would have been done.
        what: String,
    },
}

impl Diagnose for NoConsent {
    fn code(&self) -> &'static str {
        match self {
            NoConsent::Unasked { .. } => "needs-yes",
            NoConsent::Refused { .. } => "not-confirmed",
        }
    }
    fn kind(&self) -> ErrorKind {
        match self {
            NoConsent::Unasked { .. } => ErrorKind::Usage,
            NoConsent::Refused { .. } => ErrorKind::Guard,
        }
    }
    fn hint(&self) -> Option<Hint> {
        match self {
            NoConsent::Unasked { .. } => {
                Some(Hint::new("nothing was done; if that is what is wanted, add `--yes`"))
            }
            NoConsent::Refused { .. } => None,
        }
    }
}

/// What an error comes from, the nearest first.
pub fn causes(
    error: &dyn std::error::Error,
) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |cause| cause.source())
}

/// An error with its causes, in one line; what it lists stands there one after the other.
pub fn chain(error: &dyn std::error::Error) -> String {
    let told = causes(error).fold(error.to_string(), |told, cause| format!("{told}: {cause}"));
    match told.split_once("\n  ") {
        Some((first, list)) => format!("{first}: {}", list.replace("\n  ", "; ")),
        None => told,
    }
}

/// Something that was said and has no meaning in this call.
#[derive(Debug, thiserror::Error)]
#[error("{word} has no meaning here")]
pub struct IdleWord {
    /// The flag with its dashes, or the argument.
    pub word: &'static str,
}

impl Diagnose for IdleWord {
    fn code(&self) -> &'static str {
        "flag-without-meaning"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("leave it out"))
    }
}

/// Flags that this call needs.
#[derive(Debug, thiserror::Error)]
#[error("{} {} missing", .flags.join(", "), if .flags.len() == 1 { "is" } else { "are" })]
pub struct MissingFlags {
    /// The flags, with their dashes.
    flags: Vec<&'static str>,
    /// Whether a staging path may say it.
    has_seed: bool,
    /// A line that says them.
    line: Option<String>,
}

impl MissingFlags {
    /// One flag.
    pub fn one(flag: &'static str) -> Self {
        MissingFlags { flags: vec![flag], has_seed: true, line: None }
    }

    /// One flag of a command that takes no staging path.
    pub fn unseeded(flag: &'static str) -> Self {
        MissingFlags { has_seed: false, ..MissingFlags::one(flag) }
    }

    /// The same of a command that takes no staging path, with a line that says them if there is one.
    pub fn mended_by(self, line: Option<String>) -> Self {
        MissingFlags { has_seed: false, line, ..self }
    }
}

impl Diagnose for MissingFlags {
    fn code(&self) -> &'static str {
        "flag-missing"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        if let Some(line) = &self.line {
            return Some(Hint::new(format!("type `{line}`")));
        }
        let is_of_seed =
            |flag| self.has_seed && matches!(flag, "--job" | "--subscription" | "--resource-group");
        let text = match self.flags[..] {
            [flag] if is_of_seed(flag) => "name it, or the staging path whose seed says it",
            [_] => return None,
            _ if self.flags.iter().any(|flag| is_of_seed(flag)) => {
                "name them, or the staging path whose seed says them"
            }
            _ => "name them all",
        };
        Some(Hint::new(text))
    }
}

/// A flag and what was said with it.
pub type Said<T> = (&'static str, Option<T>);

/// Two values that a call needs; every flag that is missing is named.
pub fn both<A, B>(one: Said<A>, other: Said<B>) -> Result<(A, B), MissingFlags> {
    let (one, other, ()) = all(one, other, ("", Some(())))?;
    Ok((one, other))
}

/// The same of three.
pub fn all<A, B, C>(a: Said<A>, b: Said<B>, c: Said<C>) -> Result<(A, B, C), MissingFlags> {
    match (a, b, c) {
        ((_, Some(a)), (_, Some(b)), (_, Some(c))) => Ok((a, b, c)),
        ((a, is_a), (b, is_b), (c, is_c)) => {
            let said = [(a, is_a.is_some()), (b, is_b.is_some()), (c, is_c.is_some())];
            let missing = said.into_iter().filter(|(_, is_said)| !is_said);
            let flags = missing.map(|(flag, _)| flag).collect();
            Err(MissingFlags { flags, has_seed: true, line: None })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_that_is_missing_is_named_at_once() {
        let told = |a, b, c| all(("--vault", a), ("--job", b), ("--file", c)).unwrap_err();
        let two = told(None, Some(2), None);
        assert_eq!(two.to_string(), "--vault, --file are missing");
        assert_eq!(two.hint().unwrap().to_string(), "name them all");
        let with_seed = told(None::<u8>, None, Some(3));
        assert!(with_seed.hint().unwrap().to_string().contains("the staging path"));
        let one = both(("--vault", Some(1)), ("--job", None::<u8>)).unwrap_err();
        assert_eq!((one.to_string(), one.code()), ("--job is missing".into(), "flag-missing"));
        assert_eq!(all(("a", Some(1)), ("b", Some(2)), ("c", Some(3))).unwrap(), (1, 2, 3));
    }
}
