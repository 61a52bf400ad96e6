//! The blob service: what the journey and Azure's own clients ask of it, path-style
//! (`/ACCOUNT/CONTAINER/BLOB`) or by the account's own name. Knows no job and no drive.

pub(crate) mod access;
mod batch;
mod blob;
mod blocks;
mod call;
mod conditions;
mod containers;
mod content;
mod copy;
mod copy_state;
mod copying;
mod delegation;
mod fault;
mod grants;
mod headers;
mod incremental;
mod lease;
mod list;
pub(crate) mod managed;
mod need;
mod page_calls;
mod page_file;
mod pages;
pub(crate) mod record;
mod rights;
mod sas;
pub(crate) mod service;
pub(crate) mod store;
mod sums;
mod tier;
mod tree;

use crate::http::Answer;

/// Answers a caller who looks for blobs at the resource manager's port; `account` is where an
/// account is.
pub(crate) fn moved(account: &str) -> Answer {
    let message =
        format!("Blobs are not here but at {account}/CONTAINER/BLOB, on a port of their own.");
    fault::Fault::new(410, "ResourceMoved", message).answer(false)
}
