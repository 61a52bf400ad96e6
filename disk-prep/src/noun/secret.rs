//! How a secret text stands in a record that must hold it: `#[serde(with = "secret")]`. The type
//! of a secret text is `SecretString`: cleared on drop, no `Display`, `Debug` without it.

use std::io::{self, Write};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serializer};
use zeroize::Zeroizing;

/// Writes the text. Whoever serialises takes care of the buffer.
pub fn serialize<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

/// Reads the text.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

/// What is written, in a buffer that is cleared on drop and was large enough from the start, so
/// that no part is left behind in a smaller one. `write` is called twice: to count, and to write.
pub fn cleared<E>(
    write: impl Fn(&mut dyn Write) -> Result<(), E>,
) -> Result<Zeroizing<Vec<u8>>, E> {
    let mut count = Count(0);
    write(&mut count)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(count.0));
    write(&mut *bytes)?;
    Ok(bytes)
}

struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_for_secrets_never_grows() {
        let words = ["000011"; 8];
        let bytes = cleared(|buffer| serde_json::to_writer(buffer, &words)).unwrap();
        assert_eq!(*bytes, serde_json::to_vec(&words).unwrap());
        assert_eq!(bytes.capacity(), bytes.len());
    }
}
