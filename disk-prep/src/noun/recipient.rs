//! Whom secrets are sealed for, by the text that names them (`age`, `recipients`).

use std::fmt;
use std::str::FromStr;

use super::invalid::InvalidNoun;

/// Characters of an X25519 recipient: `age1`, 52 of the key and 6 of the checksum.
const LENGTH: usize = 62;
/// The characters of Bech32 (BIP 173).
const ALPHABET: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// An X25519 recipient of age, by its form; whether its checksum is right is found by whoever seals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient(String);

impl Recipient {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Recipient {
    type Err = InvalidNoun;

    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        let text = text.trim();
        let is_fit = text.len() == LENGTH
            && text
                .strip_prefix("age1")
                .is_some_and(|rest| rest.chars().all(|letter| ALPHABET.contains(letter)));
        // What is mistaken for one may be an identity, which is a secret.
        is_fit
            .then(|| Recipient(text.to_owned()))
            .ok_or_else(|| InvalidNoun::new("age recipient", "***", "62 characters, age1 first"))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipient_is_told_by_its_form_and_nothing_else_is_repeated() {
        let text = format!("age1{}", "q".repeat(58));
        assert_eq!(format!(" {text}\n").parse::<Recipient>().unwrap().as_str(), text);
        for other in ["", "age1", "AGE-SECRET-KEY-1MARKER", &text[..61], &text.replace('q', "b")] {
            let error = other.parse::<Recipient>().unwrap_err();
            assert!(!error.to_string().contains("MARKER"), "{error}");
        }
    }
}
