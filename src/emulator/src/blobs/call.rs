//! What every call to the blob service brings: its path in parts, and all that it is answered with.

use jiff::Timestamp;
use md5::{Digest, Md5};
use percent_encoding::percent_decode_str;

use super::access::md5_text;
use super::fault::Fault;
use super::store::Store;
use crate::account::Account;
use crate::http::Call;

/// What a call needs.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub store: &'a Store,
    pub account: &'a Account,
    pub origins: &'a [String],
    pub now: Timestamp,
    pub call: &'a Call,
}

/// A path below `/blob/` in its parts, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path3 {
    pub account: String,
    pub container: Option<String>,
    pub blob: Option<String>,
}

impl Path3 {
    /// The parts, unless one is not UTF-8.
    pub fn parse(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/blob/")?;
        let mut parts = rest.splitn(3, '/');
        let decode =
            |text: &str| percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned());
        let mut next = || parts.next().filter(|part| !part.is_empty()).map(decode);
        let account = next()??;
        let container = match next() {
            Some(container) => Some(container?),
            None => None,
        };
        let blob = match next() {
            Some(blob) => Some(blob?),
            None => None,
        };
        Some(Path3 { account, container, blob })
    }
}

/// Refuses content whose MD5 is not the one that a header gives.
pub(super) fn check_md5(call: &Call, header: &str, content: &[u8]) -> Result<(), Fault> {
    match call.header(header) {
        Some(given) if given != md5_text(&Md5::digest(content)) => Err(Fault::md5()),
        _ => Ok(()),
    }
}
