//! Time zones by the names of Windows, which policies of the service have. The table is CLDR's
//! (`windowsZones`), every name of the IANA database that it maps; first the one that stands for each
//! name of Windows, then the others.

use std::sync::LazyLock;

use jiff::tz::TimeZone;

static ALL: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
    include_str!("zones.csv").lines().skip(1).filter_map(|line| line.split_once(',')).collect()
});

/// The name of Windows for one of the IANA database.
pub(super) fn windows(iana: &str) -> Option<&'static str> {
    if iana.eq_ignore_ascii_case("UTC") {
        return Some("UTC");
    }
    ALL.iter().find(|(own, _)| own.eq_ignore_ascii_case(iana)).map(|(_, windows)| *windows)
}

/// The zone that a name of Windows stands for, by the first of its names that this machine knows.
pub(super) fn iana(windows: &str) -> Option<&'static str> {
    if windows.eq_ignore_ascii_case("UTC") {
        return Some("UTC");
    }
    let of_it = ALL.iter().filter(|(_, own)| own.eq_ignore_ascii_case(windows));
    of_it.map(|(iana, _)| *iana).find(|name| TimeZone::get(name).is_ok())
}

/// Names that look most like one that is not there.
pub(super) fn nearest(iana: &str) -> Vec<&'static str> {
    let iana = iana.to_lowercase();
    let mut all: Vec<(usize, &str)> = ALL
        .iter()
        .map(|(own, _)| (strsim::levenshtein(&iana, &own.to_lowercase()), *own))
        .collect();
    all.sort_unstable();
    all.into_iter().take(3).map(|(_, own)| own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_names_of_windows_and_find_their_way_back() {
        assert_eq!(windows("Europe/Berlin"), Some("W. Europe Standard Time"));
        assert_eq!(windows("america/los_angeles"), Some("Pacific Standard Time"));
        assert_eq!(windows("Europe/Atlantis"), None);
        assert!(nearest("Europe/Berlim").contains(&"Europe/Berlin"));
        assert!(
            ALL.len() > 500 && ALL.iter().all(|(iana, own)| !iana.is_empty() && !own.is_empty())
        );
        for (_, own) in ALL.iter() {
            let back = iana(own).unwrap_or_else(|| panic!("{own}"));
            assert!(back == "UTC" || windows(back) == Some(*own), "{own}: {back}");
        }
        assert_eq!(iana("W. Europe Standard Time"), Some("Europe/Berlin"));
        assert_eq!(iana("Mars Standard Time"), None);
    }
}
