//! The rules of the repository's password (`design` 5): made by us or read from a private file;
//! never short unless that was asked for.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use disk_prep::noun::{Diagnose, ErrorKind, Hint};
use disk_prep::sys::private::{self, NotPrivate};
use secrecy::SecretString;
use zeroize::Zeroizing;

const LEAST_CHARACTERS: usize = 16;

/// Whether a short password is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weak {
    /// Only where somebody asked for it.
    Accepted,
    /// Never.
    Refused,
}

/// A file that holds no password for us.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// It cannot be read.
    #[error("No password can be read from {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others are let in.
    #[error("{path} cannot hold a password: {why}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Who.
        why: NotPrivate,
    },
    /// There is nothing in it.
    #[error("{path} does not hold a password")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A program could not be asked for it.
    #[error("The program {program} cannot be asked for the password")]
    Program {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A program did not say it.
    #[error("The program {program} did not say the password, it ended with {status}{said}")]
    ProgramFailed {
        /// The program.
        program: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// Its complaint behind a colon, if it had one.
        said: String,
    },
    /// It is short, and nobody asked for that.
    #[error("The password in {path} has {characters} characters, at least 16 are needed")]
    Weak {
        /// The file.
        path: PathBuf,
        /// How many it has.
        characters: usize,
    },
}

impl Diagnose for PasswordError {
    fn code(&self) -> &'static str {
        match self {
            PasswordError::Read { .. } => "password-unread",
            PasswordError::Open { .. } => "password-file-open",
            PasswordError::Empty { .. } => "password-empty",
            PasswordError::Program { .. } | PasswordError::ProgramFailed { .. } => {
                "password-program"
            }
            PasswordError::Weak { .. } => "password-weak",
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            PasswordError::Program { .. } | PasswordError::ProgramFailed { .. } => {
                ErrorKind::Failed
            }
            _ => ErrorKind::Usage,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            PasswordError::Open { .. } => Some(Hint::new("make it private with `chmod 600`")),
            PasswordError::Weak { .. } => {
                Some(Hint::new("use a longer one, or add `--weak-password`"))
            }
            _ => None,
        }
    }
}

/// A password of 128 random bits, as hexadecimal digits.
pub fn generate() -> io::Result<Zeroizing<String>> {
    let mut bits = Zeroizing::new([0u8; 16]);
    fs::File::open("/dev/urandom")?.read_exact(bits.as_mut())?;
    Ok(Zeroizing::new(bits.iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// Reads a password from its file; one trailing newline is no part of it.
pub fn read_password(path: &Path, weak: Weak) -> Result<SecretString, PasswordError> {
    let text = private::read_text(path).map_err(|source| match NotPrivate::of(&source) {
        Some(why) if why.is_open() => PasswordError::Open { path: path.to_owned(), why },
        _ => PasswordError::Read { path: path.to_owned(), source },
    })?;
    of_text(&text, weak, || path.to_owned())
}

/// The password in a text; one trailing newline is no part of it. `place` says where it was.
pub(super) fn of_text(
    text: &str,
    weak: Weak,
    place: impl Fn() -> PathBuf,
) -> Result<SecretString, PasswordError> {
    let password = text.strip_suffix('\n').unwrap_or(text);
    let characters = password.chars().count();
    if characters == 0 {
        return Err(PasswordError::Empty { path: place() });
    }
    if characters < LEAST_CHARACTERS && weak == Weak::Refused {
        return Err(PasswordError::Weak { path: place(), characters });
    }
    Ok(SecretString::from(password))
}

#[cfg(test)]
mod tests {
    use super::*;
    use disk_prep::sys::durable::{self, Access};
    use secrecy::ExposeSecret;

    fn read(text: &str, access: Access, weak: Weak) -> Result<String, PasswordError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        durable::write(&path, text.as_bytes(), access).unwrap();
        read_password(&path, weak).map(|password| password.expose_secret().to_owned())
    }

    #[test]
    fn a_password_is_private_long_and_loses_one_newline_only() {
        let long = "sixteen letters!";
        let private = |text: &str| read(text, Access::Private, Weak::Refused);
        assert_eq!(private(&format!("{long}\n")).unwrap(), long);
        assert_eq!(private(&format!("{long}\n\n")).unwrap(), format!("{long}\n"));
        assert!(matches!(private("short"), Err(PasswordError::Weak { characters: 5, .. })));
        assert!(matches!(private("\n"), Err(PasswordError::Empty { .. })));
        assert_eq!(read("short", Access::Private, Weak::Accepted).unwrap(), "short");
        let open = read(long, Access::Public, Weak::Refused);
        assert!(matches!(open, Err(PasswordError::Open { .. })));
        assert_eq!(generate().unwrap().len(), 32);
        assert_ne!(generate().unwrap(), generate().unwrap());
    }
}
