//! Vaults that this machine knows, each in a file of its own. A record is changed, never
//! replaced: under the lock of all records it is read anew, the fields that are meant are set,
//! and it is written. Whoever works for hours on a vault so never writes back what he read first,
//! and what another version wrote stays.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use disk_prep::noun::{AccountName, ContainerName, VaultName, with_unknown};
use disk_prep::sys::durable::{self, Access};
use disk_prep::sys::given;
use uuid::Uuid;

use super::record::{VERSION, Vault};
use crate::state::{Lock, State, StateError, expect_text, io_at};

impl State {
    fn vaults_folder(&self) -> PathBuf {
        self.folder().join("vaults")
    }

    fn vault_path(&self, name: &VaultName) -> PathBuf {
        // Azure does not tell names of vaults apart by case.
        self.vaults_folder().join(format!("{}.json", name.as_str().to_lowercase()))
    }

    /// All vaults, by name, whose records can be read; one that cannot hides no other.
    pub fn vaults(&self) -> Result<Vec<Vault>, StateError> {
        let mut vaults: Vec<Vault> =
            self.vault_records()?.iter().filter_map(|path| read(path).ok()).collect();
        vaults.sort_by(|one, other| one.name.as_str().cmp(other.name.as_str()));
        Ok(vaults)
    }

    /// Why records of vaults cannot be read, each with its path: of this name, or of all.
    pub fn unread_vaults(&self, name: Option<&VaultName>) -> Result<Vec<StateError>, StateError> {
        let mut paths = self.vault_records()?;
        paths.retain(|path| name.is_none_or(|name| *path == self.vault_path(name)));
        let why =
            |path: PathBuf| read(&path).err().map(|source| StateError::Vault { path, source });
        Ok(paths.into_iter().filter_map(why).collect())
    }

    fn vault_records(&self) -> Result<Vec<PathBuf>, StateError> {
        self.records_in(&self.vaults_folder())
    }

    /// Keeps the record of a new vault; one that is there stays as it is and is an error, unless it
    /// says nothing any more: then it is set aside.
    pub fn add_vault(&self, vault: &Vault) -> Result<(), StateError> {
        let _lock = self.hold_records()?;
        let path = self.vault_path(&vault.name);
        match read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if is_damaged(&error) => {
                fs::rename(&path, path.with_extension("damaged")).map_err(io_at(&path))?;
            }
            Err(source) => return Err(StateError::Vault { path, source }),
            Ok(_) => return Err(io_at(&path)(io::ErrorKind::AlreadyExists.into())),
        }
        self.write_vault(vault)
    }

    /// Changes what `change` names of a vault's record, and nothing else; the record is read for
    /// it anew. It must still be the record of the vault that is `known`.
    pub fn change_vault(
        &self,
        known: &Vault,
        change: impl FnOnce(&mut Vault),
    ) -> Result<Vault, StateError> {
        let _lock = self.hold_records()?;
        let path = self.vault_path(&known.name);
        let mut vault = read(&path).map_err(io_at(&path))?;
        if identity(&vault) != identity(known) {
            return Err(StateError::OtherVault { path });
        }
        let before = vault.clone();
        change(&mut vault);
        if vault != before {
            vault.generation = before.generation.saturating_add(1);
            self.write_vault(&vault)?;
        }
        Ok(vault)
    }

    /// Forgets a vault's record, which must still be that of the vault that is `known`. Whoever
    /// calls holds its lock.
    pub fn forget_vault(&self, known: &Vault) -> Result<(), StateError> {
        let _lock = self.hold_records()?;
        let path = self.vault_path(&known.name);
        let vault = read(&path).map_err(io_at(&path))?;
        if identity(&vault) != identity(known) {
            return Err(StateError::OtherVault { path });
        }
        fs::remove_file(&path).map_err(io_at(&path))?;
        let folder = self.vaults_folder();
        let synced = fs::File::open(&folder).and_then(|folder| folder.sync_all());
        synced.map_err(io_at(&folder))
    }

    fn write_vault(&self, vault: &Vault) -> Result<(), StateError> {
        vault.paths().try_for_each(|path| expect_text(path))?;
        self.make_folder(&self.vaults_folder(), Access::Public)?;
        let path = self.vault_path(&vault.name);
        let before = match durable::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            before => before.map_err(io_at(&path))?,
        };
        let text = with_unknown(&before, vault)
            .and_then(|vault| serde_json::to_vec_pretty(&vault))
            .expect("paths and names can be written");
        durable::write(&path, &text, Access::Public).map_err(io_at(&path))
    }

    /// Keeps other runs of this machine from working on a vault while the lock is held; `None` if
    /// one does.
    pub fn lock_vault(&self, name: &VaultName) -> Result<Option<Lock>, StateError> {
        self.try_lock(&format!("vault-{}", name.as_str().to_lowercase()))
    }
}

