//! Findings in words and as records.

use disk_prep::noun::ErrorKind;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::check::finding::{Checked, Finding, Grade};
use crate::outcome::{Exit, Outcome};

/// One thing that was looked at on this machine, and what it means.
#[derive(Serialize, JsonSchema)]
pub(super) struct CheckRecord<'a> {
    /// What was looked at.
    what: &'a str,
    /// `good`, `warning` or `problem`.
    verdict: &'a str,
    /// What is so.
    facts: &'a str,
    /// What to do; null if nothing has to be done.
    action: Option<&'a str>,
}

impl Record for CheckRecord<'_> {
    const TYPE: &'static str = "check";
}

impl Outcome for Checked {
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for Finding { what, grade, facts, action } in &self.0 {
            let verdict = grade.word();
            lines.push(format!("{what:<10} {verdict:<8} {facts}"));
            lines.extend(action.iter().map(|action| format!("{:<20}{action}", "")));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let record = |Finding { what, grade, facts, action }: &Finding| {
            let action = action.as_deref();
            line(&CheckRecord { what, verdict: grade.word(), facts, action })
        };
        self.0.iter().map(record).collect()
    }

    fn exit(&self) -> Exit {
        let is_problem = |finding: &&Finding| finding.grade == Grade::Problem;
        Exit::of(self.0.iter().filter(is_problem).map(|_| ErrorKind::Failed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding::{good, problem, warning};

    #[test]
    fn a_problem_ends_with_a_failure_and_a_warning_does_not() {
        let checked = |findings| Checked(findings).exit();
        assert_eq!(checked(vec![good("a", "b"), warning("c", "d", "e")]), Exit::Done);
        let bad = Checked(vec![problem("rights", "none", "be root")]);
        assert_eq!(bad.exit(), Exit::Failed(ErrorKind::Failed));
        assert!(bad.lines()[0].contains("problem") && bad.lines()[1].contains("be root"));
        assert_eq!(bad.json()[0]["verdict"], "problem");
    }
}
