//! When increments are made, as a person says it and as records keep it.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Time, Weekday};
use serde::{Deserialize, Serialize};

use super::invalid::InvalidNoun;
use super::weekdays::Weekdays;

const RULE: &str = "`daily 23:30`, `daily`, `sun 03:00`, `mon,wed,fri 22:00`, `every 4 hours` (of 1, 2, 3, 4, \
                    6, 8 or 12), daily@HH:MM, weekly@DAY@HH:MM, with DAY as mon, tue, wed, thu, fri, \
                    sat, sun; or an expression for OnCalendar of systemd, such as `Mon..Fri *-*-* \
                    22:00`";

/// When increments are made, in the time zone of the `now` that is passed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Every week on these days at this time.
    Weekdays {
        /// The days.
        #[serde(with = "iso_days")]
        on: Weekdays,
        /// Time of day.
        at: Time,
    },
    /// Every so many hours of the day, from midnight on.
    Hours {
        /// How many; a day has a whole number of them.
        count: DayPart,
    },
    /// As an expression of systemd says (systemd.time(7)).
    Calendar {
        /// The expression.
        expression: Expression,
    },
}

/// A number of hours of which a day has a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i8", into = "i8")]
pub struct DayPart(i8);

impl DayPart {
    /// The hours.
    pub fn hours(self) -> i8 {
        self.0
    }
}

impl TryFrom<i8> for DayPart {
    type Error = InvalidNoun;

    fn try_from(hours: i8) -> Result<Self, InvalidNoun> {
        let wrong = || InvalidNoun::new("schedule", &format!("every {hours} hours"), RULE);
        let is_part = (1..=12).contains(&hours) && 24 % hours == 0;
        if is_part { Ok(DayPart(hours)) } else { Err(wrong()) }
    }
}

impl From<DayPart> for i8 {
    fn from(part: DayPart) -> i8 {
        part.0
    }
}

/// Words of systemd for what is rarer than once a week.
const LONG: [&str; 5] = ["monthly", "quarterly", "semiannually", "yearly", "annually"];

/// An expression of systemd for points of time. Whether it is right, only systemd can say; it has
/// no character that would end its line in a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Expression(String);

impl Expression {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Expression {
    type Error = InvalidNoun;

