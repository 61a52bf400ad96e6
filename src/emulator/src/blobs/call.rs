//! What every call to the blob service brings: its path in parts, and all that it is answered with.

use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use super::grants::Grants;
use super::store::Store;
use crate::account::{Account, Nature};
use crate::addresses::Addresses;
use crate::http::Call;
use crate::keys::StorageAccount;

/// The version of the service that is told to who names none.
pub(super) const VERSION: &str = "2026-02-06";

/// What a call needs.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub store: &'a Store,
    /// What opens managed disks.
    pub grants: &'a Grants,
    pub account: &'a Account,
    /// The storage account that is called.
    pub own: &'a StorageAccount,
    /// What its blobs are like.
    pub nature: Nature,
    pub addresses: &'a Addresses,
    pub now: Timestamp,
    pub call: &'a Call,
}

/// Account, container and blob of an address, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path3 {
    pub account: String,
    pub container: Option<String>,
    pub blob: Option<String>,
}

impl Path3 {
    /// The parts of a path, which begins with the account unless the host named it; `None` if one
    /// is not UTF-8.
    pub fn parse(named: Option<String>, path: &str) -> Option<Self> {
        let decode =
            |text: &str| percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned());
        let rest = path.strip_prefix('/')?;
        let (account, rest) = match named {
            Some(account) => (account, rest),
            None => {
                let (account, rest) = rest.split_once('/').unwrap_or((rest, ""));
                (decode(account).filter(|account| !account.is_empty())?, rest)
            }
        };
        let (container, blob) = rest.split_once('/').unwrap_or((rest, ""));
        let part = |text: &str| match text {
            "" => Some(None),
            text => decode(text).map(Some),
        };
        Some(Path3 { account, container: part(container)?, blob: part(blob)? })
    }
}
