//! A seed in words and as a record.

use disk_prep::noun::{ByteSize, ErrorKind, count, shell_word};
use serde_json::{Value, json};

use crate::journey::stage::SeedShown;
use crate::outcome::{Exit, Outcome};
use crate::staging::{Origin, Seed, SeedKind, SeedState, Target};

impl Outcome for SeedShown {
    fn lines(&self) -> Vec<String> {
        let Seed { kind, origin, state, totals, target, .. } = &self.seed;
        let what = match (kind, origin) {
            (SeedKind::Repository, Origin::Written) => "a repository, written by azseed",
            (SeedKind::Repository, Origin::Adopted) => "a repository, taken as it stands",
            (SeedKind::Files, _) => "files, taken as they stand",
        };
        let state = match state {
            SeedState::Finished => "finished",
            SeedState::Cleared => "cleared: the vault has it",
            SeedState::Unfinished => "not finished: run the same `azseed stage` again",
        };
        let mut lines = vec![
            format!("Staging path  {}", self.staging.path().display()),
            format!("Seed          {what}"),
            format!("Data          {}", self.seed.data_path(&self.staging).display()),
            format!("State         {state}"),
        ];
        if *origin == Origin::Written && self.seed.state == SeedState::Finished {
            let (files, bytes) = (count(totals.source_files, "file"), totals.source_bytes);
            lines.push(format!("Backed up     {files}, {}", ByteSize(bytes)));
        }
        let (files, bytes) = (count(totals.files, "file"), ByteSize(totals.bytes));
        lines.extend(match self.seed.state {
            SeedState::Finished => Some(format!("To ship       {files}, {bytes}")),
            SeedState::Cleared => Some(format!("Shipped       {files}, {bytes}")),
            SeedState::Unfinished => None,
        });
        lines.push(format!("Job           {}", target.job));
        let Target { storage_account, container, prefix, .. } = target;
        lines.push(format!("Destination   {storage_account}/{container}/{prefix}"));
        if let Some(path) = &self.password {
            let path = path.display();
            lines.push(format!("Password      in {path}: keep a copy elsewhere, nothing opens"));
            lines.push("              the backup without it".to_owned());
        }
        for reason in self.unreadable() {
            lines.push(format!("Not readable  {reason}"));
        }
        for what in self.changed() {
            lines.push(format!("Not steady    {what}"));
        }
        lines.extend(self.told.iter().cloned());
        if self.seed.state == SeedState::Finished {
            let staging = self.staging.path().to_string_lossy();
            let staging = shell_word(&staging);
            lines.push(format!("Next          `azseed plan --staging {staging} --drive-size 4T`"));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let Seed { id, kind, origin, state, totals, target, .. } = &self.seed;
        vec![json!({
            "type": "seed", "version": 1, "id": id, "kind": kind, "origin": origin, "state": state,
            "staging": self.staging.path(), "job": target.job, "storage_account": target.storage_account,
            "container": target.container, "prefix": target.prefix, "files": totals.files,
            "bytes": totals.bytes, "source_files": totals.source_files,
            "source_bytes": totals.source_bytes, "unreadable": self.unreadable(),
            "changed": self.changed(), "covers": self.told,
            "unreadable_files": totals.unreadable_files, "password_file": self.password,
            "snapshot": self.backup.as_ref().map(|backup| &backup.snapshot),
            "tree": self.backup.as_ref().map(|backup| &backup.tree),
        })]
    }

    fn exit(&self) -> Exit {
        let is_whole = self.unreadable().is_empty() && self.changed().is_empty();
        Exit::of((!is_whole).then_some(ErrorKind::LeftOut))
    }
}
