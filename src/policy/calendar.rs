//! Rules over the calendar: a snapshot is kept by every rule that names the day on which it was
//! made, until the end of that rule. Of the snapshots of one day it is the last.

use std::collections::BTreeMap;

use disk_prep::noun::KeepRule;
use jiff::civil::Date;

use super::ground::Ground;

/// So many days after a day on which no snapshot was made, the first one still stands in for it.
pub(super) const GRACE_DAYS: usize = 6;

/// What the rules keep on `today`, of days with snapshots, the newest first; the same day may stand
/// there more than once. A machine that was off on a rule's day makes its snapshot as soon as it is
/// back: where a day that a rule names has none, the first day after it that has one stands in, up
/// to [`GRACE_DAYS`] later and before the rule names another. No day before `since` is missed.
pub(super) fn ruled(
    rules: &[KeepRule],
    newest_first: &[Date],
    today: Date,
    since: Option<Date>,
) -> Vec<Vec<Ground>> {
    let mut grounds = vec![Vec::new(); newest_first.len()];
    let mut last_of_day = BTreeMap::new();
    for (at, date) in newest_first.iter().enumerate() {
        last_of_day.entry(*date).or_insert(at);
    }
    for rule in rules {
        for (date, at) in &last_of_day {
            let named = if rule.names(*date) {
                Some(*date)
            } else {
                let before =
                    std::iter::successors(date.yesterday().ok(), |day| day.yesterday().ok());
                let mut missed = before
                    .take(GRACE_DAYS)
                    .take_while(|day| since.is_none_or(|since| *day >= since))
                    .take_while(|day| !last_of_day.contains_key(day));
                missed.find(|day| rule.names(*day))
            };
            let Some(day) = named else { continue };
            let until = rule.end(day);
            if until.is_none_or(|until| today < until) {
                let rule = rule.clone();
                let is_stand_in = day != *date;
                grounds[*at].push(Ground::Rule { rule, day, until, is_stand_in });
            }
        }
    }
    grounds
}
