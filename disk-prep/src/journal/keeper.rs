//! Where the recovery password of a drive stands: in its journal, or, where others can read the
//! journal, there only sealed. Who seals and opens is not known here.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::noun::{Diagnose, ErrorKind, RecoveryPassword, Serial};
use crate::sys::durable::Access;

/// A recovery password as a journal holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeptPassword {
    /// The 48 digits.
    Clear(#[serde(serialize_with = "write", deserialize_with = "read")] RecoveryPassword),
    /// A text that only a keeper opens.
    Sealed {
        /// The text.
        sealed: String,
    },
}

/// Seals recovery passwords for journals that others can read, and opens them.
pub trait SecretKeeper: fmt::Debug + Send + Sync {
    /// The sealed form of a new password, for a journal with these readers; when it returns, the
    /// keeper has the password in a safe place. `None` if this keeper would leave it clear.
    fn seal(
        &self,
        serial: &Serial,
        password: &RecoveryPassword,
        readers: Access,
    ) -> Result<Option<String>, KeeperError>;

    /// Opens what was sealed.
    fn open(&self, serial: &Serial, sealed: &str) -> Result<RecoveryPassword, KeeperError>;
}

/// Leaves every password in its journal, and opens none.
#[derive(Debug, Clone, Copy, Default)]
pub struct JournalOnly;

impl SecretKeeper for JournalOnly {
    fn seal(
        &self,
        _: &Serial,
        _: &RecoveryPassword,
        _: Access,
    ) -> Result<Option<String>, KeeperError> {
        Ok(None)
    }

    fn open(&self, _: &Serial, _: &str) -> Result<RecoveryPassword, KeeperError> {
        Err(Unopened.into())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("It is sealed, and nobody was asked to open it")]
struct Unopened;

impl Diagnose for Unopened {
    fn code(&self) -> &'static str {
        "sealed-unopened"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::NotAllowed
    }
}

/// Why a keeper could not do it, in its own words.
#[derive(Debug)]
pub struct KeeperError(Box<dyn Diagnose + Send + Sync>);

impl KeeperError {
    /// The error of the keeper's room.
    pub fn inner(&self) -> &dyn Diagnose {
        self.0.as_ref()
    }
}

impl<E: Diagnose + Send + Sync + 'static> From<E> for KeeperError {
    fn from(error: E) -> Self {
        KeeperError(Box::new(error))
    }
}

impl fmt::Display for KeeperError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for KeeperError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

fn write<S: Serializer>(password: &RecoveryPassword, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&password.reveal())
}

fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RecoveryPassword, D::Error> {
    let text = Zeroizing::new(String::deserialize(deserializer)?);
    text.parse().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clear_password_stands_as_it_always_did_and_nothing_else_is_taken() {
        let digits = ["000011"; 8].join("-");
        let text = format!("\"{digits}\"");
        let clear: KeptPassword = serde_json::from_str(&text).unwrap();
        assert!(matches!(&clear, KeptPassword::Clear(own) if own.key() == &[1, 0].repeat(8)[..]));
        assert_eq!(serde_json::to_string(&clear).unwrap(), text);
        let text = "{\"sealed\":\"letters\"}";
        let sealed: KeptPassword = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&sealed).unwrap(), text);
        let error = serde_json::from_str::<KeptPassword>("\"123456-123456\"").unwrap_err();
        assert!(!error.to_string().contains("123456"), "{error}");
    }
}
