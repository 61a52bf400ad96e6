//! A rule of a policy, as a sentence: on which days a backup is kept, and for how long. Records
//! keep the same sentence.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::count::count;
use super::invalid::InvalidNoun;
use super::weekdays::{MONTHS, Weekdays, name, number, words};

const RULE: &str = "DAYS for COUNT days|weeks|months|years, such as `every day for 30 days`, `every \
                    Sunday for 104 weeks`, `last Sunday of the month for 120 months`, `first Sunday \
                    of January for 99 years`, `day 1, 15 of the month for 12 months`, `last day of \
                    the quarter for 7 years`; of the days of a month 1 to 28 and the last";

/// The words for a place in a month; the last has no number.
const NTHS: [&str; 4] = ["first", "second", "third", "fourth"];
/// Stands for the last week or day of a month.
const LAST: i8 = -1;

/// On which days a backup is kept, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeepRule {
    on: KeepDays,
    /// By their numbers; all twelve if it is every month.
    months: Vec<i8>,
    count: NonZeroU16,
    unit: KeepUnit,
}

/// Days of the calendar that a rule names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeepDays {
    /// Every day.
    Every,
    /// Days of the week.
    Week(Weekdays),
    /// Places in the month (-1 the last) of days of the week.
    Nth(Vec<i8>, Weekdays),
    /// KeepDays of the month, 1 to 28, and -1 for the last.
    Month(Vec<i8>),
}

/// What the time is counted in that a rule keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the variants are the words")]
pub enum KeepUnit {
    Day,
    Week,
    Month,
    Year,
}

impl KeepUnit {
    const ALL: [KeepUnit; 4] = [KeepUnit::Day, KeepUnit::Week, KeepUnit::Month, KeepUnit::Year];

    fn word(self) -> &'static str {
        match self {
            KeepUnit::Day => "day",
            KeepUnit::Week => "week",
            KeepUnit::Month => "month",
            KeepUnit::Year => "year",
        }
    }
}

impl KeepRule {
    /// The days that it names, for who says the same in another form.
    pub fn days(&self) -> &KeepDays {
        &self.on
    }

    /// The months that it is about, by their numbers.
    pub fn months(&self) -> &[i8] {
        &self.months
    }

    /// How long it keeps.
    pub fn kept(&self) -> (u16, KeepUnit) {
        (self.count.get(), self.unit)
    }

    /// Whether a day is one of the rule's.
    pub fn names(&self, date: Date) -> bool {
        if !self.months.contains(&date.month()) {
            return false;
        }
        let (day, last) = (date.day(), date.days_in_month());
        match &self.on {
            KeepDays::Every => true,
            KeepDays::Week(days) => days.has(date.weekday()),
            KeepDays::Nth(nths, days) => {
                let nth = (day - 1) / 7 + 1;
                let is_nth = nths.contains(&nth) || nths.contains(&LAST) && day + 7 > last;
                is_nth && days.has(date.weekday())
            }
            KeepDays::Month(days) => days.contains(&day) || days.contains(&LAST) && day == last,
        }
    }

    /// The first day on which what was made on `date` is no longer kept; `None` where the calendar
    /// ends before.
    pub fn end(&self, date: Date) -> Option<Date> {
        let count = i64::from(self.count.get());
        let span = match self.unit {
            KeepUnit::Day => count.days(),
            KeepUnit::Week => count.weeks(),
            KeepUnit::Month => count.months(),
            KeepUnit::Year => count.years(),
        };
        date.checked_add(span).ok()
    }
}

