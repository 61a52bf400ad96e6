//! The keys of a repository: each is the master key under a password of its own, so that one can be
//! added or taken away without a byte of data being written anew.

use disk_prep::noun::visible_line;
use jiff::Timestamp;
use rustic_core::repofile::KeyId;
use rustic_core::{FileType, KeyOptions, ReadBackend};
use secrecy::{ExposeSecret, SecretString};

use super::error::Error;
use super::repo::{Repository, library, told};
use super::unlock::sane_key;

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its id.
    pub id: String,
    /// The machine that made it, if it says.
    pub host: Option<String>,
    /// Who made it, if it says.
    pub user: Option<String>,
    /// When it was made, if it says.
    pub created: Option<Timestamp>,
    /// Whether the repository was opened with it.
    pub is_own: bool,
}

impl Repository {
    /// The id of the key that it was opened with.
    pub fn own_key(&self) -> Option<String> {
        self.own_key.map(|id| id.to_hex().to_string())
    }

    /// The id that it was given when it was made; the same wherever it is copied to.
    pub fn id(&self) -> String {
        self.inner.config().id.to_hex().to_string()
    }

    /// All keys that can be tried.
    pub fn keys(&self) -> Result<Vec<Key>, Error> {
        let own = self.own_key();
        let list = || {
            let mut all = Vec::new();
            for (id, _) in self.ahead.list_with_size(FileType::Key)? {
                let Some(file) = sane_key(&self.ahead.read_full(FileType::Key, &id)?) else {
                    continue;
                };
                let id = id.to_hex().to_string();
                let shown =
                    |text: Option<String>| text.map(|text| visible_line(&text).into_owned());
                all.push(Key {
                    is_own: own.as_ref() == Some(&id),
                    host: shown(file.hostname),
                    user: shown(file.username),
                    created: file.created.map(|time| time.timestamp()),
                    id,
                });
            }
            all.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
            Ok(all)
        };
        library(self.store.as_ref(), "Listing the keys", list)
    }

    /// Adds a key under a password; returns its id.
    pub fn add_key(
        &self,
        password: &SecretString,
        host: &str,
        user: &str,
    ) -> Result<String, Error> {
        let about = KeyOptions::default().hostname(host.to_owned()).username(user.to_owned());
        let about = about.with_created(true);
        let add = || self.inner.add_key(password.expose_secret(), &about);
        let id = library(self.store.as_ref(), "Adding a key", add)?;
        Ok(id.to_hex().to_string())
    }

    /// Removes a key, never the one that the repository was opened with: so one is always left
    /// whose password is known.
    pub fn remove_key(&self, id: &str) -> Result<(), Error> {
        if self.own_key().as_deref() == Some(id) {
            return Err(Error::OwnKey { id: id.to_owned() });
        }
        const ACTION: &str = "Removing a key";
        let id: KeyId = told(self.store.as_ref(), ACTION, id.parse())?;
        library(self.store.as_ref(), ACTION, || self.inner.delete_key(&id))
    }
}
