//! When increments are made, as a person says it and as records keep it.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Time, Weekday};
use serde::{Deserialize, Serialize};

use super::invalid::InvalidNoun;

const RULE: &str = "daily@HH:MM or weekly@DAY@HH:MM, with DAY as mon, tue, wed, thu, fri, sat, sun";

/// When increments are made, in the time zone of the `now` that is passed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "every")]
pub enum Schedule {
    /// Every day at this time.
    Day {
        /// Time of day.
        at: Time,
    },
    /// Every week on this day at this time.
    Week {
        /// Day of the week, 1 for Monday to 7 for Sunday (ISO 8601).
        #[serde(with = "iso_day")]
        on: Weekday,
        /// Time of day.
        at: Time,
    },
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |at: &Time| at.strftime("%H:%M").to_string();
        match self {
            Schedule::Day { at } => write!(f, "every day at {}", clock(at)),
            Schedule::Week { on, at } => write!(f, "every {on:?} at {}", clock(at)),
        }
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Schedule::Day { at: Time::midnight() }
    }
}

impl FromStr for Schedule {
    type Err = InvalidNoun;

    /// Reads `daily@HH:MM` or `weekly@DAY@HH:MM`.
    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        let wrong = || InvalidNoun::new("schedule", text, RULE);
        let at = |text: &str| text.parse::<Time>().map_err(|_| wrong());
        match text.split('@').collect::<Vec<_>>().as_slice() {
            ["daily", time] => Ok(Schedule::Day { at: at(time)? }),
            ["weekly", day, time] => {
                let on = match *day {
                    "mon" => Weekday::Monday,
                    "tue" => Weekday::Tuesday,
                    "wed" => Weekday::Wednesday,
                    "thu" => Weekday::Thursday,
                    "fri" => Weekday::Friday,
                    "sat" => Weekday::Saturday,
                    "sun" => Weekday::Sunday,
                    _ => return Err(wrong()),
                };
                Ok(Schedule::Week { on, at: at(time)? })
            }
            _ => Err(wrong()),
        }
    }
}

mod iso_day {
    use jiff::civil::Weekday;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(day: &Weekday, to: S) -> Result<S::Ok, S::Error> {
        day.to_monday_one_offset().serialize(to)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Weekday, D::Error> {
        Weekday::from_monday_one_offset(i8::deserialize(from)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(text: &str) -> Result<Schedule, InvalidNoun> {
        text.parse()
    }

    #[test]
    fn a_schedule_is_a_day_or_a_week_with_a_time() {
        let at = |hour| Time::constant(hour, 30, 0, 0);
        assert_eq!(schedule("daily@02:30"), Ok(Schedule::Day { at: at(2) }));
        let weekly = Schedule::Week { on: Weekday::Sunday, at: at(23) };
        assert_eq!(schedule("weekly@sun@23:30"), Ok(weekly));
        for wrong in ["daily", "daily@25:00", "weekly@so@01:00", "hourly@01:00", "weekly@01:00"] {
            assert!(schedule(wrong).is_err(), "{wrong}");
        }
    }
}
