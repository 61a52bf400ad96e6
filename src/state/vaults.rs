//! Vaults that this machine knows, each in a file of its own.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use disk_prep::noun::VaultName;
use disk_prep::sys::durable::{self, Access};
use rustix::fs::FlockOperation;

use super::{State, StateError, io_at};
use crate::vault::{VERSION, Vault};

impl State {
    fn vaults_folder(&self) -> PathBuf {
        self.0.join("vaults")
    }

    fn vault_path(&self, name: &VaultName) -> PathBuf {
        // Azure does not tell names of vaults apart by case.
        self.vaults_folder().join(format!("{}.json", name.as_str().to_lowercase()))
    }

    /// All vaults, by name.
    pub fn vaults(&self) -> Result<Vec<Vault>, StateError> {
        let folder = self.vaults_folder();
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(io_at(&folder)(source)),
        };
        let mut vaults = Vec::new();
        for entry in entries {
            let path = entry.map_err(io_at(&folder))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                vaults.push(read(&path).map_err(io_at(&path))?);
            }
        }
        vaults.sort_by(|one: &Vault, other| one.name.as_str().cmp(other.name.as_str()));
        Ok(vaults)
    }

    /// Keeps a vault's record.
    pub fn keep_vault(&self, vault: &Vault) -> Result<(), StateError> {
        self.make_folder(&self.vaults_folder(), Access::Public)?;
        let path = self.vault_path(&vault.name);
        let text = serde_json::to_vec_pretty(vault).expect("paths and names can be written");
        durable::write(&path, &text, Access::Public).map_err(io_at(&path))
    }

    /// Keeps other runs on this machine from working on a vault while the file is held; `None` if
    /// one does.
    pub fn lock_vault(&self, name: &VaultName) -> Result<Option<File>, StateError> {
        self.make_folder(&self.vaults_folder(), Access::Public)?;
        let path = self.vault_path(name).with_extension("lock");
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(io_at(&path))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(io_at(&path)(error.into())),
        }
    }
}

fn read(path: &Path) -> io::Result<Vault> {
    let vault: Vault = serde_json::from_slice(&fs::read(path)?)?;
    if vault.version > VERSION {
        let version = vault.version;
        return Err(io::Error::other(format!("it has version {version}, of a newer azseed")));
    }
    Ok(vault)
}
