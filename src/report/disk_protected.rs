//! A disk that is backed up from now on, as a person and a script see it.

use disk_prep::noun::{ErrorKind, VaultName, typed};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::disk_backup::{backup_record, made_line, round_record};
use super::record::{Record, line};
use crate::disk_backup::DiskBackup;
use crate::journey::disk_protect::Protected;
use crate::journey::disk_seed::Shipping;
use crate::outcome::{Exit, Outcome};

/// A first copy that goes by drive, before it has begun to.
#[derive(Serialize, JsonSchema)]
pub(super) struct DiskSeedRecord<'a> {
    /// The backup's name.
    #[schemars(with = "String")]
    name: &'a VaultName,
    /// The data set that `prep` takes.
    dataset: String,
    /// The words of the command that puts it on a drive; `REGION`, `CONTACT.toml` and `DRIVE` stand for
    /// what only the person knows.
    command: &'a [String],
}

impl Record for DiskSeedRecord<'_> {
    const TYPE: &'static str = "disk-seed";
}

impl Outcome for Protected {
    fn lines(&self) -> Vec<String> {
        let DiskBackup { name, source, target, .. } = &self.backup;
        if self.left_points.is_some() {
            let list = typed(["azseed", "disk-backup", "list", name.as_str()]);
            return vec![format!("The backup {name} in {target} is known here: `{list}`")];
        }
        let mut lines = vec![format!("Disk {name} is backed up: {source} to {target}")];
        if self.is_taken_over {
            lines.push("The copy was there already, and is gone on with".to_owned());
        }
        match &self.made {
            Some(made) => lines.push(made_line(name, made)),
            None if self.shipping.is_some() => {}
            None => lines.push("Its first point was there. Nothing was left to do".to_owned()),
        }
        if let Some(Shipping { dataset, command }) = &self.shipping {
            lines.push(format!("Its first copy goes by drive: {} has its row", dataset.display()));
            lines.push("Put it on a drive, and send that as `azseed job ship` says:".to_owned());
            lines.push(format!("  {}", typed(command)));
            lines.push(
                "Once the datacenter has read it, `azseed disk-backup run` goes on by wire"
                    .to_owned(),
            );
        }
        if self.backup.source.image().is_some() {
            lines.push(
                "A point is what the image holds while it is read: take it of a machine that is \
                 stopped, or of a snapshot (`lvcreate --snapshot`, `virsh snapshot-create-as`)"
                    .to_owned(),
            );
        }
        lines
    }

    fn exit(&self) -> Exit {
        match self.left_points {
            Some(_) => Exit::Failed(ErrorKind::LeftOut),
            None => Exit::Done,
        }
    }

    fn json(&self) -> Vec<Value> {
        let mut lines = vec![line(&backup_record(&self.backup))];
        let made = self.made.as_ref();
        let round = |made| line(&round_record(&self.backup.name, Some(made), "", None));
        lines.extend(made.map(round));
        lines.extend(self.shipping.as_ref().map(|own| {
            let (name, dataset) = (&self.backup.name, own.dataset.display().to_string());
            line(&DiskSeedRecord { name, dataset, command: &own.command })
        }));
        lines
    }
}
