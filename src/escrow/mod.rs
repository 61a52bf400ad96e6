//! Recovery passwords of drives whose journals others can read: sealed in the journal, clear in
//! this machine's state directory only. The only room that knows `age`.

mod error;
mod password;
mod password_source;
mod sealed;

use std::path::{Path, PathBuf};

use age::{Identity, IdentityFile};
use disk_prep::journal::{KeeperError, SecretKeeper};
use disk_prep::noun::{RecoveryPassword, Serial};
use disk_prep::sys::durable::Access;
use disk_prep::sys::private::{self, NotPrivate};

pub use error::Error;
pub use password::{PasswordError, Weak, generate, read_password};
pub use password_source::PasswordSource;
pub use sealed::Recipient;
use sealed::{Opener, open, open_under, seal_for, seal_under};

use crate::state::State;

/// Seals for a recipient if there is one, else, where others can read the journal, under the
/// repository's password. Opens from the state directory, else with what is sealed for.
#[derive(Debug)]
pub struct Keeper {
    /// Where the clear copies are.
    pub state: State,
    /// Whom new passwords are sealed for.
    pub recipient: Option<Recipient>,
    /// The file with the repository's password, if there is a repository and the file is known.
    pub password_file: Option<PathBuf>,
    /// A file with age identities.
    pub identity: Option<PathBuf>,
}

impl SecretKeeper for Keeper {
    fn seal(
        &self,
        serial: &Serial,
        password: &RecoveryPassword,
        readers: Access,
    ) -> Result<Option<String>, KeeperError> {
        let sealed = match (&self.recipient, &self.password_file, readers) {
            (Some(recipient), ..) => seal_for(recipient, password),
            (None, Some(file), Access::Public) => {
                seal_under(read_password(file, Weak::Accepted)?, password)
            }
            (None, ..) => return Ok(None),
        };
        self.state.keep_key(serial, &sealed, password)?;
        Ok(Some(sealed))
    }

    fn open(&self, serial: &Serial, sealed: &str) -> Result<RecoveryPassword, KeeperError> {
        if let Some(password) = self.state.key(serial, sealed)? {
            return Ok(password);
        }
        Ok(self.reopen(sealed)?)
    }
}

impl Keeper {
    /// Opens what was sealed as somebody does who has lost this machine: by the password or the
    /// identity, whatever copy the state directory has. Errors: neither is known, or it is another.
    pub fn reopen(&self, sealed: &str) -> Result<RecoveryPassword, Error> {
        match Opener::of(sealed)? {
            Opener::Password => {
                let path = self.password_file.clone().ok_or(Error::NoPassword)?;
                let lock = read_password(&path, Weak::Accepted)?;
                open_under(lock, sealed)?.ok_or(Error::WrongPassword { path })
            }
            Opener::Identity => {
                let path = self.identity.clone().ok_or(Error::NoIdentity)?;
                open(&identities(&path)?, sealed)?.ok_or(Error::WrongIdentity { path })
            }
        }
    }
}

/// Refuses an identity that is not the recipient's, before anything is sealed for it.
pub fn expect_pair(recipient: &Recipient, path: &Path) -> Result<(), Error> {
    let trial = seal_for(recipient, &RecoveryPassword::from_key([0; 16]));
    match open(&identities(path)?, &trial)? {
        Some(_) => Ok(()),
        None => Err(Error::NoPair { path: path.to_owned() }),
    }
}

fn identities(path: &Path) -> Result<Vec<Box<dyn Identity>>, Error> {
    let unreadable = |source| Error::Identity { path: path.to_owned(), source };
    let text = private::read(path).map_err(|source| match NotPrivate::of(&source) {
        Some(why) if why.is_open() => Error::IdentityOpen { path: path.to_owned(), why },
        _ => unreadable(source),
    })?;
    let file = IdentityFile::from_buffer(text.as_slice()).map_err(unreadable)?;
    file.into_identities().map_err(|error| unreadable(std::io::Error::other(error)))
}
