//! The rules against a second statement of them that knows no code of the first: it asks for each
//! backup, day by day and in words, whether a rule wants it.

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::*;

/// A rule as its parts, and the sentence of it.
#[derive(Debug, Clone)]
struct Naive {
    sentence: String,
    /// 0 every day, 1 days of the week, 2 places in the month, 3 days of the month.
    kind: u8,
    weekdays: BTreeSet<i8>,
    /// Places or days; 0 for the last.
    places: BTreeSet<i8>,
    months: BTreeSet<i8>,
    count: i32,
    unit: u8,
}

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const PLACES: [&str; 5] = ["last", "first", "second", "third", "fourth"];
const UNITS: [&str; 4] = ["days", "weeks", "months", "years"];

impl Naive {
    fn said(mut self) -> Self {
        let list = |words: Vec<String>| words.join(", ");
        let week = list(self.weekdays.iter().map(|d| WEEKDAYS[*d as usize - 1].into()).collect());
        let month = list(self.months.iter().map(|m| MONTHS[*m as usize - 1].into()).collect());
        let of = if self.months.len() == 12 { "the month".to_owned() } else { month };
        let days = match self.kind {
            0 => format!("every day of {of}"),
            1 => format!("every {week} of {of}"),
            2 => {
                let nth = self.places.iter().map(|p| PLACES[*p as usize].into()).collect();
                format!("{} {week} of {of}", list(nth))
            }
            _ => {
                let day = |p: &i8| if *p == 0 { "last".to_owned() } else { p.to_string() };
                format!("day {} of {of}", list(self.places.iter().map(day).collect()))
            }
        };
        self.sentence = format!("{days} for {} {}", self.count, UNITS[self.unit as usize]);
        self
    }

    /// Whether the rule speaks of this day: by counting through its month.
    fn wants(&self, date: Date) -> bool {
        if !self.months.contains(&date.month()) {
            return false;
        }
        let mut alike = Vec::new();
        let mut day = date.first_of_month();
        while day.month() == date.month() {
            if self.kind != 2 || day.weekday() == date.weekday() {
                alike.push(day);
            }
            day = day.tomorrow().unwrap();
        }
        let place = alike.iter().position(|own| *own == date).unwrap() as i8 + 1;
        let is_last = alike.last() == Some(&date);
        let is_place = self.places.contains(&place) || is_last && self.places.contains(&0);
        let sunday_last = |day: Weekday| (day.to_sunday_zero_offset() + 6) % 7 + 1;
        let is_weekday = self.weekdays.contains(&sunday_last(date.weekday()));
        match self.kind {
            0 => true,
            1 => is_weekday,
            2 => is_weekday && is_place,
            _ => is_place,
        }
    }

    /// Whether what stands for this day is still kept: the day is not as far away as the count.
    fn lasts(&self, day: Date, today: Date) -> bool {
        let count = self.count;
        let end = match self.unit {
            0 => day.checked_add(count.days()),
            1 => day.checked_add((7 * count).days()),
            2 => day.checked_add(count.months()),
            _ => day.checked_add((12 * count).months()),
        };
        end.is_ok_and(|end| today < end)
    }

    /// Whether the rule keeps the backup at this place of the list.
    fn keeps(&self, all: &[Zoned], at: usize, today: Date) -> bool {
        let date = all[at].date();
        if all.iter().skip(at + 1).any(|later| later.date() == date) {
            return false;
        }
        if self.wants(date) {
            return self.lasts(date, today);
        }
        // The last day that it wants before, if nothing was made from then until now.
        let mut day = date;
        for _ in 0..6 {
            day = day.yesterday().unwrap();
            if day < all[0].date() || all.iter().any(|own| own.date() == day) {
                return false;
            }
            if self.wants(day) {
                return self.lasts(day, today);
            }
        }
        false
    }
}

/// What is kept, by the counts alone: walk back, and take the last of each new span.
fn counted(counts: Retention, all: &[Zoned], at: usize) -> bool {
    let spans: [(Option<u16>, &str); 4] = [
        (counts.daily, "%Y-%j"),
        (counts.weekly, "%G-%V"),
        (counts.monthly, "%Y-%m"),
        (counts.yearly, "%Y"),
    ];
    spans.into_iter().any(|(count, form)| {
        let span = |time: &Zoned| time.strftime(form).to_string();
        let later: BTreeSet<String> = all[at + 1..].iter().map(span).collect();
        !later.contains(&span(&all[at])) && later.len() < usize::from(count.unwrap_or(0))
    })
}

fn some_of(range: std::ops::RangeInclusive<i8>) -> impl Strategy<Value = BTreeSet<i8>> {
    prop::collection::btree_set(range, 1..4)
}

fn any_rule() -> impl Strategy<Value = Naive> {
    let months = prop_oneof![2 => Just((1..=12).collect()), 1 => some_of(1..=12)];
    let parts = (some_of(1..=7), some_of(0..=4), some_of(0..=28), months);
    (0u8..4, parts, 1i32..40, 0u8..4).prop_map(
        |(kind, (weekdays, nths, days, months), count, unit)| {
            let places = if kind == 2 { nths } else { days };
            let sentence = String::new();
            Naive { sentence, kind, weekdays, places, months, count, unit }.said()
        },
    )
}

