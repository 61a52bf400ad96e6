//! Signatures by HMAC-SHA256, and a storage account with the key that signs its calls.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use disk_prep::noun::AccountName;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::Sha256;

/// A storage account with its key.
#[derive(Debug)]
pub(super) struct StorageAccount {
    pub name: AccountName,
    key: SecretBox<Vec<u8>>,
}

impl StorageAccount {
    pub fn new(name: AccountName, key: Vec<u8>) -> Self {
        StorageAccount { name, key: SecretBox::new(Box::new(key)) }
    }

    /// Its key, base64.
    pub fn key_text(&self) -> SecretString {
        BASE64_STANDARD.encode(self.key.expose_secret()).into()
    }

    /// The signature of `text` under its key, base64.
    #[cfg(feature = "other-service")]
    pub fn sign(&self, text: &str) -> String {
        BASE64_STANDARD.encode(sign(self.key.expose_secret(), text))
    }

    /// Whether this is the signature of `text` under its key.
    pub fn is_signed(&self, text: &str, signature: &str) -> bool {
        is_signed(self.key.expose_secret(), text, signature)
    }
}

/// Whether this is the signature of `text` under `key`, base64.
pub(super) fn is_signed(key: &[u8], text: &str, signature: &str) -> bool {
    let signature = BASE64_STANDARD.decode(signature);
    signature.is_ok_and(|signature| mac(key, text).verify_slice(&signature).is_ok())
}

pub(super) fn mac(key: &[u8], text: &str) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("a key of any length does");
    mac.update(text.as_bytes());
    mac
}

pub(super) fn sign(key: &[u8], text: &str) -> Vec<u8> {
    mac(key, text).finalize().into_bytes().to_vec()
}
