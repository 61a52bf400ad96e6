//! Which value wins: a flag on the command line, the record that the command works on, a variable, the
//! user's configuration, the system's, the default (`design`, "Which value wins"). A flag that
//! contradicts the record is refused; a variable or key that does is not used, and told.

use std::fmt::Display;

use disk_prep::kernels::Rung;
use disk_prep::noun::{Diagnose, ErrorKind, Hint, visible_line};

use crate::outcome::Attendant;

/// Where a value comes from, in the order in which they win; the record goes between the first two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A flag of this call.
    CommandLine,
    /// A variable of the environment.
    Variable,
    /// The user's configuration file.
    UserFile,
    /// The system's.
    SystemFile,
    /// The program's own.
    Default,
}

/// A value that the call brings, from the first place that has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
    /// The flag, the variable or the key, as a person reads it.
    pub name: String,
}

impl<T> Given<T> {
    /// One that no call brought.
    pub fn default_of(value: T) -> Self {
        Given { value, origin: Origin::Default, name: String::new() }
    }

    /// Whether it stands on the command line.
    pub fn is_typed(&self) -> bool {
        self.origin == Origin::CommandLine
    }

    /// The same with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Given<U> {
        Given { value: change(self.value), origin: self.origin, name: self.name }
    }
}

/// Flags that say something else than the record: each with both values.
#[derive(Debug, thiserror::Error)]
#[error("{}", all.join("; "))]
pub struct Contradicted {
    all: Vec<String>,
    kind: ErrorKind,
}

impl Diagnose for Contradicted {
    fn code(&self) -> &'static str {
        "seed-contradicted"
    }
    fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl Contradicted {
    /// The same refusal where it keeps something from being trusted.
    pub fn of_kind(self, kind: ErrorKind) -> Self {
        Contradicted { kind, ..self }
    }

    /// Of several values that are settled all that are contradicted, told at once.
    pub fn none_of<const COUNT: usize>(settled: [Result<(), Self>; COUNT]) -> Result<(), Self> {
        let found = settled.into_iter().filter_map(Result::err);
        let merged = found.reduce(|mut first, other| {
            first.all.extend(other.all);
            first
        });
        merged.map_or(Ok(()), Err)
    }
}

/// The value that wins, if there is one. `record` says whose value `held` is, as a sentence begins:
/// `the seed in /mnt/staging is for`. Azure does not tell names apart by case.
pub fn settle<T: Display>(
    given: Option<Given<T>>,
    held: Option<T>,
    record: &str,
    attendant: &dyn Attendant,
) -> Result<Option<T>, Contradicted> {
    let (given, held) = match (given, held) {
        (Some(given), Some(held)) => (given, held),
        (given, held) => return Ok(held.or(given.map(|given| given.value))),
    };
    let (said, shown) = (given.value.to_string(), held.to_string());
    if said.eq_ignore_ascii_case(&shown) {
        return Ok(Some(held));
    }
    match given.origin {
        Origin::CommandLine => {
            let all = vec![format!("{} is {said}, and {record} {shown}", given.name)];
            return Err(Contradicted { all, kind: ErrorKind::Usage });
        }
        Origin::Variable | Origin::UserFile | Origin::SystemFile => {
            attendant.tell_unused(&format!("{} is not used: {record} {shown}", given.name));
        }
        Origin::Default => {}
    }
    Ok(Some(held))
}

/// Two flags of which one is meant.
#[derive(Debug, thiserror::Error)]
#[error("{first} and {second} stand for each other")]
pub struct Exclusive {
    first: String,
    second: String,
}

impl Diagnose for Exclusive {
    fn code(&self) -> &'static str {
        "flags-exclusive"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("leave one of them out"))
    }
}

/// Of two values that stand for each other the one from the place that wins; of two from one place
/// the first, unless both are typed. The other one is told to be unused.
pub fn one_of<A, B>(
    first: Option<Given<A>>,
    second: Option<Given<B>>,
    attendant: &dyn Attendant,
) -> Result<(Option<A>, Option<B>), Exclusive> {
    let (first, second) = match (first, second) {
        (Some(first), Some(second)) => (first, second),
        (first, second) => return Ok((first.map(|own| own.value), second.map(|own| own.value))),
    };
    if first.is_typed() && second.is_typed() {
        return Err(Exclusive { first: first.name, second: second.name });
    }
    let is_first = first.origin <= second.origin;
    let (wins, idle) = match is_first {
        true => (&first.name, &second.name),
        false => (&second.name, &first.name),
    };
    attendant.tell_unused(&format!("{idle} is not used: {wins} goes before it"));
    Ok(match is_first {
        true => (Some(first.value), None),
        false => (None, Some(second.value)),
    })
}

