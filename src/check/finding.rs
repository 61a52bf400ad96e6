//! One thing that was looked at, and what it means.

/// What a finding means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// As it should be.
    Good,
    /// It will do.
    Warning,
    /// It will not.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub what: &'static str,
    /// What it means.
    pub grade: Grade,
    /// What is so.
    pub facts: String,
    /// What to do.
    pub action: Option<String>,
}

/// As it should be.
pub fn good(what: &'static str, facts: impl Into<String>) -> Finding {
    Finding { what, grade: Grade::Good, facts: facts.into(), action: None }
}

/// It will do, and this helps.
pub fn warning(what: &'static str, facts: impl Into<String>, action: &str) -> Finding {
    let action = Some(action.to_owned());
    Finding { what, grade: Grade::Warning, facts: facts.into(), action }
}

/// It will not do, and this helps.
pub fn problem(what: &'static str, facts: impl Into<String>, action: &str) -> Finding {
    Finding { grade: Grade::Problem, ..warning(what, facts, action) }
}

impl Grade {
    /// As a script reads it.
    pub fn word(self) -> &'static str {
        match self {
            Grade::Good => "good",
            Grade::Warning => "warning",
            Grade::Problem => "problem",
        }
    }
}

/// All that was looked at.
#[derive(Debug)]
pub struct Checked(pub Vec<Finding>);
