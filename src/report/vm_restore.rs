//! A restore of a virtual machine, as a person and a script see it.

use disk_prep::noun::visible_line;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::journey::vm_restore::{RestoreCame, RestoreDeed};
use crate::outcome::Outcome;
use crate::vm_backup::RestoreTarget;

/// A restore of a virtual machine that was begun, or could be.
#[derive(Serialize, JsonSchema)]
pub(super) struct VmRestoreRecord<'a> {
    /// The machine's name.
    name: &'a str,
    /// Its resource group.
    group: &'a str,
    /// The vault.
    vault: &'a str,
    /// `disks`, `new` or `replace`.
    kind: &'static str,
    /// The point's id.
    point: &'a str,
    /// When it was made.
    time: Option<Timestamp>,
    /// The storage account.
    account: &'a str,
    /// The data disks that are meant; null for all.
    luns: Option<&'a [u32]>,
    /// The machine that is made or changed, or the group of the disks.
    target: Option<String>,
    /// `planned`, `begun` or `under-way`.
    outcome: &'static str,
    /// The job of the service.
    job: Option<&'a str>,
}

impl Record for VmRestoreRecord<'_> {
    const TYPE: &'static str = "vm-restore";
}

impl RestoreDeed {
    /// What is made, in words, and the word for a script.
    fn made(&self) -> (String, &'static str, Option<String>) {
        let (machine, account) = (self.restore.machine.short(), &self.restore.account.account);
        let luns = self.restore.luns.as_deref().map(|luns| match luns {
            [] => "the system's disk".to_owned(),
            luns => {
                let luns: Vec<String> = luns.iter().map(ToString::to_string).collect();
                format!("the system's disk and data disks {}", luns.join(", "))
            }
        });
        let disks = luns.unwrap_or_else(|| "all disks".to_owned());
        match &self.restore.target {
            RestoreTarget::Disks(None) => {
                let text = format!("{disks} of {machine} into a new container of {account}");
                (text, "disks", None)
            }
            RestoreTarget::Disks(Some(group)) => {
                let text = format!("{disks} of {machine} as managed disks of the group {group}");
                (text, "disks", Some(group.to_string()))
            }
            RestoreTarget::New { machine: new, .. } => {
                let text = format!("{disks} of {machine} as a new machine {}", new.short());
                (text, "new", Some(new.to_string()))
            }
            RestoreTarget::Replace => {
                let text = format!("{disks} of {machine} in the place of its own");
                (text, "replace", Some(self.restore.machine.to_string()))
            }
        }
    }
}

impl Outcome for RestoreDeed {
    fn lines(&self) -> Vec<String> {
        let (made, ..) = self.made();
        let word = match self.came {
            RestoreCame::Planned => "Would restore",
            RestoreCame::Begun => "Restores",
            RestoreCame::UnderWay => "Is under way already: restores",
        };
        let job = self.job.as_ref().map(|job| format!(" (job {job})")).unwrap_or_default();
        let point = &self.restore.point;
        let time = point.time.map(|time| format!("{time:.0}")).unwrap_or_default();
        let mut lines = vec![
            format!("{word} {made}{job}"),
            format!("  point {}  {time}  {}", point.id, point.consistency),
        ];
        match (&self.job, self.came) {
            (_, RestoreCame::Planned) => {
                lines.push("  the service says that it can be done; nothing was begun".to_owned());
            }
            (Some(job), _) => {
                lines.push(format!("Next: `{}`", self.vault.id.line(["job", "wait", job])));
            }
            (None, _) => {
                let line = self.vault.id.line(["job", "list", "--operation", "Restore"]);
                lines.push(format!("Next: `{line}`"));
            }
        }
        lines.iter().map(|own| visible_line(own).into_owned()).collect()
    }

    fn json(&self) -> Vec<Value> {
        let (_, kind, target) = self.made();
        let restore = &self.restore;
        vec![line(&VmRestoreRecord {
            name: &restore.machine.name,
            group: &restore.machine.group,
            vault: self.vault.id.name.as_str(),
            kind,
            point: &restore.point.id,
            time: restore.point.time,
            account: restore.account.account.as_str(),
            luns: restore.luns.as_deref(),
            target,
            outcome: match self.came {
                RestoreCame::Planned => "planned",
                RestoreCame::Begun => "begun",
                RestoreCame::UnderWay => "under-way",
            },
            job: self.job.as_deref(),
        })]
    }
}
