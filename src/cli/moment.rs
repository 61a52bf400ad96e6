//! A moment as a person types it: a time with its zone, or a day. A time without a zone is another one
//! on every machine, so it is asked back. And how long something lasts.

use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// What was typed is no moment.
#[derive(Debug, thiserror::Error)]
pub(super) enum MomentFault {
    #[error("a time needs its zone: {0:.0}Z is that time in UTC")]
    NoZone(DateTime),
    #[error("take a day, which begins in UTC, or a time with its zone, as in 2026-12-20T06:00:00Z")]
    NoMoment,
}

/// What was typed is no day.
#[derive(Debug, thiserror::Error)]
#[error("take a day, as in 2026-12-20")]
pub(super) struct NoDay;

/// Reads it; a day is its first moment in UTC.
pub(super) fn moment(text: &str) -> Result<Timestamp, MomentFault> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    if let Ok(day) = day(text) {
        let begin = day.to_zoned(TimeZone::UTC).map_err(|_| MomentFault::NoMoment)?;
        return Ok(begin.timestamp());
    }
    match text.parse::<DateTime>() {
        Ok(time) => Err(MomentFault::NoZone(time)),
        Err(_) => Err(MomentFault::NoMoment),
    }
}

/// Reads a day; one with a time behind it says more than is asked, which would be lost.
pub(super) fn day(text: &str) -> Result<Date, NoDay> {
    let day = text.parse::<Date>().ok().filter(|day| day.to_string() == text);
    day.ok_or(NoDay)
}

/// A time to wait for a service or between two calls; seconds at least, so that nobody floods it.
pub(super) fn pause(text: &str) -> Result<Duration, String> {
    let rule = "a time of a second to a day, such as 30s or 5m".to_owned();
    let time: SignedDuration = text.parse().map_err(|_| rule.clone())?;
    let time = Duration::try_from(time).map_err(|_| rule.clone())?;
    if (1..=86_400).contains(&time.as_secs()) { Ok(time) } else { Err(rule) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_in_utc_and_a_time_without_a_zone_is_asked_back() {
        let of =
            |text: &str| moment(text).map(|own| own.to_string()).map_err(|own| own.to_string());
        assert_eq!(of("2026-12-20").unwrap(), "2026-12-20T00:00:00Z");
        assert_eq!(of("2026-12-20T06:00:00+01:00").unwrap(), "2026-12-20T05:00:00Z");
        let told = of("2026-12-20T06:00:00").unwrap_err();
        assert!(told.contains("2026-12-20T06:00:00Z"), "{told}");
        assert!(of("2026-12-20 06:00").unwrap_err().contains("needs its zone"));
        for text in ["", "yesterday", "2026-13-01", "20", "12-20"] {
            assert!(of(text).unwrap_err().starts_with("take a day"), "{text}");
        }
        assert_eq!(day("2026-12-20").unwrap().to_string(), "2026-12-20");
        for text in ["2026-12-20T06:00", "2026-12-20T06:00:00Z", "20261220", ""] {
            assert!(day(text).is_err(), "{text}");
        }
    }
}
