//! What can go wrong when a recovery password is sealed or opened.

use std::io;
use std::path::PathBuf;

use disk_prep::noun::{Diagnose, ErrorKind, Hint, Recipient};
use disk_prep::sys::private::NotPrivate;

use super::password::PasswordError;
use crate::state::StateError;

/// The error of this room. It tells of "it": the recovery password of the drive that is named in
/// the sentence before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum Error {
    #[error("It is sealed under the repository's password, which this machine does not know")]
    NoPassword,
    #[error("It is sealed for an age recipient, and no identity was given")]
    NoIdentity,
    #[error("The password in {path} does not open it")]
    WrongPassword { path: PathBuf },
    #[error("The identity in {path} does not open it")]
    WrongIdentity { path: PathBuf },
    #[error("The identity in {path} is not that of the recipient whom the keys are sealed for")]
    NoPair { path: PathBuf },
    #[error("Its sealed form is damaged")]
    Damaged,
    #[error("{path} is not a file with age identities")]
    Identity {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} cannot hold an identity: {why}")]
    IdentityOpen { path: PathBuf, why: NotPrivate },
    #[error("{named} is not an age recipient: a letter of it is wrong")]
    Recipient { named: Recipient },
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    State(#[from] StateError),
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::NoPassword => "sealed-under-password",
            Error::NoIdentity => "sealed-for-recipient",
            Error::WrongPassword { .. } => "sealed-other-password",
            Error::WrongIdentity { .. } => "sealed-other-recipient",
            Error::NoPair { .. } => "escrow-identity",
            Error::Damaged => "sealed-damaged",
            Error::Identity { .. } => "identity-file",
            Error::IdentityOpen { .. } => "secret-file-mode",
            Error::Recipient { .. } => "recipient-invalid",
            Error::Password(error) => error.code(),
            Error::State(error) => error.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Error::NoPassword
            | Error::NoIdentity
            | Error::WrongPassword { .. }
            | Error::WrongIdentity { .. } => ErrorKind::NotAllowed,
            Error::NoPair { .. }
            | Error::Identity { .. }
            | Error::IdentityOpen { .. }
            | Error::Recipient { .. } => ErrorKind::Usage,
            Error::Damaged => ErrorKind::Failed,
            Error::Password(error) => error.kind(),
            Error::State(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Error::NoPassword | Error::WrongPassword { .. } => Some(Hint::new(
                "name a file with the repository's password: `--password-file FILE`",
            )),
            Error::NoIdentity | Error::WrongIdentity { .. } => {
                Some(Hint::new("name the age identity of the recipient: `--identity FILE`"))
            }
            Error::IdentityOpen { path, .. } => Some(Hint::MakePrivate(path.clone())),
            Error::NoPair { .. } => Some(Hint::new(
                "nothing was written; name the identity of this recipient, or leave it out",
            )),
            Error::Damaged | Error::Identity { .. } | Error::Recipient { .. } => None,
            Error::Password(error) => error.hint(),
            Error::State(error) => error.hint(),
        }
    }
}
