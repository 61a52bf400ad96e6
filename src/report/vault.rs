//! Vaults as a person and a script see them.

use disk_prep::noun::{ByteSize, ErrorKind, count};
use serde_json::{Value, json};

use crate::journey::vault::{Restored, Snapshots, Vaults};
use crate::journey::vault_run::{Ran, Status};
use crate::journey::vault_source::Accepted;
use crate::outcome::{Exit, Outcome};
use crate::repository::{RestoreDone, Snapshot};
use crate::schedule::Due;
use crate::vault::{Increment, Ingested, KnownSource, Remark, Vault, VaultState};

fn known_state(vault: &Vault) -> VaultState {
    if vault.ingested_at.is_some() { VaultState::Protected } else { VaultState::AwaitingSeed }
}

fn value(vault: &Vault, state: VaultState) -> Value {
    json!({
        "type": "vault", "version": 1, "name": vault.name, "state": state,
        "storage_account": vault.storage_account, "container": vault.container,
        "prefix": vault.prefix, "job": vault.seed.job, "seed_container": vault.seed.container,
        "schedule": vault.schedule, "retention": vault.retention,
        "ingested_at": vault.ingested_at, "incremented_at": vault.incremented_at,
        "cleaned_at": vault.cleaned_at,
    })
}

fn lines(vault: &Vault, state: VaultState) -> Vec<String> {
    let when =
        |time: Option<jiff::Timestamp>| time.map_or("not yet".to_owned(), |at| at.to_string());
    let Vault { name, storage_account, container, prefix, seed, .. } = vault;
    vec![
        format!("Vault         {name}"),
        format!("State         {}", state.word()),
        format!("Kept in       {storage_account}/{container}/{prefix}"),
        format!("Seed          job {}, imported to {}/{}", seed.job, seed.container, seed.prefix),
        format!("Taken in      {}", when(vault.ingested_at)),
        format!("Last run      {}", when(vault.incremented_at)),
        format!("Increments    {}", vault.schedule),
        format!("Keeps         {}", vault.retention),
        format!("Password      in {}", vault.password_file.display()),
    ]
}

impl Outcome for Vaults {
    fn lines(&self) -> Vec<String> {
        if self.vaults.is_empty() {
            return vec!["No vault is known here".to_owned()];
        }
        let shown = self.vaults.iter().map(|vault| lines(vault, known_state(vault)));
        let mut lines = shown.collect::<Vec<_>>().join(&String::new());
        lines.extend(self.told.iter().cloned());
        lines
    }

    fn json(&self) -> Vec<Value> {
        let line = |vault: &Vault| {
            let mut line = value(vault, known_state(vault));
            if let Some(changed) = self.changed {
                line["changed"] = json!(changed);
                line["covers"] = json!(self.told);
            }
            line
        };
        self.vaults.iter().map(line).collect()
    }
}

fn due_text(next: &Due) -> String {
    match next {
        Due::Now => "now".to_owned(),
        Due::At(time) => time.strftime("%Y-%m-%d %H:%M %Z").to_string(),
    }
}

fn due_value(next: Option<&Due>) -> Value {
    match next {
        None => Value::Null,
        Some(Due::Now) => json!("now"),
        Some(Due::At(time)) => json!(time.timestamp()),
    }
}

impl Outcome for Status {
    fn lines(&self) -> Vec<String> {
        let mut shown = lines(&self.vault, self.state);
        shown.extend(self.next.iter().map(|next| format!("Next run      {}", due_text(next))));
        shown
    }

    fn json(&self) -> Vec<Value> {
        let mut line = value(&self.vault, self.state);
        line["next_due"] = due_value(self.next.as_ref());
        vec![line]
    }
}

impl Outcome for Ran {
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match self.state {
            VaultState::AwaitingSeed => lines
                .push(format!("Vault {} waits for its seed: nothing was shipped yet", self.name)),
            VaultState::SeedInTransit => {
                lines.push(format!(
                    "Vault {} waits for its seed: the import is under way",
                    self.name
                ));
            }
            VaultState::Ingesting | VaultState::Protected => {}
        }
        if let Some(Ingested { unchanged, copied, streamed, repaired }) = self.ingested {
            lines.push(format!(
                "Seed taken in: {} copied, {streamed} streamed, {repaired} repaired from staging, \
                 {unchanged} there already; every one proven by its MD5",
                count(copied, "blob")
            ));
        }
        if let Some(done) = &self.increment {
            lines.extend(increment(done));
        }
        if let Some(next) = &self.next {
            let is_made = self.increment.as_ref().is_none_or(|own| own.backup.is_some());
            let state = if is_made { " is protected" } else { " was not backed up" };
            let (name, next) = (&self.name, due_text(next));
            lines.push(format!("Vault {name}{state}; next run due {next}"));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let ingested = self.ingested.map(|own| {
            json!({"copied": own.copied, "streamed": own.streamed, "repaired": own.repaired,
                   "unchanged": own.unchanged})
        });
        let increment = self.increment.as_ref().map(increment_value);
        vec![json!({
            "type": "vault-run", "version": 1, "name": self.name, "state": self.state,
            "ingested": ingested, "increment": increment, "next_due": due_value(self.next.as_ref()),
        })]
    }

    fn exit(&self) -> Exit {
        let is_less = |own: &Increment| {
            own.policy_refused
                || own.remarks.iter().any(Remark::is_left_out)
                || own.backup.as_ref().is_some_and(|backup| {
                    !(backup.unreadable.is_empty() && backup.changed.is_empty())
                })
        };
        let lost = self.increment.as_ref().is_some_and(is_less);
        Exit::of(lost.then_some(ErrorKind::LeftOut))
    }
}

