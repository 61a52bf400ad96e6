//! One thing that was looked at, and what it means.

use disk_prep::noun::ErrorKind;

/// What a finding means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// As it should be.
    Good,
    /// It will do.
    Warning,
    /// It will not, and so a run would end.
    Problem(ErrorKind),
    /// It could not be looked at.
    Unknown,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about where several things of a kind are looked at, such as a machine.
    pub about: Option<String>,
    /// Where: `host`, `azure`, `guest`, `fs`.
    pub area: &'static str,
    /// What was looked at.
    pub what: &'static str,
    /// What it means.
    pub grade: Grade,
    /// What is so.
    pub facts: String,
    /// What to do.
    pub action: Option<String>,
    /// The next line to type, if there is one.
    pub command: Option<String>,
    /// The entry of the catalogue that tells more.
    pub explain: Option<String>,
}

/// As it should be.
pub fn good(what: &'static str, facts: impl Into<String>) -> Finding {
    let (area, grade, facts) = ("host", Grade::Good, facts.into());
    Finding { about: None, area, what, grade, facts, action: None, command: None, explain: None }
}

/// It will do, and this helps.
pub fn warning(what: &'static str, facts: impl Into<String>, action: &str) -> Finding {
    let action = Some(action.to_owned());
    Finding { grade: Grade::Warning, action, ..good(what, facts) }
}

/// It will not do, and this helps.
pub fn problem(what: &'static str, facts: impl Into<String>, action: &str) -> Finding {
    Finding { grade: Grade::Problem(ErrorKind::Failed), ..warning(what, facts, action) }
}

/// It could not be looked at.
pub fn unknown(what: &'static str, why: impl Into<String>) -> Finding {
    Finding { grade: Grade::Unknown, ..good(what, why) }
}

impl Finding {
    /// The same, of another place than this machine as one that drives are filled on.
    pub fn of(self, area: &'static str) -> Self {
        Finding { area, ..self }
    }

    /// What it is called in scripts.
    pub fn id(&self) -> String {
        format!("{}-{}", self.area, self.what)
    }

    /// The same, about one of several things.
    pub fn about(self, what: impl Into<String>) -> Self {
        Finding { about: Some(what.into()), ..self }
    }

    /// The same, if it ends a run for this reason.
    pub fn because(self, kind: ErrorKind) -> Self {
        Finding { grade: Grade::Problem(kind), ..self }
    }

    /// The same with the line to type.
    pub fn next(self, command: impl Into<String>) -> Self {
        Finding { command: Some(command.into()), ..self }
    }

    /// The same of a machine whose files were looked at from another one: what is to be typed there
    /// is no line to type here.
    pub fn elsewhere(self) -> Self {
        let Some(line) = &self.command else { return self };
        let there = format!("on that machine: `{line}`");
        let action = match &self.action {
            Some(action) => format!("{action}; {there}"),
            None => there,
        };
        Finding { action: Some(action), command: None, ..self }
    }

    /// The same, if it is needed only for something that may not be meant: no problem as yet.
    pub fn mild_for(self, purpose: &str) -> Self {
        match self.grade {
            Grade::Problem(_) => {
                let facts = format!("{purpose}: {}", self.facts);
                Finding { grade: Grade::Warning, facts, ..self }
            }
            _ => self,
        }
    }

    /// The same with the entry of the catalogue.
    pub fn explained(self, code: &str) -> Self {
        Finding { explain: Some(code.to_owned()), ..self }
    }
}

impl Grade {
    /// As a script reads it.
    pub fn word(self) -> &'static str {
        match self {
            Grade::Good => "good",
            Grade::Warning => "warning",
            Grade::Problem(_) => "problem",
            Grade::Unknown => "unknown",
        }
    }
}

/// All that was looked at.
#[derive(Debug)]
pub struct Checked(pub Vec<Finding>);

impl Checked {
    /// Why a run would end: of several reasons the one that must be mended first.
    pub fn worst(&self) -> Option<ErrorKind> {
        let rank = |kind: &ErrorKind| match kind {
            ErrorKind::NotAllowed => 0,
            ErrorKind::Refused => 1,
            ErrorKind::Unreachable => 2,
            ErrorKind::Usage => 3,
            _ => 4,
        };
        let kinds = self.0.iter().filter_map(|finding| match finding.grade {
            Grade::Problem(kind) => Some(kind),
            _ => None,
        });
        kinds.min_by_key(rank)
    }
}

/// The same, where what would do is not enough.
#[derive(Debug)]
pub struct Strict(pub Checked);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_comes_before_what_is_asked_and_a_wrong_name_last() {
        let worst = |kinds: &[ErrorKind]| {
            let finding = |kind: &ErrorKind| problem("a", "b", "c").because(*kind);
            Checked(kinds.iter().map(finding).collect()).worst()
        };
        use ErrorKind::{Failed, NotAllowed, Refused, Unreachable, Usage};
        assert_eq!(worst(&[Usage, Unreachable, Refused, NotAllowed]), Some(NotAllowed));
        assert_eq!(worst(&[Usage, Unreachable, Refused]), Some(Refused));
        assert_eq!(worst(&[Failed, Usage]), Some(Usage));
        assert_eq!(Checked(vec![good("a", "b"), warning("a", "b", "c")]).worst(), None);
    }
}
