//! What keeps a vault usable, as a person and a script see it: its check, its keys, its place.

use disk_prep::noun::{ByteSize, ErrorKind, VaultName, count};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::journey::vault_check::{Deleted, VaultChecked};
use crate::journey::vault_key::{KeyChanged, Keys};
use crate::journey::vault_set::Changed;
use crate::outcome::{Exit, Outcome};
use crate::repository::Key;

/// A vault's repository was checked.
#[derive(Serialize, JsonSchema)]
pub(super) struct CheckedRecord<'a> {
    /// The vault.
    #[schemars(with = "String")]
    vault: &'a VaultName,
    /// Snapshots that it has.
    snapshots: usize,
    /// Bytes of data and folders that it keeps.
    bytes: u64,
    /// About so many of them were read and proven.
    read_bytes: u64,
    /// What is not as it should be.
    faults: &'a [String],
    /// What is strange and does no harm.
    remarks: &'a [String],
    /// Why blobs cannot be changed or deleted; null if they can.
    held: Option<&'a str>,
    /// Days that deleted blobs are kept, 0 if they go at once; null if the service does not tell.
    deleted_kept_days: Option<u32>,
}

impl Record for CheckedRecord<'_> {
    const TYPE: &'static str = "vault-checked";
}

/// A key of a vault's repository.
#[derive(Serialize, JsonSchema)]
pub(super) struct KeyRecord<'a> {
    /// The vault.
    #[schemars(with = "String")]
    vault: &'a VaultName,
    /// Its id.
    id: &'a str,
    /// The machine that made it; null if it does not say.
    host: Option<&'a str>,
    /// Who made it; null if it does not say.
    user: Option<&'a str>,
    /// When it was made; null if it does not say.
    created: Option<Timestamp>,
    /// Whether the password that was used is its own.
    used: bool,
}

impl Record for KeyRecord<'_> {
    const TYPE: &'static str = "vault-key";
}

/// Keys of a vault's repository were changed.
#[derive(Serialize, JsonSchema)]
pub(super) struct KeyChangedRecord<'a> {
    /// The vault.
    #[schemars(with = "String")]
    vault: &'a VaultName,
    /// The key of the new password; null if there is no new one.
    added: Option<&'a str>,
    /// The key that is gone; null if none is.
    removed: Option<&'a str>,
    /// Whether this call changed anything.
    changed: bool,
}

impl Record for KeyChangedRecord<'_> {
    const TYPE: &'static str = "vault-key-changed";
}

/// What this machine knows of a vault was changed.
#[derive(Serialize, JsonSchema)]
pub(super) struct SetRecord<'a> {
    /// The vault.
    #[schemars(with = "String")]
    vault: &'a VaultName,
    /// Whether this call changed anything.
    changed: bool,
    /// What is another now, a sentence each.
    differences: &'a [String],
}

impl Record for SetRecord<'_> {
    const TYPE: &'static str = "vault-set";
}

impl Outcome for VaultChecked {
    fn lines(&self) -> Vec<String> {
        let VaultChecked { vault, snapshots, checked, protection } = self;
        let mut lines: Vec<String> =
            checked.faults.iter().map(|fault| format!("Fault   {fault}")).collect();
        lines.extend(checked.remarks.iter().map(|remark| format!("Remark  {remark}")));
        let bytes = ByteSize(checked.bytes);
        let read = match checked.read_bytes {
            0 => "its data was not read".to_owned(),
            all if all == checked.bytes => format!("all {bytes} were read"),
            part => format!("about {} of {bytes} were read", ByteSize(part)),
        };
        let (snapshots, faults) =
            (count(*snapshots as u64, "snapshot"), count(checked.faults.len(), "fault"));
        lines.push(match checked.faults.is_empty() {
            true => format!("Vault {vault} with {snapshots} is whole; {read}"),
            false => format!("Vault {vault} with {snapshots} has {faults}; {read}"),
        });
        lines.extend(protection.held.map(|why| {
            format!("Its blobs are held by {why}: no snapshot can be forgotten, no key removed")
        }));
        lines.extend(protection.deleted.map(|deleted| {
            match deleted {
                Deleted::Kept(days) => {
                    let days = count(u64::from(days), "day");
                    format!("Deleted blobs are kept for {days}, and paid for until then")
                }
                Deleted::Gone => {
                    "Deleted blobs go at once; soft delete of the storage account would \
                              let you bring them back"
                        .to_owned()
                }
            }
        }));
        lines
    }

    fn json(&self) -> Vec<Value> {
        let VaultChecked { vault, snapshots, checked, protection } = self;
        vec![line(&CheckedRecord {
            vault,
            snapshots: *snapshots,
            bytes: checked.bytes,
            read_bytes: checked.read_bytes,
            faults: &checked.faults,
            remarks: &checked.remarks,
            held: protection.held,
            deleted_kept_days: protection.deleted.map(|deleted| match deleted {
                Deleted::Kept(days) => days,
                Deleted::Gone => 0,
            }),
        })]
    }

    fn exit(&self) -> Exit {
        Exit::of((!self.checked.faults.is_empty()).then_some(ErrorKind::Difference))
    }
}

impl Outcome for Keys {
    fn lines(&self) -> Vec<String> {
        let said = |text: &Option<String>| text.clone().unwrap_or("-".to_owned());
        let mut lines = vec![format!("  {:<10} {:<20} {:<16} USER", "ID", "MADE", "HOST")];
        for Key { id, host, user, created, is_own } in &self.keys {
            let made =
                created.map_or("-".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string());
            let mark = if *is_own { '*' } else { ' ' };
            let (id, host, user) = (id.get(..8).unwrap_or(id), said(host), said(user));
            lines.push(format!("{mark} {id:<10} {made:<20} {host:<16} {user}"));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let record = |own: &Key| {
            line(&KeyRecord {
                vault: &self.vault,
                id: &own.id,
                host: own.host.as_deref(),
                user: own.user.as_deref(),
                created: own.created,
                used: own.is_own,
            })
        };
        self.keys.iter().map(record).collect()
    }
}

impl Outcome for KeyChanged {
    fn lines(&self) -> Vec<String> {
        let name = &self.vault.name;
        let short = |id: &String| id.get(..8).unwrap_or(id).to_owned();
        if !self.changed {
            return vec![format!("The password opens the repository of vault {name} already")];
        }
        let mut lines = Vec::new();
        lines.extend(
            self.added
                .as_ref()
                .map(|id| format!("Key {} of vault {name} opens its repository", short(id))),
        );
        lines.extend(self.removed.as_ref().map(|id| format!("Key {} is gone", short(id))));
        if let (Some(_), Some(_), Some(path)) =
            (&self.added, &self.removed, &self.vault.password_file)
        {
            lines.push(format!("The password of vault {name} is in {} now", path.display()));
            lines.push(format!(
                "Tell the other machines: azseed vault set --vault {name} --password-file FILE"
            ));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        vec![line(&KeyChangedRecord {
            vault: &self.vault.name,
            added: self.added.as_deref(),
            removed: self.removed.as_deref(),
            changed: self.changed,
        })]
    }
}

impl Outcome for Changed {
    fn lines(&self) -> Vec<String> {
        match self.differences.is_empty() {
            true => vec![format!("Vault {} is so already", self.vault.name)],
            false => self.differences.clone(),
        }
    }

    fn json(&self) -> Vec<Value> {
        vec![line(&SetRecord {
            vault: &self.vault.name,
            changed: !self.differences.is_empty(),
            differences: &self.differences,
        })]
    }
}
