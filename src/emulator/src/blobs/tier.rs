//! Access tiers. A blob of the archive cannot be read, and comes back only some hours after it was
//! asked for, by the emulator's clock ("Blob rehydration from the archive tier").

use jiff::{SignedDuration, Timestamp};

use super::call::Context;
use super::conditions::{check as check_conditions, check_lease};
use super::fault::Fault;
use super::record::{Record, Rehydration};
use crate::http::Answer;

const ARCHIVE: &str = "Archive";
const TIERS: [&str; 4] = ["Hot", "Cool", "Cold", ARCHIVE];
/// The longest that it takes; with high priority, for small blobs.
const STANDARD: SignedDuration = SignedDuration::from_hours(15);
const HIGH: SignedDuration = SignedDuration::from_hours(1);

/// The tier that a blob is in now, and what it is on its way to.
pub(super) fn of(record: &Record, now: Timestamp) -> (Option<&str>, Option<String>) {
    let own = &record.properties;
    match &own.rehydration {
        Some(way) if way.until <= now => (Some(&way.tier), None),
        Some(way) => {
            let pending = format!("rehydrate-pending-to-{}", way.tier.to_lowercase());
            (own.tier.as_deref(), Some(pending))
        }
        None => (own.tier.as_deref(), None),
    }
}

/// Refuses to read a blob of the archive.
pub(super) fn check(record: &Record, now: Timestamp) -> Result<(), Fault> {
    if of(record, now).0 == Some(ARCHIVE) { Err(Fault::archived()) } else { Ok(()) }
}

/// The tier that a call names, if it names one.
pub(super) fn asked(context: Context<'_>) -> Result<Option<&str>, Fault> {
    match context.call.header("x-ms-access-tier") {
        Some(tier) if TIERS.contains(&tier) => Ok(Some(tier)),
        Some(_) => Err(Fault::header("x-ms-access-tier")),
        None => Ok(None),
    }
}

/// Puts a blob into another tier.
pub(super) fn set(context: Context<'_>, container: &str, name: &str) -> Result<Answer, Fault> {
    let key = (context.own.name.as_str(), container);
    let held = context.store.hold();
    let mut record = held.blob(key, name)?.ok_or_else(Fault::no_blob)?.record;
    check_conditions(context, Some(&record))?;
    check_lease(context, Some(&record))?;
    let tier = asked(context)?.ok_or_else(|| Fault::missing_header("x-ms-access-tier"))?;
    let (now, pending) = of(&record, context.now);
    if pending.is_some() {
        let message = "The blob is on its way out of the archive.";
        return Err(Fault::new(409, "BlobBeingRehydrated", message));
    }
    let is_out = now == Some(ARCHIVE) && tier != ARCHIVE;
    let own = &mut record.properties;
    own.rehydration = None;
    if is_out {
        let is_high = context.call.header("x-ms-rehydrate-priority") == Some("High");
        let until = context.now.saturating_add(if is_high { HIGH } else { STANDARD });
        let until = until.unwrap_or(Timestamp::MAX);
        own.tier = Some(ARCHIVE.to_owned());
        own.rehydration = Some(Rehydration { tier: tier.to_owned(), until });
    } else {
        own.tier = Some(tier.to_owned());
    }
    // A tier is no change of the blob: ETag and time stay.
    held.save(key, &record)?;
    Ok(Answer::empty(if is_out { 202 } else { 200 }))
}
