//! A rehearsal in words and as records.

use disk_prep::noun::ErrorKind;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::path_text::PathText;
use super::record::{Record, line};
use crate::journey::rehearse::{Comparison, Halted, STEPS, Step, StepEnded, Summary};
use crate::outcome::{Exit, Outcome};

/// A step of the rehearsal begins.
#[derive(Serialize, JsonSchema)]
pub(super) struct StepRecord<'a> {
    /// Its number, from 1.
    number: usize,
    /// How many there are.
    of: usize,
    /// What it does.
    title: &'static str,
    /// What would be typed for it.
    commands: &'a [String],
}

/// A step of the rehearsal has ended.
#[derive(Serialize, JsonSchema)]
pub(super) struct StepEndedRecord {
    /// Its number, from 1.
    number: usize,
    /// How long it took.
    seconds: f64,
}

impl Record for StepEndedRecord {
    const TYPE: &'static str = "step-ended";
}

impl Record for StepRecord<'_> {
    const TYPE: &'static str = "step";
}

/// The rehearsal has ended, or halts.
#[derive(Default, Serialize, JsonSchema)]
pub(super) struct RehearsalRecord<'a> {
    /// Whether all that came back equals the source.
    equal: bool,
    /// Files, folders and links that are equal; missing if it halted.
    #[schemars(with = "u64")]
    #[serde(skip_serializing_if = "Option::is_none")]
    equal_entries: Option<u64>,
    /// Bytes of these; missing if it halted.
    #[schemars(with = "u64")]
    #[serde(skip_serializing_if = "Option::is_none")]
    equal_bytes: Option<u64>,
    /// What differs from the source; missing if it halted.
    #[schemars(with = "Vec<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    differences: Option<&'a [String]>,
    /// What was staged; missing if it halted.
    #[schemars(with = "Vec<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    staged: Option<&'a [String]>,
    /// What each drive holds; missing if it halted.
    #[schemars(with = "Vec<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    drives: Option<&'a [String]>,
    /// What the dock found; missing if it halted.
    #[schemars(with = "Vec<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    dock: Option<&'a [String]>,
    /// What the vault protects; missing if it halted.
    #[schemars(with = "Vec<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    vault: Option<&'a [String]>,
    /// Where everything is kept; null if nothing is.
    folder: Option<PathText<'a>>,
    /// The page with all of it; missing if it halted.
    #[schemars(with = "std::path::PathBuf")]
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<PathText<'a>>,
    /// The command that goes on; only if it halted.
    #[schemars(with = "String")]
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'a str>,
}

impl Record for RehearsalRecord<'_> {
    const TYPE: &'static str = "rehearsal";
}

impl Outcome for Step {
    fn lines(&self) -> Vec<String> {
        let line = format!("{}/{}  {}", self.number, STEPS.len(), STEPS[self.number - 1]);
        let typed = self.commands.iter().map(|command| format!("  {command}"));
        [String::new(), line].into_iter().chain(typed).collect()
    }

    fn json(&self) -> Vec<Value> {
        let (title, commands) = (STEPS[self.number - 1], &self.commands[..]);
        vec![line(&StepRecord { number: self.number, of: STEPS.len(), title, commands })]
    }
}

impl Outcome for StepEnded {
    fn lines(&self) -> Vec<String> {
        vec![format!("It took {:.1} s", self.took.as_secs_f64())]
    }

    fn json(&self) -> Vec<Value> {
        let seconds = self.took.as_secs_f64();
        vec![line(&StepEndedRecord { number: self.number, seconds })]
    }
}

impl Outcome for Halted {
    fn lines(&self) -> Vec<String> {
        let folder = self.folder.display();
        match self.exit {
            Exit::Failed(ErrorKind::Resumable | ErrorKind::Interrupted) => {
                let line = format!("What is there is kept in {folder}. To go on:");
                vec![String::new(), line, format!("  {}", self.again)]
            }
            _ => {
                let line = format!("The rehearsal ends here. Everything is kept in {folder}");
                vec![String::new(), line]
            }
        }
    }

    fn json(&self) -> Vec<Value> {
        let (folder, next) = (Some(self.folder.as_path()), Some(self.again.as_str()));
        vec![line(&RehearsalRecord {
            folder: folder.map(PathText),
            next,
            ..RehearsalRecord::default()
        })]
    }

    fn exit(&self) -> Exit {
        self.exit
    }
}

impl Outcome for Summary {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![String::new(), "The rehearsal in short".to_owned()];
        for (title, entries) in self.sections() {
            for (index, entry) in entries.iter().enumerate() {
                let title = if index == 0 { title } else { "" };
                lines.push(format!("  {title:<18} {entry}"));
            }
        }
        if let Some(report) = &self.report {
            lines.push(format!("  {:<18} {}", "Report", report.display()));
        }
        if let Some(folder) = &self.folder {
            lines.push(format!("  {:<18} {}", "Kept in", folder.display()));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let Comparison { equal, bytes, differences } = &self.comparison;
        vec![line(&RehearsalRecord {
            equal: differences.is_empty(),
            equal_entries: Some(*equal),
            equal_bytes: Some(*bytes),
            differences: Some(differences),
            staged: Some(&self.staged),
            drives: Some(&self.drives),
            dock: Some(&self.dock),
            vault: Some(&self.vault),
            folder: self.folder.as_deref().map(PathText),
            report: self.report.as_deref().map(PathText),
            next: None,
        })]
    }

    fn exit(&self) -> Exit {
        let differs = !self.comparison.differences.is_empty();
        Exit::of(differs.then_some(ErrorKind::Difference))
    }
}
