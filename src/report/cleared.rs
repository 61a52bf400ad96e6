//! What was cleared, in words and as a record.

use disk_prep::noun::{ErrorKind, count};
use serde_json::{Value, json};

use crate::journey::cleanup::Cleared;
use crate::outcome::{Exit, Outcome};

impl Outcome for Cleared {
    fn lines(&self) -> Vec<String> {
        let Cleared { vault, staging, blobs_deleted, files_deleted, .. } = self;
        let mut lines = vec![match (blobs_deleted, files_deleted) {
            (0, 0) => format!("Vault {vault} has all of the seed. Nothing was left to delete"),
            _ => format!(
                "Vault {vault} has all of the seed. Deleted: {}, {} of {}",
                count(*blobs_deleted, "imported blob"),
                count(*files_deleted, "file"),
                staging.display()
            ),
        }];
        for name in &self.blobs_left {
            lines.push(format!("Left alone, since somebody changed it: {name}"));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        vec![json!({
            "type": "cleanup", "version": 1, "vault": self.vault, "staging": self.staging,
            "blobs_deleted": self.blobs_deleted, "blobs_left": self.blobs_left,
            "files_deleted": self.files_deleted,
        })]
    }

    fn exit(&self) -> Exit {
        Exit::of((!self.blobs_left.is_empty()).then_some(ErrorKind::LeftOut))
    }
}
