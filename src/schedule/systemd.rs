//! What systemd says of its expressions for points of time. Where it is not installed, nobody knows
//! what they mean, and that is said.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use disk_prep::noun::Expression;
use disk_prep::sys::child;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// Where distributions have it.
const PROGRAM: &str = "/usr/bin/systemd-analyze";
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What systemd says of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elapse {
    /// The next time.
    At(Timestamp),
    /// There is none.
    Never,
    /// It is no expression.
    Wrong,
    /// There is no systemd to ask, or it gives no answer that is understood.
    Unknown,
}

/// The first time after a moment that an expression means, in the machine's own zone unless it
/// names one.
pub fn elapse(expression: &Expression, base: &Zoned) -> Elapse {
    if !Path::new(PROGRAM).exists() {
        return Elapse::Unknown;
    }
    let base = format!("--base-time=@{}", base.timestamp().as_second());
    let words = ["calendar", base.as_str(), "--iterations=1", "--", expression.as_str()];
    match child::ask(OsStr::new(PROGRAM), &words.map(OsStr::new), PATIENCE) {
        Ok((status, said)) if status.success() => parse(&String::from_utf8_lossy(&said)),
        Ok((status, _)) if status.code().is_some() => Elapse::Wrong,
        // It was killed, took too long or could not be started: it says nothing of the expression.
        Ok(_) | Err(_) => Elapse::Unknown,
    }
}

/// Reads the answer of `systemd-analyze calendar`: the time in UTC, by itself or beside the local one.
fn parse(said: &str) -> Elapse {
    let value = |label: &str| {
        let of = |line: &'_ str| Some(line.trim().strip_prefix(label)?.trim().to_owned());
        said.lines().find_map(of)
    };
    let Some(next) = value("Next elapse:") else { return Elapse::Unknown };
    if next == "never" {
        return Elapse::Never;
    }
    let time = value("(in UTC):").unwrap_or(next);
    let words: Vec<&str> = time.split_whitespace().collect();
    let [.., date, clock, "UTC"] = words.as_slice() else { return Elapse::Unknown };
    let time = format!("{date}T{clock}").parse::<DateTime>();
    let time = time.and_then(|time| time.to_zoned(TimeZone::UTC));
    time.map_or(Elapse::Unknown, |time| Elapse::At(time.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_has_the_time_in_utc_by_itself_or_beside_the_local_one() {
        let at = |text: &str| Elapse::At(text.parse().unwrap());
        let utc = "Normalized form: *-*-* 02:00:00\n    Next elapse: Sun 2026-11-29 02:00:00 UTC\n       From now: 5h left\n";
        assert_eq!(parse(utc), at("2026-11-29T02:00:00Z"));
        let local = "    Next elapse: Sun 2026-11-29 02:00:00 CET\n       (in UTC): Sun 2026-11-29 01:00:00 UTC\n";
        assert_eq!(parse(local), at("2026-11-29T01:00:00Z"));
        assert_eq!(parse("    Next elapse: never\n"), Elapse::Never);
        for other in ["", "Next elapse: soon", "Next elapse: Sun 2026-11-29 02:00:00 CET"] {
            assert_eq!(parse(other), Elapse::Unknown, "{other}");
        }
    }
}
