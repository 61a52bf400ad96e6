//! The rules of the repository's password (`design` 5): made by us or read from a private file;
//! never short unless that was asked for.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use disk_prep::sys::private::{self, NotPrivate};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::error::Error;

const LEAST_CHARACTERS: usize = 16;

/// Whether a short password is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weak {
    /// Only where somebody asked for it.
    Accepted,
    /// Never.
    Refused,
}

/// A password of 128 random bits, as hexadecimal digits.
pub fn generate() -> io::Result<Zeroizing<String>> {
    let mut bits = Zeroizing::new([0u8; 16]);
    fs::File::open("/dev/urandom")?.read_exact(bits.as_mut())?;
    Ok(Zeroizing::new(bits.iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// Reads a password from its file; one trailing newline is no part of it.
pub fn read_password(path: &Path, weak: Weak) -> Result<SecretString, Error> {
    let text = private::read_text(path).map_err(|source| match NotPrivate::of(&source) {
        Some(why) if why.is_open() => Error::PasswordOpen { path: path.to_owned(), why },
        _ => Error::Io { path: path.to_owned(), source },
    })?;
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let characters = password.chars().count();
    if characters == 0 {
        return Err(Error::EmptyPassword { path: path.to_owned() });
    }
    if characters < LEAST_CHARACTERS && weak == Weak::Refused {
        return Err(Error::WeakPassword { path: path.to_owned(), characters });
    }
    Ok(SecretString::from(password))
}

#[cfg(test)]
mod tests {
    use super::*;
    use disk_prep::sys::durable::{self, Access};
    use secrecy::ExposeSecret;

    fn read(text: &str, access: Access, weak: Weak) -> Result<String, Error> {
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
        assert!(matches!(private("short"), Err(Error::WeakPassword { characters: 5, .. })));
        assert!(matches!(private("\n"), Err(Error::EmptyPassword { .. })));
        assert_eq!(read("short", Access::Private, Weak::Accepted).unwrap(), "short");
        let open = read(long, Access::Public, Weak::Refused);
        assert!(matches!(open, Err(Error::PasswordOpen { .. })));
        assert_eq!(generate().unwrap().len(), 32);
        assert_ne!(generate().unwrap(), generate().unwrap());
    }
}
