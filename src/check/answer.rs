//! What came of a question to Azure, and what that means by itself.

use disk_prep::noun::ErrorKind;

use super::finding::{Finding, problem, unknown};

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// It is so.
    Known(T),
    /// It does not exist.
    Absent,
    /// It may not be looked at, or not in this way.
    Unknown(String),
    /// Nothing can be asked.
    Failed(Fault),
    /// It does not matter here, or makes no sense after another answer.
    Unasked,
}

/// Why nothing can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What it is to a script.
    pub kind: ErrorKind,
    /// What is so.
    pub facts: String,
    /// What to do.
    pub action: String,
    /// Its code.
    pub code: &'static str,
}

impl Fault {
    /// The finding of it.
    pub(super) fn finding(&self, what: &'static str) -> Finding {
        let Fault { kind, facts, action, code } = self;
        problem(what, facts.clone(), action).because(*kind).explained(code)
    }
}

/// The finding of an answer; `name` is what does not exist if it does not.
pub(super) fn look<T>(
    what: &'static str,
    answer: &Answer<T>,
    name: &str,
    known: impl FnOnce(&T) -> Finding,
) -> Option<Finding> {
    let finding = match answer {
        Answer::Known(own) => known(own),
        Answer::Absent => {
            problem(what, format!("there is no {name}"), "check the name").because(ErrorKind::Usage)
        }
        Answer::Unknown(why) => unknown(what, format!("not known: {why}")),
        Answer::Failed(fault) => fault.finding(what),
        Answer::Unasked => return None,
    };
    Some(finding)
}