fn any_counts() -> impl Strategy<Value = Retention> {
    let count = || prop::option::weighted(0.3, 0u16..9);
    (count(), count(), count(), count()).prop_map(|(daily, weekly, monthly, yearly)| Retention {
        daily,
        weekly,
        monthly,
        yearly,
    })
}

fn runner(cases: u32, seed: u8) -> TestRunner {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, rng)
}

fn policy(rules: &[Naive], counts: Retention) -> Policy {
    let rule = |own: &Naive| own.sentence.parse().unwrap_or_else(|error| panic!("{error}"));
    Policy { counts, rules: rules.iter().map(rule).collect() }
}

/// Times from a list of steps in hours.
fn times(steps: &[u16], zone: &TimeZone) -> Vec<Zoned> {
    let mut at = Timestamp::from_second(1_700_000_000).unwrap();
    let step = |hours: &u16| {
        at += jiff::SignedDuration::from_hours(i64::from(*hours));
        at.to_zoned(zone.clone())
    };
    steps.iter().map(step).collect()
}

#[test]
fn what_is_kept_is_what_the_rules_say_in_their_naive_statement() {
    let steps = prop::collection::vec(prop_oneof![4 => 1u16..30, 1 => 30u16..2_000], 1..60);
    let all = (steps, prop::collection::vec(any_rule(), 0..4), any_counts(), 0i32..700);
    let zones = ["UTC", "Europe/Berlin", "America/Santiago", "Pacific/Apia"];
    let (kept, gone) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    runner(1_500, 12)
        .run(&(all, 0usize..4), |((steps, rules, counts, wait), zone)| {
            let zone = TimeZone::get(zones[zone]).unwrap();
            let made = times(&steps, &zone);
            let end = made.last().unwrap().checked_add(wait.days()).unwrap();
            let policy = policy(&rules, counts);
            let newest = made.last().cloned();
            let right: Vec<&Zoned> = (0..made.len())
                .filter(|at| {
                    policy.keeps_all()
                        || policy.keeps_nothing()
                        || Some(&made[*at]) == newest.as_ref()
                        || rules.iter().any(|rule| rule.keeps(&made, *at, end.date()))
                        || counted(counts, &made, *at)
                })
                .map(|at| &made[at])
                .collect();
            // Year by year, as runs do it.
            let simulation = simulate(&policy, made.iter().cloned(), &end);
            let found: Vec<&Zoned> = simulation.kept.iter().map(|(time, _)| time).collect();
            prop_assert_eq!(&found, &right, "{}", policy);
            prop_assert_eq!(simulation.made, made.len());
            kept.set(kept.get() + found.len());
            gone.set(gone.get() + made.len() - found.len());
            Ok(())
        })
        .unwrap();
    let (kept, gone) = (kept.get(), gone.get());
    assert!(kept > 5_000 && gone > 5_000, "{kept} kept, {gone} let go");
}

#[test]
fn over_a_hundred_years_the_example_keeps_what_its_rules_say() {
    let template = Template::find("gfs-example").unwrap();
    let start: Zoned = "2026-11-29T02:00[UTC]".parse().unwrap();
    let end = start.checked_add(100.years()).unwrap();
    let schedule = std::iter::successors(Some(start), |last| last.tomorrow().ok());
    let made: Vec<Zoned> = schedule.take_while(|time| *time <= end).collect();
    let simulation = simulate(&template.policy(), made.iter().cloned(), &end);
    let today = end.date();
    let before = |date: Date, span: jiff::Span| date > today.checked_sub(span).unwrap();
    let is_last_sunday =
        |date: Date| date.weekday() == Weekday::Sunday && date.day() + 7 > date.days_in_month();
    let is_first_sunday_of_january =
        |date: Date| date.weekday() == Weekday::Sunday && date.month() == 1 && date.day() <= 7;
    let right: Vec<Date> = made
        .iter()
        .map(Zoned::date)
        .filter(|date| {
            before(*date, 30.days())
                || date.weekday() == Weekday::Sunday && before(*date, 104.weeks())
                || is_last_sunday(*date) && before(*date, 120.months())
                || is_first_sunday_of_january(*date) && before(*date, 99.years())
        })
        .collect();
    let found: Vec<Date> = simulation.kept.iter().map(|(time, _)| time.date()).collect();
    assert_eq!(found, right);
    assert_eq!((simulation.made, simulation.years.len()), (36_525, 101));
    assert_eq!(simulation.years.last().unwrap(), &(today, found.len()));
    let of = |text: &str| {
        let has = |grounds: &[Ground]| {
            grounds
                .iter()
                .any(|own| matches!(own, Ground::Rule { rule, .. } if rule.to_string() == text))
        };
        simulation.kept.iter().filter(|(_, grounds)| has(grounds)).count()
    };
    let rules = template.policy().sentences();
    let counts: Vec<usize> = rules.iter().map(|rule| of(rule)).collect();
    assert_eq!(counts, [30, 104, 120, 99]);
}