impl fmt::Display for KeepRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |nth: &i8| if *nth == LAST { "last" } else { name(*nth, &NTHS).unwrap_or("") };
        let is_last = |days: &[i8]| days == [LAST];
        match &self.on {
            KeepDays::Every => f.write_str("every day")?,
            KeepDays::Week(days) => write!(f, "every {days}")?,
            KeepDays::Nth(nths, days) => {
                let nths: Vec<&str> = nths.iter().map(place).collect();
                write!(f, "{} {days}", nths.join(", "))?;
            }
            KeepDays::Month(days) if is_last(days) => f.write_str("last day")?,
            KeepDays::Month(days) => {
                let word = |day: &i8| if *day == LAST { "last".into() } else { day.to_string() };
                let days: Vec<String> = days.iter().map(word).collect();
                write!(f, "day {}", days.join(", "))?;
            }
        }
        let is_every = self.months.len() == MONTHS.len();
        match self.on {
            KeepDays::Every | KeepDays::Week(_) if is_every => {}
            _ if is_every => f.write_str(" of the month")?,
            _ => {
                let names: Vec<&str> =
                    self.months.iter().filter_map(|month| name(*month, &MONTHS)).collect();
                write!(f, " of {}", names.join(", "))?;
            }
        }
        write!(f, " for {}", count(self.count.get(), self.unit.word()))
    }
}

impl From<KeepRule> for String {
    fn from(rule: KeepRule) -> String {
        rule.to_string()
    }
}

impl TryFrom<String> for KeepRule {
    type Error = InvalidNoun;

    fn try_from(text: String) -> Result<Self, InvalidNoun> {
        text.parse()
    }
}

impl FromStr for KeepRule {
    type Err = InvalidNoun;

    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        parse(&text.to_lowercase()).ok_or_else(|| InvalidNoun::new("rule", text, RULE))
    }
}

fn parse(text: &str) -> Option<KeepRule> {
    let (days, long) = text.split_once(" for ")?;
    let mut long = long.split_whitespace();
    let (count, unit) = (long.next()?.parse().ok()?, long.next()?);
    if long.next().is_some() {
        return None;
    }
    let unit = unit.strip_suffix('s').unwrap_or(unit);
    let unit = KeepUnit::ALL.into_iter().find(|own| own.word() == unit)?;
    let (days, months) = match days.split_once(" of ") {
        Some((days, months)) => (days.trim(), Some(months.trim())),
        None => (days.trim(), None),
    };
    let on = parse_days(days)?;
    let all = || (1..=12).collect();
    let months = match (&on, months) {
        (KeepDays::Every | KeepDays::Week(_), None) | (_, Some("the month" | "every month")) => {
            all()
        }
        (_, None) => return None,
        (on, Some("the quarter" | "every quarter")) => quarter(on)?,
        (_, Some(months)) => {
            let months: Option<Vec<i8>> = words(months).map(|word| number(word, &MONTHS)).collect();
            sorted(months?)?
        }
    };
    Some(KeepRule { on, months, count, unit })
}

fn parse_days(text: &str) -> Option<KeepDays> {
    if text == "every day" {
        return Some(KeepDays::Every);
    }
    if let Some(days) = text.strip_prefix("every ") {
        return Some(KeepDays::Week(Weekdays::parse(days)?));
    }
    if text == "last day" {
        return Some(KeepDays::Month(vec![LAST]));
    }
    if let Some(days) = text.strip_prefix("day ") {
        let day = |word: &str| match word {
            "last" => Some(LAST),
            word => word.parse().ok().filter(|day| (1..=28).contains(day)),
        };
        let days: Option<Vec<i8>> = words(days).map(day).collect();
        return Some(KeepDays::Month(sorted(days?)?));
    }
    let nth = |word: &str| match word {
        "last" => Some(LAST),
        word => number_of_place(word),
    };
    let all: Vec<&str> = words(text).collect();
    let nths: Vec<i8> = all.iter().map_while(|word| nth(word)).collect();
    let days = all.get(nths.len()..)?.join(",");
    Some(KeepDays::Nth(sorted(nths)?, Weekdays::parse(&days)?))
}

fn number_of_place(word: &str) -> Option<i8> {
    i8::try_from(NTHS.iter().position(|own| *own == word)? + 1).ok()
}

/// Numbers in order, each once, the last of all at the end; at least one.
fn sorted(mut numbers: Vec<i8>) -> Option<Vec<i8>> {
    numbers.sort_unstable_by_key(|number| (*number == LAST, *number));
    numbers.dedup();
    (!numbers.is_empty()).then_some(numbers)
}