    fn try_from(text: String) -> Result<Self, InvalidNoun> {
        let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"*,.:/~_+- ".contains(&byte);
        let has_date = text.contains('*') || text.contains("..") || text.matches('-').count() >= 2;
        let is_expression = (has_date || LONG.contains(&text.trim()))
            && text.len() <= 200
            && text.bytes().all(is_fit);
        let text = text.trim().to_owned();
        // At its start a `-` would make it an option.
        if is_expression && !text.starts_with('-') {
            Ok(Expression(text))
        } else {
            Err(InvalidNoun::new("schedule", &text, RULE))
        }
    }
}

impl From<Expression> for String {
    fn from(expression: Expression) -> String {
        expression.0
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |at: &Time| at.strftime("%H:%M").to_string();
        match self {
            Schedule::Day { at } => write!(f, "every day at {}", clock(at)),
            Schedule::Week { on, at } => write!(f, "every {on:?} at {}", clock(at)),
            Schedule::Weekdays { on, at } => write!(f, "every {on} at {}", clock(at)),
            Schedule::Hours { count: DayPart(1) } => f.write_str("every hour"),
            Schedule::Hours { count } => write!(f, "every {} hours", count.0),
            Schedule::Calendar { expression } => write!(f, "OnCalendar={}", expression.0),
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

    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        let lower = text.trim().to_lowercase();
        let found = parse_old(&lower).or_else(|| parse_words(&lower));
        let text = text.strip_prefix("OnCalendar=").unwrap_or(text);
        let expression = || Expression::try_from(text.to_owned());
        found.map_or_else(|| Ok(Schedule::Calendar { expression: expression()? }), Ok)
    }
}

/// Reads `daily@HH:MM` or `weekly@DAY@HH:MM`.
fn parse_old(text: &str) -> Option<Schedule> {
    let at = |text: &str| text.parse::<Time>().ok();
    match text.split('@').collect::<Vec<_>>().as_slice() {
        ["daily", time] => Some(Schedule::Day { at: at(time)? }),
        ["weekly", day, time] => on_days(Weekdays::parse(day)?, at(time)?),
        _ => None,
    }
}

/// Reads `daily HH:MM`, `every N hours` or `DAY,DAY HH:MM`; without a time it is midnight, of weeks
/// that of their Monday, as the words of systemd are meant.
fn parse_words(text: &str) -> Option<Schedule> {
    let words: Vec<&str> = text.split_whitespace().filter(|word| *word != "at").collect();
    let (last, days) = words.split_last()?;
    match (days, *last) {
        (["every"], "hour") | ([], "hourly") => Some(Schedule::Hours { count: DayPart(1) }),
        (["every"], "day") | ([], "daily") => Some(Schedule::Day { at: Time::midnight() }),
        (["every"], "week") | ([], "weekly") => {
            Some(Schedule::Week { on: Weekday::Monday, at: Time::midnight() })
        }
        (["every", count], "hours" | "hour") => {
            let count = DayPart::try_from(count.parse::<i8>().ok()?).ok()?;
            Some(Schedule::Hours { count })
        }
        (["daily"] | ["every", "day"], time) => Some(Schedule::Day { at: clock(time)? }),
        (["weekly" | "every", days @ ..] | days, time) => {
            on_days(Weekdays::parse(&days.join(","))?, clock(time)?)
        }
    }
}

/// A time of day with hours and minutes, and nothing else.
fn clock(text: &str) -> Option<Time> {
    let is_clock = text.len() == 5 && text.as_bytes().get(2) == Some(&b':');
    if is_clock { text.parse().ok() } else { None }
}

fn on_days(on: Weekdays, at: Time) -> Option<Schedule> {
    match on.numbers() {
        [day] => Some(Schedule::Week { on: Weekday::from_monday_one_offset(*day).ok()?, at }),
        _ => Some(Schedule::Weekdays { on, at }),
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

mod iso_days {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use super::Weekdays;

    pub(super) fn serialize<S: Serializer>(days: &Weekdays, to: S) -> Result<S::Ok, S::Error> {
        days.numbers().serialize(to)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Weekdays, D::Error> {
        let days = Weekdays::of(Vec::deserialize(from)?);
        days.ok_or_else(|| D::Error::custom("a list of days has numbers from 1 to 7"))
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
        for wrong in ["dail", "daily@25:00", "weekly@so@01:00", "hourly@01:00", "weekly@01:00"] {
            assert!(schedule(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_schedule_is_said_in_words_and_comes_back_from_its_record() {
        for (text, shown) in [
            ("daily 23:30", "every day at 23:30"),
            ("Every day at 23:30", "every day at 23:30"),
            ("sun 03:00", "every Sunday at 03:00"),
            ("weekly sun 03:00", "every Sunday at 03:00"),
            ("mon,wed,fri 22:00", "every Monday, Wednesday, Friday at 22:00"),
            ("every fri, mon at 22:00", "every Monday, Friday at 22:00"),
            ("weekly@mon,fri@22:00", "every Monday, Friday at 22:00"),
            ("every 4 hours", "every 4 hours"),
            ("hourly", "every hour"),
            ("daily", "every day at 00:00"),
            ("every day", "every day at 00:00"),
            ("weekly", "every Monday at 00:00"),
            ("monthly", "OnCalendar=monthly"),
            ("Mon..Fri *-*-* 22:00:00", "OnCalendar=Mon..Fri *-*-* 22:00:00"),
            ("OnCalendar=*-*~01 02:00", "OnCalendar=*-*~01 02:00"),
        ] {
            let schedule = schedule(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(schedule.to_string(), shown, "{text}");
            let record = serde_json::to_string(&schedule).unwrap();
            assert_eq!(serde_json::from_str::<Schedule>(&record).unwrap(), schedule, "{record}");
        }
    }

    #[test]
    fn what_is_no_schedule_is_refused_and_nothing_reaches_a_unit_that_could_end_its_line() {
        for wrong in [
            "",
            "every 5 hours",
            "every 24 hours",
            "every 0 hours",
            "every -4 hours",
            "dayly 23:30",
            "daily 2330",
            "mon,xyz 22:00",
            "22:00",
            "mon 24:00",
            "*-*-* 22:00\nExecStart=/bin/sh",
            "*-*-* 22:00 %h",
            "--iterations=1 *-*-*",
        ] {
            assert!(schedule(wrong).is_err(), "{wrong}");
        }
        for wrong in [
            r#"{"every":"hours","count":5}"#,
            r#"{"every":"weekdays","on":[],"at":"00:00:00"}"#,
            r#"{"every":"weekdays","on":[0,8],"at":"00:00:00"}"#,
            r#"{"every":"calendar","expression":"*-*-*\n"}"#,
        ] {
            assert!(serde_json::from_str::<Schedule>(wrong).is_err(), "{wrong}");
        }
    }
}
