//! Days of the week and months, by the words that people use for them.

use std::fmt;

use jiff::civil::Weekday;

/// Days of the week, at least one, in the order of the week, which begins on Monday.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weekdays(Vec<i8>);

/// The days by number, 1 for Monday (ISO 8601).
const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The months by number.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Weekdays {
    /// Days by their numbers, 1 for Monday to 7 for Sunday; `None` without any, or with another.
    pub fn of(mut days: Vec<i8>) -> Option<Self> {
        days.sort_unstable();
        days.dedup();
        let is_fit = !days.is_empty() && days.iter().all(|day| (1..=7).contains(day));
        is_fit.then_some(Weekdays(days))
    }

    /// Reads a list such as `mon, wednesday and fri`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let days: Option<Vec<i8>> = words(text).map(|word| number(word, &DAYS)).collect();
        Weekdays::of(days?)
    }

    /// Whether a day is one of them.
    pub fn has(&self, day: Weekday) -> bool {
        self.0.contains(&day.to_monday_one_offset())
    }

    /// The days by their numbers, 1 for Monday.
    pub fn numbers(&self) -> &[i8] {
        &self.0
    }

    /// The days by their first three letters, with a comma between.
    pub fn short(&self) -> String {
        let short: Vec<&str> = self.names().filter_map(|name| name.get(..3)).collect();
        short.join(",")
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().filter_map(|day| name(*day, &DAYS))
    }
}

impl fmt::Display for Weekdays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().collect::<Vec<_>>().join(", "))
    }
}

/// The words of a list with commas or `and` between them.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ' ']).map(str::trim).filter(|word| !word.is_empty() && *word != "and")
}

/// The number of a name, from 1; its first three letters will do.
pub(super) fn number(word: &str, names: &[&str]) -> Option<i8> {
    let is_it = |name: &&str| {
        name.eq_ignore_ascii_case(word)
            || name.get(..3).is_some_and(|short| short.eq_ignore_ascii_case(word))
    };
    i8::try_from(names.iter().position(is_it)? + 1).ok()
}

/// The name of a number, from 1.
pub(super) fn name<'a>(number: i8, names: &[&'a str]) -> Option<&'a str> {
    let at = usize::try_from(number.checked_sub(1)?).ok()?;
    names.get(at).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_by_whole_names_or_three_letters() {
        let days = Weekdays::parse("fri,Monday and WED").unwrap();
        assert_eq!(
            (days.to_string(), days.short()),
            ("Monday, Wednesday, Friday".into(), "Mon,Wed,Fri".into())
        );
        assert!(days.has(Weekday::Friday) && !days.has(Weekday::Sunday));
        for wrong in ["", "mo", "sunda", "mon,xyz"] {
            assert_eq!(Weekdays::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Weekdays::of(vec![0]), None);
    }
}
