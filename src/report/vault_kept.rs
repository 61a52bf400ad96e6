//! What keeps a vault usable, as a person and a script see it: its check, its keys, its place.

use disk_prep::noun::{ByteSize, ErrorKind, VaultName, count, typed, visible_line};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::journey::vault_check::{Deleted, Mended, VaultChecked};
use crate::journey::vault_key::{KeyChanged, Keys};
use crate::journey::vault_set::Changed;
use crate::outcome::{Exit, Outcome};
use crate::repository::{Damage, DamageKind, Key, Touched};

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
    /// Whether the repository can be opened.
    opened: bool,
    /// Blobs that are not as they should be, or were not.
    damages: Vec<DamageRecord>,
    /// What of the snapshots cannot be restored.
    touched: Vec<TouchedRecord<'a>>,
}

/// A blob that is not as it should be.
#[derive(Serialize, JsonSchema)]
struct DamageRecord {
    /// Its path below the repository's root.
    path: String,
    /// `missing`, `cut` or `changed`.
    kind: &'static str,
    /// Its length; null unless it is another than it should be.
    bytes: Option<u64>,
    /// The length that it should have; null unless it is another.
    expected_bytes: Option<u64>,
    /// What became of it: `sent`, `dropped`, `set-aside`, `made-anew` or `lost`; null if no cure was
    /// tried.
    cure: Option<&'static str>,
}

/// What of a snapshot cannot be restored.
#[derive(Serialize, JsonSchema)]
struct TouchedRecord<'a> {
    /// Its id.
    snapshot: &'a str,
    /// The machine that it is of.
    host: &'a str,
    /// When it was made.
    time: Timestamp,
    /// Files of which content is lost, and folders of which all is lost.
    paths: Vec<String>,
    /// How many more there are.
    more: u64,
}

impl<'a> TouchedRecord<'a> {
    fn of(own: &'a Touched) -> Self {
        let paths = own.paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        let Touched { snapshot, host, time, more, .. } = own;
        TouchedRecord { snapshot, host, time: *time, paths, more: *more }
    }
}

impl VaultChecked {
    /// What is next where something is wrong.
    fn next(&self) -> Option<String> {
        let vault = self.vault.as_str();
        let line =
            |words: &[&str]| typed([&["azseed", "vault"], words, &["--vault", vault]].concat());
        match (self.is_whole(), self.is_mending, self.cures.is_empty()) {
            (true, ..) => None,
            (false, false, _) => Some(format!(
                "Next: `{}`, with `--staging DIR` where the seed was staged",
                // What only the content tells, only who reads it finds again.
                match self.found.checked.read_bytes {
                    0 => line(&["check", "--repair"]),
                    _ => line(&["check", "--repair", "--read-data"]),
                }
            )),
            (false, true, false) => Some(format!(
                "Next: `{}`, then `{}` says what is lost for good",
                line(&["run", "--now"]),
                line(&["check"])
            )),
            (false, true, true) => Some(
                "Nothing that is here mends the rest: bring deleted blobs back in the account, or let \
                 the snapshots go that lack them, as `azseed vault forget --help` says"
                    .to_owned(),
            ),
        }
    }

    fn cure_of(&self, damage: &Damage) -> Option<Mended> {
        let own = self.cures.iter().find(|(place, _)| *place == damage.place);
        own.map(|(_, cure)| *cure)
    }

    fn damage_records(&self) -> Vec<DamageRecord> {
        let record = |own: &Damage| {
            let (kind, bytes, expected_bytes) = match own.kind {
                DamageKind::Missing => ("missing", None, None),
                DamageKind::Changed => ("changed", None, None),
                DamageKind::Cut { bytes, expected_bytes } => {
                    ("cut", Some(bytes), Some(expected_bytes))
                }
            };
            let cure = self.cure_of(own).map(|cure| match cure {
                Mended::Sent => "sent",
                Mended::Dropped => "dropped",
                Mended::SetAside => "set-aside",
                Mended::MadeAnew => "made-anew",
                Mended::Lost => "lost",
            });
            DamageRecord { path: own.place.path(), kind, bytes, expected_bytes, cure }
        };
        self.found.damages.iter().map(record).collect()
    }

