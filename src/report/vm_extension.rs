//! Backup extensions and registrations of machines in words and as records.

use disk_prep::noun::{typed, visible_line};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::journey::vm_extension::{BackupExtension, ExtensionCame, Registration, Registrations};
use crate::outcome::Outcome;

/// The backup extension of a machine.
#[derive(Serialize, JsonSchema)]
pub(super) struct VmExtensionRecord<'a> {
    /// The machine's name.
    machine: &'a str,
    /// Its resource group.
    group: &'a str,
    /// The extension's name; null if none is in the machine.
    name: Option<&'a str>,
    /// Its version.
    version: Option<&'a str>,
    /// `succeeded`, `failed` or another word of Azure.
    state: Option<&'a str>,
    /// `seen`, `removed`, or `unchanged` if there was none to remove.
    outcome: &'static str,
}

impl Record for VmExtensionRecord<'_> {
    const TYPE: &'static str = "vm-extension";
}

/// Whether a vault knows a machine.
#[derive(Serialize, JsonSchema)]
pub(super) struct VmRegistrationRecord<'a> {
    /// The machine's name.
    machine: &'a str,
    /// Its resource group.
    group: &'a str,
    /// The vault that it is registered with; null if it is with none.
    vault: Option<&'a str>,
}

impl Record for VmRegistrationRecord<'_> {
    const TYPE: &'static str = "vm-registration";
}

impl Outcome for BackupExtension {
    fn lines(&self) -> Vec<String> {
        let machine = visible_line(&self.machine.short()).into_owned();
        match (&self.own, self.came) {
            (None, ExtensionCame::Seen) => vec![format!(
                "{machine} has no backup extension; its first backup brings one along"
            )],
            (None, ExtensionCame::Removed) => {
                vec![format!("{machine} has no backup extension, so nothing was removed")]
            }
            (Some(own), ExtensionCame::Removed) => vec![
                format!("{} was taken out of {machine}", visible_line(&own.name)),
                format!("Next: `{}` puts it in anew", typed(["azseed", "vm", "backup", &machine])),
            ],
            (Some(own), ExtensionCame::Seen) => {
                let text = format!("{machine}  {} {}  {}", own.name, own.version, own.state);
                let next = own.is_failed().then(|| {
                    let line = typed(["azseed", "vm", "extension", "remove", &machine]);
                    format!("Next: `{line}`; the next backup puts it in")
                });
                std::iter::once(visible_line(&text).into_owned()).chain(next).collect()
            }
        }
    }

    fn json(&self) -> Vec<Value> {
        let own = self.own.as_ref();
        vec![line(&VmExtensionRecord {
            machine: &self.machine.name,
            group: &self.machine.group,
            name: own.map(|own| own.name.as_str()),
            version: own.map(|own| own.version.as_str()),
            state: own.map(|own| own.state.as_str()),
            outcome: match (own, self.came) {
                (_, ExtensionCame::Seen) => "seen",
                (Some(_), ExtensionCame::Removed) => "removed",
                (None, ExtensionCame::Removed) => "unchanged",
            },
        })]
    }
}

impl Outcome for Registrations {
    fn lines(&self) -> Vec<String> {
        let line = |own: &Registration| {
            let machine = visible_line(&own.machine.short()).into_owned();
            match &own.vault {
                Some(vault) => format!("{machine}  registered with {}", vault.name),
                None => format!("{machine}  not registered"),
            }
        };
        let next = self.next.iter().flat_map(|next| {
            [
                "Nothing has to be registered by itself: protecting a machine does it".to_owned(),
                format!("Next: `{next}`"),
            ]
        });
        self.all.iter().map(line).chain(next).collect()
    }

    fn json(&self) -> Vec<Value> {
        let record = |own: &Registration| {
            line(&VmRegistrationRecord {
                machine: &own.machine.name,
                group: &own.machine.group,
                vault: own.vault.as_ref().map(|own| own.name.as_str()),
            })
        };
        self.all.iter().map(record).collect()
    }
}
