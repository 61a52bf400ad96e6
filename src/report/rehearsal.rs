//! A rehearsal in words and as records.

use disk_prep::noun::ErrorKind;
use serde_json::{Value, json};

use crate::journey::rehearse::{Comparison, Halted, STEPS, Step, Summary};
use crate::outcome::{Exit, Outcome};

impl Outcome for Step {
    fn lines(&self) -> Vec<String> {
        let line = format!("{}/{}  {}", self.number, STEPS.len(), STEPS[self.number - 1]);
        vec![String::new(), line]
    }

    fn json(&self) -> Vec<Value> {
        vec![json!({
            "type": "step", "version": 1, "number": self.number, "of": STEPS.len(),
            "title": STEPS[self.number - 1],
        })]
    }
}

impl Outcome for Halted {
    fn lines(&self) -> Vec<String> {
        let folder = self.folder.display();
        match self.exit {
            Exit::Failed(ErrorKind::Resumable) => {
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
        vec![json!({
            "type": "rehearsal", "version": 1, "equal": false, "folder": self.folder,
            "next": self.again,
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
        if let Some(folder) = &self.folder {
            lines.push(format!("  {:<18} {}", "Kept in", folder.display()));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let Comparison { equal, bytes, differences } = &self.comparison;
        vec![json!({
            "type": "rehearsal", "version": 1, "equal": differences.is_empty(),
            "equal_entries": equal, "equal_bytes": bytes, "differences": differences,
            "staged": self.staged, "drives": self.drives, "dock": self.dock, "vault": self.vault,
            "folder": self.folder,
        })]
    }

    fn exit(&self) -> Exit {
        let differs = !self.comparison.differences.is_empty();
        Exit::of(differs.then_some(ErrorKind::Difference))
    }
}
