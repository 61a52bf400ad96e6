//! Entries of a custody log in words.

use crate::custody::{Deed, ProvenBy, Who};

/// Who did it, as one word.
pub(super) fn who(by: &Who) -> String {
    match &by.login {
        Some(login) => format!("{login} as {}@{}", by.user, by.host),
        None => format!("{}@{}", by.user, by.host),
    }
}

/// What an entry says beside its drives.
pub(super) fn detail(deed: &Deed) -> String {
    match deed {
        Deed::Sealed { job, manifest_hash, sealed_at, by_this_run, .. } => {
            let found = if *by_this_run { "" } else { ", found so by this run" };
            format!("for job {job} at {sealed_at:.0}, manifest {manifest_hash}{found}")
        }
        Deed::Prepared { job } | Deed::Repaired { job } | Deed::Released { job, .. } => {
            format!("job {job}")
        }
        Deed::Verified { unequal, .. } if unequal.is_empty() => "equal".to_owned(),
        Deed::Verified { unequal, .. } => {
            let serials: Vec<&str> = unequal.iter().map(|own| own.as_str()).collect();
            format!("not equal: {}", serials.join(" "))
        }
        Deed::Packed { job, .. } | Deed::Received { job, .. } => format!("job {job}"),
        Deed::Shipped { job, carrier, tracking_number, .. } => {
            format!("job {job} with {carrier} {tracking_number}")
        }
        Deed::Ingested { vault } => format!("vault {vault}"),
        Deed::Proven { proven_by: ProvenBy::Drive, .. } => {
            "the escrow unlocks the drive".to_owned()
        }
        Deed::Proven { proven_by: ProvenBy::Journal, .. } => {
            "the escrow opens the key in the journal".to_owned()
        }
        Deed::NotProven { code, .. } => format!("the escrow does not open it: {code}"),
        Deed::Revealed { .. } => "recovery passwords shown".to_owned(),
        _ => String::new(),
    }
}