/// Tells of a word in `AZSEED_KERNELS` that names no code of this CPU.
pub fn settle_kernels(attendant: &dyn Attendant) {
    if let Some(word) = Rung::unused_word() {
        let here = Rung::ALL.into_iter().filter(|rung| rung.is_here()).map(Rung::name);
        let names = here.collect::<Vec<_>>().join(", ");
        let word = visible_line(&word);
        attendant
            .tell_unused(&format!("AZSEED_KERNELS={word} is not used: this CPU can run {names}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use disk_prep::monitor::{Monitor, VoidMonitor};
    use disk_prep::stop::StopFlag;
    use secrecy::SecretString;

    use super::*;
    use crate::outcome::{Exit, Heard, NoConsent, Outcome, Teller};

    /// Nobody, who remembers what he was told.
    #[derive(Default)]
    struct Nobody(Mutex<Vec<String>>);

    impl Attendant for Nobody {
        fn monitor(&self) -> Arc<dyn Monitor> {
            Arc::new(VoidMonitor)
        }
        fn stop_flag(&self) -> StopFlag {
            StopFlag::default()
        }
        fn goes_on_by(&self, _command: String) {}
        fn can_ask(&self) -> bool {
            false
        }
        fn ask(&self, _question: &str) -> Option<String> {
            None
        }
        fn consent(&self, what: &str) -> Result<(), NoConsent> {
            Err(NoConsent::Unasked { what: what.to_owned() })
        }
        fn listen(&self, _patience: Duration) -> Heard {
            Heard::End
        }
        fn say(&self, _text: &str) {}
        fn warn(&self, _text: &str) {}
        fn teller(&self) -> Teller {
            Arc::new(|_| {})
        }
        fn tell_unused(&self, text: &str) {
            self.0.lock().unwrap().push(text.to_owned());
        }
        fn show(&self, outcome: &dyn Outcome) -> Exit {
            outcome.exit()
        }
        fn is_read(&self) -> bool {
            true
        }
        fn hide(&self, _text: SecretString, _name: String) {}
    }

    /// For each place a value may come from: what wins against a record that says `held`, one that
    /// says the same in other letters, and none.
    #[test]
    fn the_record_wins_against_all_but_a_flag_and_a_flag_may_not_contradict_it() {
        use Origin::{CommandLine, Default, SystemFile, UserFile, Variable};
        for (origin, is_refused, is_told) in [
            (CommandLine, true, false),
            (Variable, false, true),
            (UserFile, false, true),
            (SystemFile, false, true),
            (Default, false, false),
        ] {
            let nobody = Nobody::default();
            let given = |value: &str| {
                let (value, name) = (value.to_owned(), "AZSEED_LOCATION".to_owned());
                Some(Given { value, origin, name })
            };
            let settle = |value: &str, held: Option<&str>| {
                settle(given(value), held.map(str::to_owned), "the seed is for", &nobody)
            };
            let other = settle("other", Some("held"));
            match is_refused {
                true => {
                    let error = other.unwrap_err();
                    assert_eq!(
                        error.to_string(),
                        "AZSEED_LOCATION is other, and the seed is for held"
                    );
                    assert_eq!(error.kind(), ErrorKind::Usage);
                }
                false => assert_eq!(other.unwrap().as_deref(), Some("held"), "{origin:?}"),
            }
            let told = std::mem::take(&mut *nobody.0.lock().unwrap());
            let right = ["AZSEED_LOCATION is not used: the seed is for held"];
            assert_eq!(told, right[..usize::from(is_told)], "{origin:?}");
            assert_eq!(settle("HELD", Some("held")).unwrap().as_deref(), Some("held"));
            assert_eq!(settle("own", None).unwrap().as_deref(), Some("own"));
            assert!(nobody.0.lock().unwrap().is_empty(), "{origin:?}");
        }
        let nobody = Nobody::default();
        let given = |origin, name: &str| {
            Some(Given { value: name.to_owned(), origin, name: name.to_owned() })
        };
        let one_of = |first, second| {
            let chosen = super::one_of(given(first, "a"), given(second, "b"), &nobody);
            let told = std::mem::take(&mut *nobody.0.lock().unwrap());
            chosen.map(|(first, second)| (first.or(second).unwrap(), told.concat()))
        };
        let won = |wins: &str, idle: &str| {
            (wins.to_owned(), format!("{idle} is not used: {wins} goes before it"))
        };
        assert_eq!(one_of(CommandLine, Variable).unwrap(), won("a", "b"));
        assert_eq!(one_of(UserFile, CommandLine).unwrap(), won("b", "a"));
        assert_eq!(one_of(SystemFile, Variable).unwrap(), won("b", "a"));
        assert_eq!(one_of(Variable, Variable).unwrap(), won("a", "b"));
        assert_eq!(one_of(CommandLine, CommandLine).unwrap_err().kind(), ErrorKind::Usage);
        assert_eq!(super::settle(None, Some("held"), "x", &nobody).unwrap(), Some("held"));
    }
}
