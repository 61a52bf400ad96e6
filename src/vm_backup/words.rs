//! What several calls of the service share: versions, times, lengths of time in both forms, words
//! that older answers have as numbers.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde_json::Value;

/// Of vaults and what is in them (`vault-and-vm-backup` 1.8).
pub(super) const RECOVERY: &str = "2025-08-01";
/// Of machines.
pub(super) const COMPUTE: &str = "2024-07-01";
/// Of networks.
pub(super) const NETWORK: &str = "2024-05-01";
/// Of machines of the way that is no more.
pub(super) const CLASSIC: &str = "2017-04-01";

/// Of all filters of lists.
pub(super) const VMS_ONLY: &str = "backupManagementType eq 'AzureIaasVM'";

/// A moment as filters have it, on a clock of twelve hours.
pub(super) fn asked(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %I:%M:%S %p").to_string()
}

/// A moment of an answer; one long before there were vaults stands for never.
pub(super) fn moment(text: Option<&str>) -> Option<Timestamp> {
    let time: Timestamp = text?.parse().ok()?;
    (time.to_zoned(TimeZone::UTC).year() > 2001).then_some(time)
}

/// Seconds of a length of time, `PT20M23S` or `00:20:23.0896697`, with days before it or without.
pub(super) fn seconds(text: Option<&str>) -> Option<u64> {
    let text = text?;
    if text.starts_with(['P', 'p']) {
        let span: Span = text.parse().ok()?;
        let own = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
        return u64::try_from(own.as_secs()).ok();
    }
    let (days, clock) =
        text.split_once('.').filter(|(days, _)| !days.contains(':')).unwrap_or(("0", text));
    let mut parts = clock.split(':').map(|part| part.split('.').next().unwrap_or_default());
    let mut next = || parts.next()?.parse::<u64>().ok();
    let (hours, minutes, secs) = (next()?, next()?, next()?);
    let days: u64 = days.parse().ok()?;
    days.checked_mul(86_400)?
        .checked_add(hours.checked_mul(3600)?)?
        .checked_add(minutes * 60 + secs)
}

/// A word, or the word that a number stands for.
pub(super) fn word(own: &Value, known: &[&str]) -> String {
    let number = own.as_u64().or_else(|| own.as_str()?.parse().ok());
    let at = number.and_then(|number| usize::try_from(number).ok());
    match at.and_then(|at| known.get(at)) {
        Some(word) => (*word).to_owned(),
        None => own.as_str().map_or_else(|| own.to_string(), str::to_owned),
    }
}

/// Half a day: a backup that takes longer is looked at.
pub(super) const LONG_BACKUP: SignedDuration =
    SignedDuration::from_hours(disk_prep::limits::LONG_BACKUP_HOURS);
/// The same of a restore.
pub(super) const LONG_RESTORE: SignedDuration =
    SignedDuration::from_hours(disk_prep::limits::LONG_RESTORE_HOURS);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_read_in_both_forms() {
        for (text, secs) in [
            ("PT31.3S", Some(31)),
            ("PT20M23S", Some(1_223)),
            ("P1DT1H", Some(90_000)),
            ("00:20:23.0896697", Some(1_223)),
            ("1.02:00:00", Some(93_600)),
            ("soon", None),
            ("1:2", None),
            ("", None),
            ("-PT5S", None),
        ] {
            assert_eq!(seconds(Some(text)), secs, "{text}");
        }
        assert_eq!(moment(Some("2001-01-01T00:00:00Z")), None);
        assert!(moment(Some("2026-11-20T02:00:00.5Z")).is_some());
        assert_eq!(asked("2026-11-20T00:05:00Z".parse().unwrap()), "2026-11-20 12:05:00 AM");
        let known = ["Invalid", "Cancellable"];
        assert_eq!(word(&Value::from(1), &known), "Cancellable");
        assert_eq!(word(&Value::from("1"), &known), "Cancellable");
        assert_eq!(word(&Value::from("Odd"), &known), "Odd");
        assert_eq!(word(&Value::from(9), &known), "9");
    }
}
