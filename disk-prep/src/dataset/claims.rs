//! What a properties file claims of the data that it is for, compared with the data: what is not
//! true would be told to everybody who fetches the blob.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

use crate::noun::{Md5Digest, shown};

/// The claims of one properties file.
#[derive(Debug, Clone, Default)]
pub(super) struct Claims {
    /// The MD5 of the one file that it is for.
    pub content_md5: Option<Md5Digest>,
    /// How the data is packed, and the bytes with which such data begins.
    encoding: Option<(String, &'static [u8])>,
}

impl Claims {
    /// Those of a checked properties file.
    pub fn of(entries: &[(String, String)]) -> Self {
        let value = |wanted: &str| {
            let mut entries = entries.iter();
            entries.find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
        };
        let digest = value("Content-MD5").and_then(|text| STANDARD.decode(text).ok());
        let content_md5 = digest.and_then(|bytes| bytes.try_into().ok()).map(Md5Digest::new);
        // Of several the last was put on last.
        let encoding = value("Content-Encoding").and_then(|text| {
            let name = text.rsplit(',').next().unwrap_or(text).trim().to_ascii_lowercase();
            let first: &[u8] = match name.as_str() {
                "gzip" | "x-gzip" => &[0x1f, 0x8b],
                "compress" | "x-compress" => &[0x1f, 0x9d],
                "zstd" => &[0x28, 0xb5, 0x2f, 0xfd],
                _ => return None,
            };
            Some((name, first))
        });
        Claims { content_md5, encoding }
    }

    /// Why the digest is not the one of a file, which is read for it.
    pub fn false_digest(&self, path: &Path, file: File) -> io::Result<Option<String>> {
        let Some(claimed) = self.content_md5 else { return Ok(None) };
        let actual = digest(file)?;
        Ok((actual != claimed).then(|| {
            let text = |digest: Md5Digest| STANDARD.encode(digest.bytes());
            let (claimed, actual) = (text(claimed), text(actual));
            format!("Content-MD5 says {claimed}, but {} has {actual}", shown(path))
        }))
    }

    /// Whether a file must be looked into for its encoding.
    pub fn has_encoding(&self) -> bool {
        self.encoding.is_some()
    }

    /// Why a file is not packed as is claimed.
    pub fn false_encoding(&self, path: &Path, file: File) -> io::Result<Option<String>> {
        let Some((name, first)) = &self.encoding else { return Ok(None) };
        let mut bytes = Vec::new();
        file.take(first.len() as u64).read_to_end(&mut bytes)?;
        let fault = || format!("Content-Encoding says {name}, but {} is not so", shown(path));
        Ok((bytes != *first).then(fault))
    }
}

fn digest(mut file: File) -> io::Result<Md5Digest> {
    let (mut hasher, mut buffer) = (Md5::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Md5Digest::new(hasher.finalize().into())),
            Ok(bytes) => hasher.update(&buffer[..bytes]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
