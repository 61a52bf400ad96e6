//! In which time zone a vault's days and turns are counted.

use jiff::Zoned;
use jiff::tz::TimeZone;

use super::desk::Desk;
use crate::vault::Vault;

/// This moment in the zone of a vault, else of this machine. A zone that this machine does not know
/// is UTC; [`told`] says so.
pub fn now(vault: &Vault) -> Zoned {
    Zoned::now().with_time_zone(zone(vault))
}

fn zone(vault: &Vault) -> TimeZone {
    match &vault.time_zone {
        Some(name) => name.zone().unwrap_or(TimeZone::UTC),
        None => TimeZone::try_system().unwrap_or(TimeZone::UTC),
    }
}

/// Tells of a zone that is not known here.
pub fn told(vault: &Vault, desk: &Desk<'_>) {
    let unknown = match &vault.time_zone {
        Some(name) if name.zone().is_none() => {
            format!("the time zone {name} of vault {}", vault.name)
        }
        None if TimeZone::try_system().is_err() => {
            let set = std::env::var("TZ").map(|zone| format!("TZ={zone}"));
            set.unwrap_or_else(|_| "the time zone of this machine".to_owned())
        }
        _ => return,
    };
    desk.attendant.warn(&format!("{unknown} is not known here: times are those of UTC"));
}
