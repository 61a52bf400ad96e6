//! The emulator's blob service, judged by Azure's own client library, and by bare requests where
//! that library cannot be made to err.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

mod support;

mod blob_service {
    mod access;
    mod addresses;
    mod azure;
    mod blobs;
    mod blocks;
    mod conditions;
    mod containers;
    mod copies;
    mod files;
    mod leases;
    mod lists;
    mod page_copies;
    mod pages;
    mod signatures;
    mod snapshots;
    mod strict;
}