/// An increment in lines.
fn increment(done: &Increment) -> Vec<String> {
    let mut lines = Vec::new();
    match &done.backup {
        None => lines.push("No snapshot was made".to_owned()),
        Some(backup) => {
            let bytes = ByteSize(backup.bytes);
            let id = &backup.snapshot[..8];
            lines.push(format!("Snapshot {id}: {}, {bytes}", count(backup.files, "file")));
            lines.extend(backup.unreadable.iter().map(|what| format!("Not readable: {what}")));
            lines.extend(backup.changed.iter().map(|what| format!("Not steady: {what}")));
        }
    }
    if !done.forgotten.is_empty() {
        lines.push(format!("{} forgotten", count(done.forgotten.len(), "older snapshot")));
    }
    if done.policy_refused {
        lines.push(
            "The policy in this vault's record keeps nothing, so it was not carried out: nothing \
             was forgotten"
                .to_owned(),
        );
    }
    lines.extend(done.remarks.iter().map(ToString::to_string));
    lines
}

/// An increment for a script; without a snapshot its members are null.
fn increment_value(done: &Increment) -> Value {
    let remark = |own: &Remark| json!({"code": own.word(), "message": own.to_string()});
    let backup = done.backup.as_ref();
    json!({
        "snapshot": backup.map(|own| &own.snapshot), "tree": backup.map(|own| &own.tree),
        "files": backup.map(|own| own.files), "bytes": backup.map(|own| own.bytes),
        "unreadable": backup.map_or(&[][..], |own| &own.unreadable),
        "changed": backup.map_or(&[][..], |own| &own.changed),
        "forgotten": done.forgotten, "policy_refused": done.policy_refused,
        "remarks": done.remarks.iter().map(remark).collect::<Vec<_>>(),
    })
}

impl Outcome for Snapshots {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{:<10} {:<20} {:<16} {:>9} {:>10}  PATHS",
            "ID", "TIME", "HOST", "FILES", "SIZE"
        )];
        for own in &self.0 {
            let paths: Vec<String> =
                own.paths.iter().map(|path| path.display().to_string()).collect();
            let files = own.files.map_or("-".to_owned(), |files| files.to_string());
            let bytes = own.bytes.map_or("-".to_owned(), |bytes| ByteSize(bytes).to_string());
            let time = own.time.strftime("%Y-%m-%d %H:%M:%S").to_string();
            lines.push(format!(
                "{:<10} {time:<20} {:<16} {files:>9} {bytes:>10}  {}",
                &own.id[..8],
                own.host,
                paths.join(", ")
            ));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let line = |own: &Snapshot| {
            json!({"type": "snapshot", "version": 1, "id": own.id, "tree": own.tree,
                   "time": own.time, "host": own.host, "paths": own.paths, "files": own.files,
                   "bytes": own.bytes})
        };
        self.0.iter().map(line).collect()
    }
}

/// So many are named to a person; a script gets more.
const MOST_SHOWN: usize = 10;

impl Outcome for Restored {
    fn lines(&self) -> Vec<String> {
        let RestoreDone { bytes, written, replaced, adjusted, unchanged, left_out } = &self.done;
        let (id, bytes) = (&self.snapshot.id[..8], ByteSize(*bytes));
        let how = if left_out.is_empty() { "restored" } else { "restored in part" };
        let folder = self.folder.display();
        let counts = [
            (written, "written"),
            (replaced, "replaced"),
            (adjusted, "given other attributes"),
            (unchanged, "there already"),
        ];
        let counted = counts.iter().filter(|(number, _)| **number > 0);
        let counted: Vec<String> =
            counted.map(|(number, what)| format!("{number} {what}")).collect();
        let mut lines = vec![format!("Snapshot {id} is {how} to {folder}: {bytes} written")];
        if !counted.is_empty() {
            lines.push(format!("Files and links: {}", counted.join(", ")));
        }
        for (reason, own) in left_out {
            let shown = own.named.iter().take(MOST_SHOWN);
            lines.extend(shown.map(|(path, why)| format!("Not as it was: {path}: {why}")));
            let more = own.count.saturating_sub(MOST_SHOWN as u64);
            if more > 0 {
                lines.push(format!("Not as it was: {more} more ({})", reason.code()));
            }
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let left_out: Vec<Value> = self
            .done
            .left_out
            .iter()
            .map(|(reason, own)| {
                let named = own.named.iter();
                let named: Vec<Value> =
                    named.map(|(path, why)| json!({"path": path, "reason": why})).collect();
                json!({"code": reason.code(), "count": own.count, "named": named})
            })
            .collect();
        let done = &self.done;
        vec![json!({
            "type": "restored", "version": 1, "snapshot": self.snapshot.id, "target": self.folder,
            "bytes": done.bytes, "written": done.written, "replaced": done.replaced,
            "adjusted": done.adjusted, "unchanged": done.unchanged, "left_out": left_out,
        })]
    }

    fn exit(&self) -> Exit {
        Exit::of(self.done.left_out.keys().map(|reason| reason.kind()))
    }
}

impl Outcome for Accepted {
    fn lines(&self) -> Vec<String> {
        let KnownSource { path, mount, files, bytes, .. } = &self.source;
        vec![match mount {
            Some(mount) => format!(
                "{} is taken as it is: {}, {}, below the mount point {}",
                path.display(),
                count(*files, "file"),
                ByteSize(*bytes),
                mount.display()
            ),
            None => format!("{} need not be on this machine", path.display()),
        }]
    }

    fn json(&self) -> Vec<Value> {
        let KnownSource { path, mount, files, bytes, .. } = &self.source;
        vec![json!({
            "type": "vault-source", "version": 1, "vault": self.vault, "path": path,
            "mount": mount, "files": files, "bytes": bytes, "accepted": true,
        })]
    }
}
