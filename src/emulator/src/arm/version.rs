//! Whether a version that was asked for is one that a call has.

use jiff::civil::Date;

use super::call::Context;
use super::fault::Fault;

/// The first version in which the calls about vaults and machines have the form of today.
const FIRST: Date = jiff::civil::date(2016, 12, 1);

/// Refuses a version that a call does not have.
pub(super) fn check_version(context: Context<'_>, known: &[&str]) -> Result<(), Fault> {
    check(context, |version| known.contains(&version))
}

/// Takes every date since today's form; clients of many ages ask for many.
pub(super) fn check_any(context: Context<'_>) -> Result<(), Fault> {
    let last = context.now.to_zoned(jiff::tz::TimeZone::UTC).date();
    check(context, |version| is_date(version, last))
}

fn is_date(version: &str, last: Date) -> bool {
    let bare = version.strip_suffix("-preview").unwrap_or(version);
    let date = bare.parse::<Date>().ok().filter(|_| bare.len() == 10);
    date.is_some_and(|date| (FIRST..=last).contains(&date))
}

fn check(context: Context<'_>, is_known: impl FnOnce(&str) -> bool) -> Result<(), Fault> {
    let (code, message) = match context.call.parameter("api-version") {
        Some(version) if is_known(version) => return Ok(()),
        Some(version) => {
            ("InvalidApiVersionParameter", format!("The api-version {version} is not known."))
        }
        None => ("MissingApiVersionParameter", "The api-version is missing.".to_owned()),
    };
    Err(Fault::new(400, code, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_date_since_todays_form_is_a_version() {
        let last = jiff::civil::date(2026, 11, 30);
        for version in ["2016-12-01", "2025-08-01", "2026-11-30", "2023-01-15-preview"] {
            assert!(is_date(version, last), "{version}");
        }
        for version in ["2016-11-30", "2026-12-01", "2025-8-1", "latest", "", "2025-08-01T00"] {
            assert!(!is_date(version, last), "{version}");
        }
    }
}
