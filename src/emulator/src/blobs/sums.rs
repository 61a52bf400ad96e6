//! Checksums of content that travels: MD5, and the service's own CRC64.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};

use super::fault::Fault;
use crate::crc64;
use crate::http::Call;

/// A kind of checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sum {
    Md5,
    Crc64,
}

impl Sum {
    /// The one that a call asks for of the stretch it reads.
    pub fn asked(call: &Call) -> Option<Self> {
        let is_asked = |sum: &Sum| {
            call.header(sum.asked_by()).is_some_and(|value| value.eq_ignore_ascii_case("true"))
        };
        [Sum::Md5, Sum::Crc64].into_iter().find(is_asked)
    }

    /// The header that asks for it.
    pub fn asked_by(self) -> &'static str {
        match self {
            Sum::Md5 => "x-ms-range-get-content-md5",
            Sum::Crc64 => "x-ms-range-get-content-crc64",
        }
    }

    /// The header that carries it, both ways.
    pub fn header(self) -> &'static str {
        match self {
            Sum::Md5 => "content-md5",
            Sum::Crc64 => "x-ms-content-crc64",
        }
    }

    /// Of a content, base64.
    pub fn of(self, content: &[u8]) -> String {
        match self {
            Sum::Md5 => BASE64_STANDARD.encode(Md5::digest(content)),
            Sum::Crc64 => BASE64_STANDARD.encode(crc64::of(content).to_le_bytes()),
        }
    }
}

/// Refuses content whose checksum is not the one that was sent with it; says which kind was.
pub(super) fn check_sums(call: &Call, content: &[u8]) -> Result<Sum, Fault> {
    let is_sent = |sum: Sum| call.header(sum.header()).is_some();
    if is_sent(Sum::Md5) && is_sent(Sum::Crc64) {
        let message = "A call brings an MD5 or a CRC64, not both.";
        return Err(Fault::new(400, "BothCrc64AndMd5HeaderPresent", message));
    }
    check_md5(call, Sum::Md5.header(), content)?;
    match call.header(Sum::Crc64.header()) {
        None => Ok(Sum::Md5),
        Some(given) if given == Sum::Crc64.of(content) => Ok(Sum::Crc64),
        Some(_) => Err(Fault::crc64()),
    }
}

/// Refuses content whose MD5 is not the one that a header gives.
pub(super) fn check_md5(call: &Call, header: &str, content: &[u8]) -> Result<(), Fault> {
    match call.header(header) {
        Some(given) if given != Sum::Md5.of(content) => Err(Fault::md5()),
        _ => Ok(()),
    }
}
