//! Recovery passwords in age's format: for a recipient, or under a password. The form is the armoured
//! one, so that the program `age` opens it too.

use std::fmt;
use std::io::{BufReader, Read};

use age::armor::ArmoredReader;
use age::{DecryptError, Decryptor, Identity, scrypt, x25519};
use disk_prep::noun::{self, RecoveryPassword};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::error::Error;

/// Rounds of scrypt, as a power of two: what the repository takes for its own key, which lies
/// beside the journals and is opened by the same password.
const WORK: u8 = 17;

/// Whom passwords are sealed for: an X25519 recipient of age.
#[derive(Clone)]
pub struct Recipient(x25519::Recipient);

impl Recipient {
    /// The recipient that a text names, if its checksum is right.
    pub fn of(named: &noun::Recipient) -> Result<Self, Error> {
        let invalid = |_| Error::Recipient { named: named.clone() };
        named.as_str().parse().map(Recipient).map_err(invalid)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What opens a sealed password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opener {
    Password,
    Identity,
}

impl Opener {
    /// What opens this text.
    pub fn of(sealed: &str) -> Result<Self, Error> {
        let decryptor = decryptor(sealed)?;
        Ok(if decryptor.is_scrypt() { Opener::Password } else { Opener::Identity })
    }
}

/// Seals for a recipient.
pub(super) fn seal_for(recipient: &Recipient, password: &RecoveryPassword) -> String {
    seal(&recipient.0, password)
}

/// Seals under a password.
pub(super) fn seal_under(lock: SecretString, password: &RecoveryPassword) -> String {
    let mut recipient = scrypt::Recipient::new(lock);
    recipient.set_work_factor(WORK);
    seal(&recipient, password)
}

fn seal(recipient: &impl age::Recipient, password: &RecoveryPassword) -> String {
    let sealed = age::encrypt_and_armor(recipient, password.reveal().as_bytes());
    sealed.expect("one recipient and a buffer in memory leave nothing to fail")
}

/// Opens what is sealed under a password; `None` if it is another one.
pub(super) fn open_under(
    lock: SecretString,
    sealed: &str,
) -> Result<Option<RecoveryPassword>, Error> {
    let mut identity = scrypt::Identity::new(lock);
    identity.set_max_work_factor(WORK);
    open(&[Box::new(identity)], sealed)
}

/// Opens what is sealed for one of these identities; `None` if it is for none of them.
pub(super) fn open(
    identities: &[Box<dyn Identity>],
    sealed: &str,
) -> Result<Option<RecoveryPassword>, Error> {
    let identities = identities.iter().map(AsRef::as_ref);
    let mut reader = match decryptor(sealed)?.decrypt(identities) {
        Ok(reader) => reader,
        Err(DecryptError::NoMatchingKeys | DecryptError::DecryptionFailed) => return Ok(None),
        Err(_) => return Err(Error::Damaged),
    };
    // Longer than a password, so that no part of it is left behind in a smaller buffer.
    let mut text = Zeroizing::new(String::with_capacity(64));
    reader.read_to_string(&mut text).map_err(|_| Error::Damaged)?;
    text.parse().map(Some).map_err(|_| Error::Damaged)
}

fn decryptor(sealed: &str) -> Result<Decryptor<ArmoredReader<BufReader<&[u8]>>>, Error> {
    Decryptor::new_buffered(ArmoredReader::new(sealed.as_bytes())).map_err(|_| Error::Damaged)
}

#[cfg(test)]
mod tests {
    use disk_prep::noun::{Diagnose, ErrorKind};

    use super::*;

    fn password() -> RecoveryPassword {
        RecoveryPassword::from_key([7; 16])
    }

    #[test]
    fn only_the_identity_of_the_recipient_opens() {
        let identity =
            |identity: &x25519::Identity| -> Box<dyn Identity> { Box::new(identity.clone()) };
        let (own, other) = (x25519::Identity::generate(), x25519::Identity::generate());
        let named: noun::Recipient = own.to_public().to_string().parse().unwrap();
        let recipient = Recipient::of(&named).unwrap();
        let sealed = seal_for(&recipient, &password());
        assert_eq!(Opener::of(&sealed).unwrap(), Opener::Identity);
        let both = [identity(&other), identity(&own)];
        assert_eq!(open(&both, &sealed).unwrap(), Some(password()));
        assert_eq!(open(&both[..1], &sealed).unwrap(), None);
        assert_ne!(seal_for(&recipient, &password()), sealed, "never the same twice");
        let last = named.as_str().ends_with('q');
        let wrong = format!("{}{}", &named.as_str()[..61], if last { 'p' } else { 'q' });
        let error = Recipient::of(&wrong.parse().unwrap()).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("recipient-invalid", ErrorKind::Usage));
    }

    #[test]
    fn only_the_same_password_opens() {
        let lock = |text: &str| SecretString::from(text);
        let sealed = seal_under(lock("one"), &password());
        assert_eq!(Opener::of(&sealed).unwrap(), Opener::Password);
        assert_eq!(open_under(lock("one"), &sealed).unwrap(), Some(password()));
        assert_eq!(open_under(lock("two"), &sealed).unwrap(), None);
        for text in ["", "123", &sealed[..sealed.len() / 2]] {
            assert_eq!(Opener::of(text).unwrap_err().code(), "sealed-damaged", "{text}");
        }
    }
}