/// The months in which a day is the first or the last of a quarter.
fn quarter(on: &KeepDays) -> Option<Vec<i8>> {
    let (KeepDays::Nth(places, _) | KeepDays::Month(places)) = on else { return None };
    match places.as_slice() {
        [1] => Some(vec![1, 4, 7, 10]),
        [LAST] => Some(vec![3, 6, 9, 12]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn rule(text: &str) -> KeepRule {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_rule_is_a_sentence_and_comes_back_as_it_was_said() {
        for text in [
            "every day for 30 days",
            "every Sunday for 104 weeks",
            "every Monday, Friday for 1 year",
            "last Sunday of the month for 120 months",
            "first Sunday of January for 99 years",
            "first, third Saturday of the month for 6 months",
            "day 1, 15, last of the month for 12 months",
            "last day of March, June, September, December for 7 years",
            "every day of January for 2 weeks",
        ] {
            assert_eq!(rule(text).to_string(), text);
            let record = serde_json::to_string(&rule(text)).unwrap();
            assert_eq!(serde_json::from_str::<KeepRule>(&record).unwrap(), rule(text));
        }
        let quarter = "last day of March, June, September, December for 7 years";
        assert_eq!(rule("LAST day of the quarter for 7 year").to_string(), quarter);
        let first = "first Monday of January, April, July, October for 1 year";
        assert_eq!(rule("first mon of the quarter for 1 years").to_string(), first);
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for wrong in [
            "",
            "every day",
            "every day for 0 days",
            "every day for 65536 days",
            "every day for 3 fortnights",
            "every day for 3 days more",
            "every sun day for 3 days",
            "sunday for 3 weeks",
            "fifth sunday of the month for 3 months",
            "day 29 of the month for 3 months",
            "day 0 of the month for 3 months",
            "day of the month for 3 months",
            "last day for 3 months",
            "first sunday of smarch for 3 years",
            "first sunday of  for 3 years",
            "day 2 of the quarter for 3 years",
            "every sunday of the quarter for 3 years",
        ] {
            let refused = wrong.parse::<KeepRule>();
            assert_eq!(refused.map_err(|error| error.noun), Err("rule"), "{wrong}");
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let last = rule("last Sunday of the month for 120 months");
        let named = |rule: &KeepRule, year| {
            let mut day = date(year, 1, 1);
            let mut found = Vec::new();
            while day.year() == year {
                if rule.names(day) {
                    found.push(day);
                }
                day = day.tomorrow().unwrap();
            }
            found
        };
        assert_eq!(named(&last, 2026).len(), 12);
        assert!(last.names(date(2026, 11, 29)) && !last.names(date(2026, 11, 22)));
        let first = rule("first Sunday of January for 99 years");
        assert_eq!(named(&first, 2027), [date(2027, 1, 3)]);
        let ends = rule("day last of February for 1 year");
        assert_eq!(named(&ends, 2028), [date(2028, 2, 29)]);
        let two = rule("day 1, 15 of March for 1 year");
        assert_eq!(named(&two, 2026), [date(2026, 3, 1), date(2026, 3, 15)]);
        let third = rule("third Tuesday of the month for 1 year");
        assert!(named(&third, 2026).iter().all(|day| (15..=21).contains(&day.day())));
    }

    #[test]
    fn a_rule_ends_after_its_count_and_never_where_the_calendar_does() {
        let end = |text: &str, date| rule(text).end(date);
        let day = date(2028, 2, 29);
        assert_eq!(end("every day for 30 days", day), Some(date(2028, 3, 30)));
        assert_eq!(end("every day for 2 weeks", day), Some(date(2028, 3, 14)));
        assert_eq!(end("every day for 12 months", day), Some(date(2029, 2, 28)));
        assert_eq!(end("every day for 99 years", day), Some(date(2127, 2, 28)));
        assert_eq!(end("every day for 9000 years", day), None);
    }
}
