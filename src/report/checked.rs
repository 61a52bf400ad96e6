//! Findings in words and as records.

use disk_prep::noun::ErrorKind;
use serde_json::{Value, json};

use crate::check::finding::{Checked, Finding, Grade};
use crate::outcome::{Exit, Outcome};

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
        let line = |Finding { what, grade, facts, action }: &Finding| {
            json!({
                "type": "check", "version": 1, "what": what, "verdict": grade.word(),
                "facts": facts, "action": action,
            })
        };
        self.0.iter().map(line).collect()
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