/// What makes a vault another one: a moved one is changed by `vault set`.
fn identity(vault: &Vault) -> (&AccountName, &ContainerName, &str, Option<Uuid>) {
    let seed = vault.seed.as_ref().map(|seed| seed.id);
    (&vault.storage_account, &vault.container, &vault.prefix, seed)
}

/// What was read is no record, as after a power cut.
fn is_damaged(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

fn read(path: &Path) -> io::Result<Vault> {
    let vault: Vault = serde_json::from_slice(&given::read(path, given::MOST_BYTES)?)?;
    if vault.version > VERSION {
        let version = vault.version;
        return Err(io::Error::other(format!("it has version {version}, of a newer azseed")));
    }
    Ok(vault)
}

#[cfg(test)]
mod tests {
    use disk_prep::noun::Diagnose;
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn vault() -> Vault {
        serde_json::from_value(serde_json::json!({
            "version": 1, "name": "Office", "storage_account": "seedaccount",
            "container": "azseed-office", "prefix": "repo/", "resource_group": "backup",
            "subscription": "00000000-0000-0000-0000-000000000000", "password_file": "/password",
            "lease": Uuid::new_v4(),
            "seed": {"id": Uuid::new_v4(), "job": "seed-1", "container": "seed", "prefix": "",
                     "staging": "/staging", "sources": ["/srv"]},
        }))
        .unwrap()
    }

    #[test]
    fn a_change_names_its_fields_and_takes_the_others_as_they_are_now() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(Some(folder.path())).unwrap();
        let old = vault();
        state.add_vault(&old).unwrap();
        assert_eq!(state.add_vault(&old).unwrap_err().code(), "state-directory");
        let at = |secs| Some(Timestamp::from_second(secs).unwrap());
        // Two that read the record at the same time, and one that read it hours before.
        state.change_vault(&old, |own| own.cleaned_at = at(1)).unwrap();
        state.change_vault(&old, |own| own.retention.daily = Some(7)).unwrap();
        let last = state.change_vault(&old, |own| own.incremented_at = at(2)).unwrap();
        assert_eq!((last.cleaned_at, last.retention.daily), (at(1), Some(7)));
        assert_eq!((last.generation, state.vaults().unwrap()), (3, vec![last.clone()]));
        assert_eq!(state.change_vault(&old, |_| ()).unwrap(), last, "nothing was written");

        let mut other = old.clone();
        other.seed.as_mut().unwrap().id = Uuid::new_v4();
        let error = state.change_vault(&other, |own| own.cleaned_at = None).unwrap_err();
        assert_eq!(error.code(), "state-other-vault");
        assert_eq!(state.vaults().unwrap(), vec![last]);
    }

    #[test]
    fn of_many_changes_at_once_none_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(Some(folder.path())).unwrap();
        let known = vault();
        state.add_vault(&known).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4u16 {
                let (state, known) = (&state, &known);
                scope.spawn(move || {
                    for _ in 0..10 {
                        let add = |count: &mut Option<u16>| *count = Some(count.unwrap_or(0) + 1);
                        let changed = state.change_vault(known, |own| match thread {
                            0 => add(&mut own.retention.daily),
                            1 => add(&mut own.retention.weekly),
                            2 => add(&mut own.retention.monthly),
                            _ => add(&mut own.retention.yearly),
                        });
                        changed.unwrap();
                    }
                });
            }
        });
        let last = state.vaults().unwrap().remove(0);
        assert_eq!(last.retention.to_string(), "10 daily, 10 weekly, 10 monthly, 10 yearly");
        assert_eq!(last.generation, 40);
    }

    #[test]
    fn a_vault_is_worked_on_by_one_run() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(Some(folder.path())).unwrap();
        let name = vault().name;
        let lock = state.lock_vault(&name).unwrap().unwrap();
        assert!(state.lock_vault(&name).unwrap().is_none());
        let holder = lock.holder();
        drop(lock);
        assert_eq!(state.lock_vault(&name).unwrap().unwrap().holder(), holder);
        let copy = State::open(Some(&folder.path().join("copy"))).unwrap();
        assert_ne!(copy.lock_vault(&name).unwrap().unwrap().holder(), holder);
    }
}
