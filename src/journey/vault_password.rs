//! The password of a vault's repository: where the record says it is, where the call says it is, and
//! which of the two counts.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use disk_prep::noun::{Diagnose, ErrorKind, ProgramLine};
use secrecy::SecretString;

use super::desk::Desk;
use super::settings::{Given, Origin, settle};
use crate::azure::OUR_SECRETS;
use crate::escrow::{PasswordError, PasswordSource};
use crate::outcome::{Failure, MissingFlags};
use crate::vault::Vault;

/// Where a call says the password is.
#[derive(Debug, Clone, Default)]
pub struct PasswordGiven {
    /// A file with it.
    pub file: Option<Given<PathBuf>>,
    /// A program that says it.
    pub command: Option<Given<ProgramLine>>,
    /// An open file with it.
    pub descriptor: Option<Given<u32>>,
    /// What an open file has said: it can be read once.
    pub heard: Arc<OnceLock<SecretString>>,
}

/// Two places for one password.
#[derive(Debug, thiserror::Error)]
#[error("{one} and {other} both say where the password is")]
struct TwoPlaces {
    one: String,
    other: String,
}

impl Diagnose for TwoPlaces {
    fn code(&self) -> &'static str {
        "password-twice"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
}

impl PasswordGiven {
    /// The place that counts: a flag before a variable before a file of settings. What does not
    /// count is told, and two of one origin are refused.
    pub fn place(&self, desk: &Desk<'_>) -> Result<Option<Given<PasswordSource>>, Failure> {
        let PasswordGiven { file, command, descriptor, .. } = self.clone();
        let file = file.map(|own| own.map(|path| PasswordSource::File(absolute(&path))));
        let command = command.map(|own| own.map(PasswordSource::Program));
        let descriptor = descriptor.map(|own| own.map(PasswordSource::Descriptor));
        let mut given: Vec<_> = [file, command, descriptor].into_iter().flatten().collect();
        given.sort_by_key(|own| own.origin);
        let mut given = given.into_iter();
        let Some(first) = given.next() else { return Ok(None) };
        for other in given {
            if other.origin == first.origin {
                return Err(TwoPlaces { one: first.name, other: other.name }.into());
            }
            let text = format!("{} is not used: {} counts", other.name, first.name);
            desk.attendant.tell_unused(&text);
        }
        Ok(Some(first))
    }

    /// The same of what stands on the command line.
    pub fn typed(
        &self,
        desk: &Desk<'_>,
    ) -> Result<(Option<PathBuf>, Option<ProgramLine>), Failure> {
        let place = self.place(desk)?;
        match place.is_some_and(|own| own.origin == Origin::CommandLine) {
            true => self.recorded(desk),
            false => Ok((None, None)),
        }
    }

    /// What of it a record keeps: a file or a program; an open file is of one call only.
    pub fn recorded(
        &self,
        desk: &Desk<'_>,
    ) -> Result<(Option<PathBuf>, Option<ProgramLine>), Failure> {
        Ok(match self.place(desk)?.map(|given| given.value) {
            Some(PasswordSource::File(path)) => (Some(path), None),
            Some(PasswordSource::Program(line)) => (None, Some(line)),
            Some(PasswordSource::Descriptor(_)) | None => (None, None),
        })
    }
}

/// Where a record says that the password is.
pub fn kept(vault: &Vault) -> Option<PasswordSource> {
    let program = vault.password_command.clone().map(PasswordSource::Program);
    program.or_else(|| vault.password_file.clone().map(PasswordSource::File))
}

/// The password of a vault's repository. An open file that is named counts before the record; a file
/// or a program must be the record's own.
pub fn password(
    vault: &Vault,
    said: &PasswordGiven,
    desk: &Desk<'_>,
) -> Result<SecretString, Failure> {
    if let Some(heard) = said.heard.get() {
        return Ok(heard.clone());
    }
    let given = said.place(desk)?;
    let is_of_call = |own: &Given<PasswordSource>| {
        own.origin == Origin::CommandLine && matches!(own.value, PasswordSource::Descriptor(_))
    };
    if let Some(own) = given.as_ref().filter(|own| is_of_call(own)) {
        let heard = read(&own.value)?;
        return Ok(said.heard.get_or_init(|| heard).clone());
    }
    let record = format!("the password of vault {} is in", vault.name);
    let source = match (given, kept(vault)) {
        (given, None) => given.map(|own| own.value),
        (given, Some(kept)) => {
            let given = given.map(|own| own.map(|source| source.to_string()));
            settle(given, Some(kept.to_string()), &record, desk.attendant)?;
            Some(kept)
        }
    };
    Ok(read(&source.ok_or(MissingFlags::one("--password-file"))?)?)
}

/// Reads a password.
pub fn read(source: &PasswordSource) -> Result<SecretString, PasswordError> {
    source.read(OUR_SECRETS)
}

/// The same path from whatever folder the next call is made.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
