//! What a policy would keep of backups that are made at given times: the same rules as for those
//! that were made, carried out year by year as runs do it.

use jiff::Zoned;
use jiff::civil::Date;

use super::ground::Ground;
use super::rules::Policy;

/// What would be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulation {
    /// Backups that were made.
    pub made: usize,
    /// Those that are kept at the end, the oldest first, and why.
    pub kept: Vec<(Zoned, Vec<Ground>)>,
    /// How many are kept at the end of each year, and at the end of all.
    pub years: Vec<(Date, usize)>,
}

/// Lets a policy go over backups that are made at these times, in their order, until `end`.
pub fn simulate(policy: &Policy, made: impl Iterator<Item = Zoned>, end: &Zoned) -> Simulation {
    let mut made = made.take_while(|time| time <= end).peekable();
    let since = made.peek().map(Zoned::date);
    let (mut total, mut kept) = (0, Vec::new());
    let mut years = Vec::new();
    for year in since.map_or(end.year(), Date::year)..=end.year() {
        while let Some(time) = made.next_if(|time| time.year() == year) {
            kept.push((time, Vec::new()));
            total += 1;
        }
        let last = Date::new(year, 12, 31).map_or(end.date(), |last| last.min(end.date()));
        kept = left(policy, kept, last, since);
        years.push((last, kept.len()));
    }
    Simulation { made: total, kept, years }
}

/// What is left on a day of backups, the oldest first.
fn left(
    policy: &Policy,
    made: Vec<(Zoned, Vec<Ground>)>,
    today: Date,
    since: Option<Date>,
) -> Vec<(Zoned, Vec<Ground>)> {
    let dates: Vec<Date> = made.iter().rev().map(|(time, _)| time.date()).collect();
    let mut grounds = policy.grounds(&dates, today, since);
    if policy.keeps_all() || policy.keeps_nothing() {
        let why = if policy.keeps_all() { Ground::NoPolicy } else { Ground::Refused };
        grounds.iter_mut().for_each(|grounds| grounds.push(why.clone()));
    }
    if let Some(newest) = grounds.first_mut() {
        newest.push(Ground::Newest);
    }
    let times = made.into_iter().map(|(time, _)| time);
    let all = times.zip(grounds.into_iter().rev());
    all.filter(|(_, grounds)| !grounds.is_empty()).collect()
}
