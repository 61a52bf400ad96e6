//! Times as this provider writes and asks for them: filters of a kind of OData in which even a range
//! is said with `eq`, and a clock of twelve hours.

use std::fmt::Write;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A moment as bodies have it, with seven places behind the second.
pub(super) fn told(time: Timestamp) -> String {
    let zoned = time.to_zoned(TimeZone::UTC);
    format!("{}.{:07}Z", zoned.strftime("%Y-%m-%dT%H:%M:%S"), zoned.subsec_nanosecond() / 100)
}

/// A length of time in the newer of the two forms.
pub(super) fn duration(span: SignedDuration) -> String {
    let secs = span.as_secs().max(0);
    let mut text = "PT".to_owned();
    for (unit, part) in [('H', secs / 3600), ('M', secs / 60 % 60)] {
        if part > 0 {
            let _ = write!(text, "{part}{unit}");
        }
    }
    format!("{text}{}S", secs % 60)
}

/// The value that a filter asks of a field.
pub(super) fn asked<'a>(filter: &'a str, field: &str) -> Option<&'a str> {
    filter.split(" and ").find_map(|part| {
        let mut words = part.trim().splitn(3, ' ');
        let (name, sign, value) = (words.next()?, words.next()?, words.next()?);
        let is_own = name.eq_ignore_ascii_case(field) && sign.eq_ignore_ascii_case("eq");
        is_own.then(|| value.trim().trim_matches('\''))
    })
}

/// A moment that a filter asks for.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let own = DateTime::strptime("%Y-%m-%d %I:%M:%S %p", text).ok()?;
    own.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_says_a_range_with_eq_and_a_clock_of_twelve_hours() {
        let filter = "startTime eq '2026-11-01 12:00:00 AM' and endTime eq '2026-11-20 11:59:59 PM' \
                      and operation eq 'Backup'";
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let start = asked(filter, "startTime").and_then(moment);
        assert_eq!(start, Some(time("2026-11-01T00:00:00Z")));
        let end = asked(filter, "ENDTIME").and_then(moment);
        assert_eq!(end, Some(time("2026-11-20T23:59:59Z")));
        assert_eq!(asked(filter, "operation"), Some("Backup"));
        assert_eq!(asked(filter, "status"), None);
        assert_eq!(moment("2026-11-20 23:59:59"), None);
        assert_eq!(told(time("2026-11-20T02:00:00.5Z")), "2026-11-20T02:00:00.5000000Z");
        assert_eq!(duration(SignedDuration::from_secs(3_723)), "PT1H2M3S");
        assert_eq!(duration(SignedDuration::ZERO), "PT0S");
    }
}
