//! The name of a time zone, as the IANA database has it.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::invalid::InvalidNoun;

const RULE: &str =
    "a zone of the IANA database that this machine knows, such as Europe/Berlin or UTC";

/// Name of a time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ZoneName(String);

impl ZoneName {
    /// The zone; `None` if this machine's database does not have it, as that of the machine that
    /// it was named on did.
    pub fn zone(&self) -> Option<TimeZone> {
        TimeZone::get(&self.0).ok()
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<ZoneName> for String {
    fn from(name: ZoneName) -> String {
        name.0
    }
}

impl TryFrom<String> for ZoneName {
    type Error = InvalidNoun;

    /// A name that a record has; whether this machine knows it is another matter.
    fn try_from(text: String) -> Result<Self, InvalidNoun> {
        let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte);
        let is_name = !text.is_empty() && text.len() <= 64 && text.bytes().all(is_fit);
        if is_name { Ok(ZoneName(text)) } else { Err(InvalidNoun::new("time zone", &text, RULE)) }
    }
}

impl FromStr for ZoneName {
    type Err = InvalidNoun;

    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        let name = ZoneName::try_from(text.to_owned())?;
        // As the database spells it.
        let known = name.zone().and_then(|zone| zone.iana_name().map(str::to_owned));
        known.map(ZoneName).ok_or_else(|| InvalidNoun::new("time zone", text, RULE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_one_that_the_database_has_and_a_record_may_name_others() {
        let berlin: ZoneName = "europe/berlin".parse().unwrap();
        assert_eq!(berlin.as_str(), "Europe/Berlin");
        assert!(berlin.zone().is_some());
        for wrong in ["Europe/Atlantis", "", "UTC\nUser=root", "/etc/passwd", "../UTC"] {
            assert!(wrong.parse::<ZoneName>().is_err(), "{wrong}");
        }
        let of_record: ZoneName = serde_json::from_str("\"Europe/Atlantis\"").unwrap();
        assert!(of_record.zone().is_none());
        assert!(serde_json::from_str::<ZoneName>("\"UTC x\"").is_err());
    }
}
