//! Findings in words and as records.

use disk_prep::noun::{ErrorKind, count, visible_line};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::check::finding::{Checked, Finding, Grade, Strict};
use crate::outcome::{Exit, Outcome};

/// One thing that was looked at on this machine, and what it means.
#[derive(Serialize, JsonSchema)]
pub(super) struct CheckRecord<'a> {
    /// What was looked at.
    what: &'a str,
    /// `good`, `warning`, `problem`, or `unknown` if it could not be looked at.
    verdict: &'a str,
    /// What is so.
    facts: &'a str,
    /// What to do; null if nothing has to be done.
    action: Option<&'a str>,
    /// What it is called: where it was looked at and what.
    id: String,
    /// The next line to type; null if there is none.
    command: Option<&'a str>,
    /// The code that `azseed explain` tells more of; null if there is none.
    explain: Option<&'a str>,
    /// What it is about, such as a machine; null if only one thing was looked at.
    about: Option<&'a str>,
}

impl Record for CheckRecord<'_> {
    const TYPE: &'static str = "check";
}

impl Outcome for Checked {
    fn lines(&self) -> Vec<String> {
        let width = self.0.iter().map(|finding| finding.what.len()).max().unwrap_or(0).max(10);
        let (mut lines, mut last) = (Vec::new(), None);
        for Finding { about, what, grade, facts, action, command, .. } in &self.0 {
            if about.as_ref() != last {
                lines.extend(about.as_ref().map(|own| format!("{}:", visible_line(own))));
                last = about.as_ref();
            }
            let (verdict, facts) = (grade.word(), visible_line(facts));
            lines.push(format!("{what:<width$} {verdict:<8} {facts}"));
            let under = |text: &str| format!("{:<1$}{text}", "", width + 10);
            lines.extend(action.iter().map(|action| under(&visible_line(action))));
            lines.extend(command.iter().map(|command| under(&format!("`{command}`"))));
        }
        lines.push(together(&self.0));
        lines
    }

    fn json(&self) -> Vec<Value> {
        let record = |finding: &Finding| {
            let Finding { what, grade, facts, .. } = finding;
            line(&CheckRecord {
                what,
                verdict: grade.word(),
                facts,
                action: finding.action.as_deref(),
                id: finding.id(),
                command: finding.command.as_deref(),
                explain: finding.explain.as_deref(),
                about: finding.about.as_deref(),
            })
        };
        self.0.iter().map(record).collect()
    }

    fn exit(&self) -> Exit {
        self.worst().map_or(Exit::Done, Exit::Failed)
    }
}

impl Outcome for Strict {
    fn lines(&self) -> Vec<String> {
        self.0.lines()
    }

    fn json(&self) -> Vec<Value> {
        self.0.json()
    }

    fn exit(&self) -> Exit {
        let is_warning = |own: &Finding| own.grade == Grade::Warning;
        match self.0.exit() {
            Exit::Done if self.0.0.iter().any(is_warning) => Exit::Failed(ErrorKind::Failed),
            exit => exit,
        }
    }
}

/// How many of each there are, and what to type first.
fn together(all: &[Finding]) -> String {
    let number = |word: &str| all.iter().filter(|finding| finding.grade.word() == word).count();
    let mut counts = vec![format!("{} good", number("good"))];
    for (word, noun) in [("warning", "warning"), ("problem", "problem")] {
        counts.push(count(number(word), noun));
    }
    if number("unknown") > 0 {
        counts.push(format!("{} not known", number("unknown")));
    }
    let next = all.iter().find_map(|finding| finding.command.as_ref());
    let next = next.map_or(String::new(), |command| format!("; next: `{command}`"));
    format!("Together: {}{next}", counts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding::{good, problem, warning};

    #[test]
    fn a_problem_ends_with_a_failure_and_a_warning_does_not() {
        let checked = |findings| Checked(findings).exit();
        assert_eq!(checked(vec![good("a", "b"), warning("c", "d", "e")]), Exit::Done);
        let strict = |findings| Strict(Checked(findings)).exit();
        assert_eq!(strict(vec![good("a", "b")]), Exit::Done);
        assert_eq!(strict(vec![warning("c", "d", "e")]), Exit::Failed(ErrorKind::Failed));
        let wrong = || problem("a", "b", "c").because(ErrorKind::Refused);
        assert_eq!(strict(vec![warning("c", "d", "e"), wrong()]), Exit::Failed(ErrorKind::Refused));
        let bad = Checked(vec![problem("rights", "none", "be root")]);
        assert_eq!(bad.exit(), Exit::Failed(ErrorKind::Failed));
        assert!(bad.lines()[0].contains("problem") && bad.lines()[1].contains("be root"));
        assert_eq!(bad.json()[0]["verdict"], "problem");
        assert_eq!(bad.json()[0]["id"], "host-rights");
        assert_eq!(bad.lines().last().unwrap(), "Together: 0 good, 0 warnings, 1 problem");
        let about = |machine: &str| good("a", "b").about(machine);
        let lines = Checked(vec![about("rg/web"), about("rg/web"), about("rg/db")]).lines();
        assert_eq!((lines[0].as_str(), lines[3].as_str(), lines.len()), ("rg/web:", "rg/db:", 6));
        let two = vec![good("a", "b"), problem("c", "d", "e").next("azseed plan")];
        let last = Checked(two).lines().pop().unwrap();
        assert_eq!(last, "Together: 1 good, 0 warnings, 1 problem; next: `azseed plan`");
    }
}
