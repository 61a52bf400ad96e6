//! When an increment is due (`design` 7): once right after the ingest, then whenever the
//! schedule's time has passed. Pure: the time is passed in.

use disk_prep::noun::{Expression, Schedule};
use jiff::{SignedDuration, Timestamp, Zoned};

use super::turns::{latest, next};

/// Whether an increment is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// It is.
    Now,
    /// Not before then.
    At(Zoned),
    /// At each call: its times are those of systemd, which this machine does not have.
    OnCall,
}

/// Whether a moment that has passed is stamped so far ahead of `now` that one of the clocks was
/// wrong. A clock is set right by less than this all the time.
pub fn is_ahead(past: Timestamp, now: Timestamp) -> bool {
    past.duration_since(now) > SignedDuration::from_mins(5)
}

/// Whether an increment is due at `now`, when the last one was made at `last`. A last one that is
/// stamped ahead of now says nothing: one is due. So is one where the calendar ends and there is
/// no next turn. `elapse` finds the first time after a moment that an expression of systemd means.
pub fn due(
    schedule: &Schedule,
    last: Option<&Zoned>,
    now: &Zoned,
    elapse: impl Fn(&Expression, &Zoned) -> Option<Zoned>,
) -> Due {
    let last = last.filter(|last| !is_ahead(last.timestamp(), now.timestamp()));
    let Some(last) = last else { return Due::Now };
    let next = match schedule {
        Schedule::Calendar { expression } => match elapse(expression, last) {
            Some(turn) if turn <= *now => return Due::Now,
            Some(turn) => return Due::At(turn),
            None => return Due::OnCall,
        },
        schedule => next(schedule, now),
    };
    match next {
        Some(next) if latest(schedule, now).is_none_or(|turn| *last >= turn) => Due::At(next),
        _ => Due::Now,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Time, Weekday};

    use super::*;

    fn due(schedule: Schedule, last: Option<&Zoned>, now: &Zoned) -> Due {
        super::due(&schedule, last, now, |_, _| None)
    }

    fn at(text: &str) -> Zoned {
        text.parse().unwrap()
    }

    fn daily(hour: i8) -> Schedule {
        Schedule::Day { at: Time::constant(hour, 0, 0, 0) }
    }

    #[test]
    fn the_first_increment_is_due_at_once() {
        let now = at("2026-11-20T10:00[UTC]");
        assert_eq!(due(Schedule::default(), None, &now), Due::Now);
    }

    #[test]
    fn a_daily_increment_is_due_from_its_time_on_and_not_twice() {
        let last = at("2026-11-20T02:00[UTC]");
        let next = Due::At(at("2026-11-21T02:00[UTC]"));
        let ask = |now| due(daily(2), Some(&last), &at(now));
        assert_eq!(ask("2026-11-20T02:00[UTC]"), next);
        assert_eq!(ask("2026-11-21T01:59:59[UTC]"), next);
        assert_eq!(ask("2026-11-21T02:00[UTC]"), Due::Now);
        assert_eq!(ask("2027-03-01T00:00[UTC]"), Due::Now, "after a long absence, once");
    }

    #[test]
    fn a_weekly_increment_waits_for_its_day() {
        let weekly = Schedule::Week { on: Weekday::Sunday, at: Time::constant(3, 0, 0, 0) };
        let last = at("2026-11-15T03:10[UTC]");
        let ask = |now| due(weekly.clone(), Some(&last), &at(now));
        assert_eq!(ask("2026-11-21T23:00[UTC]"), Due::At(at("2026-11-22T03:00[UTC]")));
        assert_eq!(ask("2026-11-22T02:59[UTC]"), Due::At(at("2026-11-22T03:00[UTC]")));
        assert_eq!(ask("2026-11-22T03:00[UTC]"), Due::Now);
        let missed = at("2026-11-07T03:00[UTC]");
        assert_eq!(due(weekly, Some(&missed), &at("2026-11-15T02:00[UTC]")), Due::Now);
    }

    #[test]
    fn a_time_that_the_change_of_clocks_leaves_out_is_the_moment_after() {
        let last = at("2026-03-28T02:30[Europe/Berlin]");
        let now = at("2026-03-29T01:00[Europe/Berlin]");
        let half_past = Schedule::Day { at: Time::constant(2, 30, 0, 0) };
        let Due::At(next) = due(half_past, Some(&last), &now) else { panic!("not yet") };
        assert_eq!(next.timestamp(), at("2026-03-29T03:30[Europe/Berlin]").timestamp());
    }

    #[test]
    fn a_last_run_of_the_future_puts_nothing_off_and_a_clock_set_right_by_seconds_changes_nothing()
    {
        let now = at("2026-11-20T12:00[UTC]");
        let ask = |last| due(daily(2), Some(&at(last)), &now);
        for ahead in ["2037-01-01T00:00[UTC]", "2026-11-20T18:00[UTC]", "2026-11-20T12:06[UTC]"] {
            assert_eq!(ask(ahead), Due::Now, "{ahead}");
        }
        let next = Due::At(at("2026-11-21T02:00[UTC]"));
        for near in ["2026-11-20T12:04[UTC]", "2026-11-20T11:00[UTC]"] {
            assert_eq!(ask(near), next, "{near}");
        }
    }

    #[test]
    fn where_the_calendar_ends_one_more_is_due() {
        let ask = |now| due(daily(2), Some(&at("9999-12-29T02:00[UTC]")), &at(now));
        assert_eq!(ask("9999-12-29T12:00[UTC]"), Due::At(at("9999-12-30T02:00[UTC]")));
        assert_eq!(ask("9999-12-30T01:00[UTC]"), Due::At(at("9999-12-30T02:00[UTC]")));
        assert_eq!(ask("9999-12-30T20:00[UTC]"), Due::Now);
    }

    #[test]
    fn a_schedule_comes_back_from_its_text() {
        let weekly = Schedule::Week { on: Weekday::Sunday, at: Time::midnight() };
        let text = serde_json::to_string(&weekly).unwrap();
        assert_eq!(text, r#"{"every":"week","on":7,"at":"00:00:00"}"#);
        assert_eq!(serde_json::from_str::<Schedule>(&text).unwrap(), weekly);
        let wrong = r#"{"every":"week","on":8,"at":"00:00:00"}"#;
        assert!(serde_json::from_str::<Schedule>(wrong).is_err());
    }

    #[test]
    fn an_expression_is_due_when_systemd_says_so_and_at_each_call_where_it_does_not() {
        let schedule: Schedule = "*-*-* 02:00".parse().unwrap();
        let (last, now) = (at("2026-11-20T02:00[UTC]"), at("2026-11-20T10:00[UTC]"));
        let ask = |turn: Option<&str>| {
            let turn = turn.map(at);
            super::due(&schedule, Some(&last), &now, |_, base| {
                assert_eq!(*base, last);
                turn.clone()
            })
        };
        assert_eq!(ask(Some("2026-11-20T09:00[UTC]")), Due::Now);
        assert_eq!(ask(Some("2026-11-21T02:00[UTC]")), Due::At(at("2026-11-21T02:00[UTC]")));
        assert_eq!(ask(None), Due::OnCall);
        assert_eq!(due(schedule, None, &now), Due::Now);
    }
}