    /// A damaged blob, and what became of it.
    fn damage_line(&self, own: &Damage) -> String {
        let what = match own.kind {
            DamageKind::Missing => "is missing".to_owned(),
            DamageKind::Changed => "has another content than it was written with".to_owned(),
            DamageKind::Cut { bytes, expected_bytes } => {
                format!("has {bytes} bytes of {expected_bytes}")
            }
        };
        let cure = match self.cure_of(own) {
            None => "",
            Some(Mended::Sent) => ": sent again from the staging path",
            Some(Mended::Dropped) => {
                ": what it held is sent by the next run, as far as it is there"
            }
            Some(Mended::SetAside) => {
                ": moved to azseed/damaged/; what it held is sent by the next run, as far as it is \
                 there"
            }
            Some(Mended::MadeAnew) => ": made anew from the packs",
            Some(Mended::Lost) => ": lost, there is no other copy",
        };
        format!("Blob {} {what}{cure}", own.place.path())
    }

    /// What of a snapshot is lost.
    fn touched_lines(own: &Touched) -> Vec<String> {
        let (short, all) = (own.snapshot.get(..8).unwrap_or(&own.snapshot), own.paths.len() as u64);
        let what = count(all + own.more, "path");
        let time = own.time.strftime("%Y-%m-%d %H:%M:%S");
        let head = format!("Snapshot {short} of {}, {time}: {what} cannot be restored", own.host);
        let shown = own.paths.iter().take(MOST_SHOWN);
        let mut lines = vec![visible_line(&head).into_owned()];
        lines.extend(shown.map(|path| format!("  {}", visible_line(&path.to_string_lossy()))));
        let more = (all + own.more).saturating_sub(MOST_SHOWN as u64);
        lines.extend((more > 0).then(|| format!("  and {more} more; `--json` lists them")));
        lines
    }
}

/// Paths of one snapshot that are shown to a person.
const MOST_SHOWN: usize = 10;

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
        let VaultChecked { vault, found, protection, .. } = self;
        let checked = &found.checked;
        let mut lines: Vec<String> =
            found.damages.iter().map(|own| self.damage_line(own)).collect();
        lines.extend(found.touched.iter().flat_map(VaultChecked::touched_lines));
        let faults = checked.faults.iter();
        lines.extend(faults.map(|fault| format!("Fault   {fault}")));
        lines.extend(checked.remarks.iter().map(|remark| format!("Remark  {remark}")));
        let bytes = ByteSize(checked.bytes);
        let read = match checked.read_bytes {
            0 => "its data was not read".to_owned(),
            all if all == checked.bytes => format!("all {bytes} were read"),
            part => format!("about {} of {bytes} were read", ByteSize(part)),
        };
        let snapshots = count(found.snapshots.unwrap_or(0) as u64, "snapshot");
        let faults = count(checked.faults.len() + found.damages.len(), "fault");
        lines.push(match (self.is_whole(), found.snapshots) {
            (true, _) => format!("Vault {vault} with {snapshots} is whole; {read}"),
            (false, Some(_)) => format!("Vault {vault} with {snapshots} has {faults}; {read}"),
            (false, None) => format!("Vault {vault} cannot be opened; {faults}"),
        });
        lines.extend(self.next());
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
        let VaultChecked { vault, found, protection, .. } = self;
        let checked = &found.checked;
        vec![line(&CheckedRecord {
            vault,
            snapshots: found.snapshots.unwrap_or(0),
            bytes: checked.bytes,
            read_bytes: checked.read_bytes,
            faults: &checked.faults,
            remarks: &checked.remarks,
            held: protection.held,
            deleted_kept_days: protection.deleted.map(|deleted| match deleted {
                Deleted::Kept(days) => days,
                Deleted::Gone => 0,
            }),
            opened: found.snapshots.is_some(),
            damages: self.damage_records(),
            touched: found.touched.iter().map(TouchedRecord::of).collect(),
        })]
    }

    fn exit(&self) -> Exit {
        Exit::of((!self.is_whole()).then_some(ErrorKind::Difference))
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
