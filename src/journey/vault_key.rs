//! `vault key`: the passwords that open a vault's repository. A new one is proven by opening the
//! repository with it, before anything of the old one goes.

use std::path::PathBuf;
use std::sync::Arc;

use disk_prep::noun::VaultName;
use disk_prep::sys::machine;
use secrecy::SecretString;

use super::desk::Desk;
use super::vault::{failed, open, open_container};
use super::vault_meant::{VaultOptions, pick};
use super::vault_password::{absolute, password};
use super::vault_writer::Writer;
use crate::azure::Fenced;
use crate::escrow::{Weak, read_password};
use crate::outcome::Failure;
use crate::repository::{BlobStore, Error as RepositoryError, Key, Repository};
use crate::vault::{Error, Vault, this_host};

/// A new password.
#[derive(Debug, Clone)]
pub struct NewPassword {
    /// The file with it.
    pub file: PathBuf,
    /// Whether a short one is taken.
    pub weak: Weak,
}

impl NewPassword {
    fn read(&self) -> Result<SecretString, Failure> {
        Ok(read_password(&self.file, self.weak)?)
    }
}

/// The keys of a vault.
pub fn list(options: &VaultOptions, desk: &Desk<'_>) -> Result<Keys, Failure> {
    let vault = pick(options, desk)?;
    let keys = open(&vault, options, desk)?.keys();
    Ok(Keys { vault: vault.name.clone(), keys: keys.map_err(|source| failed(&vault, source))? })
}

/// Adds a key under a new password.
pub fn add(
    new: &NewPassword,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<KeyChanged, Failure> {
    let secret = new.read()?;
    changing(options, desk, |change| {
        if let Some(known) = change.opened_by(&secret)? {
            return Ok(change.done(Some(known), None, false));
        }
        let added = change.add(&secret)?;
        Ok(change.done(Some(added), None, true))
    })
}

/// Removes a key, by the beginning of its id.
pub fn remove(start: &str, options: &VaultOptions, desk: &Desk<'_>) -> Result<KeyChanged, Failure> {
    changing(options, desk, |change| {
        let repository = change.open(&change.secret)?;
        let keys = repository.keys().map_err(|source| failed(change.vault(), source))?;
        let mut found = keys.iter().filter(|key| key.id.starts_with(start));
        let vault = || change.vault().name.clone();
        let key = match (found.next(), found.next()) {
            (None, _) => Err(Error::NoKey { vault: vault(), wanted: start.to_owned() }),
            (Some(_), Some(_)) => Err(Error::ManyKeys { vault: vault(), wanted: start.to_owned() }),
            (Some(key), None) if key.is_own && keys.len() == 1 => {
                Err(Error::LastKey { vault: vault() })
            }
            (Some(key), None) => Ok(key.id.clone()),
        }?;
        change.remove(&change.secret, &key)?;
        Ok(change.done(None, Some(key), true))
    })
}

/// Gives the vault another password: a key is added and proven, the record names the new file, and
/// the key that was used until then is removed. A call that was cut off goes on.
pub fn rotate(
    new: &NewPassword,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<KeyChanged, Failure> {
    let secret = new.read()?;
    changing(options, desk, |change| {
        let old = change.open(&change.secret)?.own_key();
        let known = change.opened_by(&secret)?;
        if known.is_some() && known == old {
            let vault = change.vault().name.clone();
            return Err(Error::SamePassword { vault, path: new.file.clone() }.into());
        }
        let added = match known {
            Some(known) => known,
            None => change.add(&secret)?,
        };
        let file = absolute(&new.file);
        change.writer.record(|own| {
            own.password_file = Some(file);
            own.password_command = None;
        })?;
        if let Some(old) = &old {
            change.remove(&secret, old)?;
        }
        Ok(change.done(Some(added), old, true))
    })
}

/// A vault whose keys are changed, under its lease.
struct Change<'a> {
    writer: Writer<'a>,
    fenced: Arc<dyn Fenced>,
    secret: SecretString,
    desk: &'a Desk<'a>,
}

fn changing(
    options: &VaultOptions,
    desk: &Desk<'_>,
    work: impl FnOnce(&mut Change<'_>) -> Result<KeyChanged, Failure>,
) -> Result<KeyChanged, Failure> {
    let state = desk.state()?;
    let vault = pick(options, desk)?;
    if !vault.has_repository() {
        return Err(Error::NoRepository { vault: vault.name }.into());
    }
    let secret = password(&vault, &options.password, desk)?;
    let container = open_container(&vault, options, desk)?;
    let writer = Writer::hold(&vault, &state)?;
    let lease = writer.lease(&container)?;
    let fenced = lease.guard(container);
    work(&mut Change { writer, fenced, secret, desk })
}

impl Change<'_> {
    fn vault(&self) -> &Vault {
        &self.writer.vault
    }

    fn open(&self, secret: &SecretString) -> Result<Repository, Failure> {
        let store = Arc::new(BlobStore::changing(&self.fenced, &self.vault().prefix));
        let opened = Repository::open(store, secret, self.desk.attendant.monitor());
        Ok(opened.map_err(|source| failed(self.vault(), source))?)
    }

    /// The key that a password opens, if it opens any.
    fn opened_by(&self, secret: &SecretString) -> Result<Option<String>, Failure> {
        let store = Arc::new(BlobStore::changing(&self.fenced, &self.vault().prefix));
        match Repository::open(store, secret, self.desk.attendant.monitor()) {
            Ok(opened) => Ok(opened.own_key()),
            Err(RepositoryError::WrongPassword) => Ok(None),
            Err(source) => Err(failed(self.vault(), source).into()),
        }
    }

    /// Adds a key and proves it.
    fn add(&self, secret: &SecretString) -> Result<String, Failure> {
        let user = machine::people().0;
        let added = self.open(&self.secret)?.add_key(secret, &this_host(), &user);
        let added = added.map_err(|source| failed(self.vault(), source))?;
        match self.opened_by(secret)? {
            Some(opened) if opened == added => Ok(added),
            _ => Err(Error::KeyNotProven { vault: self.vault().name.clone(), id: added }.into()),
        }
    }

    /// Removes a key; the repository is opened with another.
    fn remove(&self, secret: &SecretString, id: &str) -> Result<(), Failure> {
        let removed = self.open(secret)?.remove_key(id);
        Ok(removed.map_err(|source| failed(self.vault(), source))?)
    }

    fn done(&self, added: Option<String>, removed: Option<String>, changed: bool) -> KeyChanged {
        let vault = self.vault().clone();
        KeyChanged { vault, added, removed, changed }
    }
}

/// The keys of a vault.
#[derive(Debug)]
pub struct Keys {
    /// The vault.
    pub vault: VaultName,
    /// Its keys, the oldest first.
    pub keys: Vec<Key>,
}

/// What was done with keys.
#[derive(Debug)]
pub struct KeyChanged {
    /// The vault's record.
    pub vault: Vault,
    /// The key of the new password.
    pub added: Option<String>,
    /// The key that is gone.
    pub removed: Option<String>,
    /// Whether this call changed anything.
    pub changed: bool,
}
