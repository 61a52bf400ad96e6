//! The turns of a schedule on the clock of a zone. A time of day that a change of clocks leaves out
//! counts as the moment after the gap; one that it repeats counts once, the first time.

use disk_prep::noun::Schedule;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};

/// A week and a day before and after a moment, every schedule of a day or a week has a turn.
const REACH_DAYS: i64 = 8;
/// Hours of a day.
const DAY_HOURS: i8 = 24;

/// The first turn after a moment; `None` where the calendar ends, or for an expression that only
/// systemd understands.
pub fn next(schedule: &Schedule, now: &Zoned) -> Option<Zoned> {
    days(now.date(), -1, 1)
        .flat_map(|day| of_day(schedule, day, now.time_zone()))
        .find(|turn| turn > now)
}

/// The last turn that has passed, this moment among them.
pub fn latest(schedule: &Schedule, now: &Zoned) -> Option<Zoned> {
    let turns = days(now.date(), 1, -1).flat_map(|day| {
        let mut turns = of_day(schedule, day, now.time_zone());
        turns.reverse();
        turns
    });
    turns.into_iter().find(|turn| turn <= now)
}

/// The turns after a moment, one after the other.
pub fn turns<'a>(schedule: &'a Schedule, now: &Zoned) -> impl Iterator<Item = Zoned> + 'a {
    std::iter::successors(next(schedule, now), |turn| next(schedule, turn))
}

/// The days from one beside `today` on, in steps of one, as far as the reach.
fn days(today: Date, first: i64, step: i64) -> impl Iterator<Item = Date> {
    let offsets = (0..=REACH_DAYS).map(move |count| first + step * count);
    offsets.filter_map(move |offset| today.checked_add(offset.days()).ok())
}

/// The turns of a day, in their order.
fn of_day(schedule: &Schedule, day: Date, zone: &TimeZone) -> Vec<Zoned> {
    let times: Vec<Time> = match schedule {
        Schedule::Day { at } => vec![*at],
        Schedule::Week { on, at } if day.weekday() == *on => vec![*at],
        Schedule::Weekdays { on, at } if on.has(day.weekday()) => vec![*at],
        Schedule::Hours { count } => {
            let hours = (0..DAY_HOURS).step_by(count.hours().unsigned_abs().into());
            hours.map(|hour| Time::constant(hour, 0, 0, 0)).collect()
        }
        Schedule::Week { .. } | Schedule::Weekdays { .. } | Schedule::Calendar { .. } => Vec::new(),
    };
    let zoned = |time: Time| day.to_datetime(time).to_zoned(zone.clone()).ok();
    times.into_iter().filter_map(zoned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Zoned {
        text.parse().unwrap()
    }

    fn some(schedule: &str, from: &str, count: usize) -> Vec<String> {
        let schedule = schedule.parse().unwrap();
        let shown = |turn: Zoned| turn.strftime("%a %d %H:%M %:z").to_string();
        turns(&schedule, &at(from)).take(count).map(shown).collect()
    }

    #[test]
    fn hours_and_weekdays_have_their_turns() {
        assert_eq!(
            some("mon,wed,fri 22:00", "2026-11-27T22:00[UTC]", 3),
            ["Mon 30 22:00 +00:00", "Wed 02 22:00 +00:00", "Fri 04 22:00 +00:00"]
        );
        assert_eq!(
            some("every 8 hours", "2026-11-27T15:59:59[UTC]", 3),
            ["Fri 27 16:00 +00:00", "Sat 28 00:00 +00:00", "Sat 28 08:00 +00:00"]
        );
        let hours = "every 8 hours".parse().unwrap();
        assert_eq!(latest(&hours, &at("2026-11-27T16:00[UTC]")), Some(at("2026-11-27T16:00[UTC]")));
        assert_eq!(latest(&hours, &at("2026-11-27T07:00[UTC]")), Some(at("2026-11-27T00:00[UTC]")));
        let weekly = "sun 03:00".parse().unwrap();
        let past = latest(&weekly, &at("2026-11-22T02:59[UTC]"));
        assert_eq!(past, Some(at("2026-11-15T03:00[UTC]")));
        assert_eq!(next(&"*-*-* 02:00".parse().unwrap(), &at("2026-11-22T02:59[UTC]")), None);
    }

    #[test]
    fn on_the_days_of_a_change_of_clocks_no_turn_is_lost_or_comes_twice() {
        assert_eq!(
            some("daily 02:30", "2027-03-27T12:00[Europe/Berlin]", 2),
            ["Sun 28 03:30 +02:00", "Mon 29 02:30 +02:00"]
        );
        assert_eq!(
            some("daily 02:30", "2027-10-30T12:00[Europe/Berlin]", 2),
            ["Sun 31 02:30 +02:00", "Mon 01 02:30 +01:00"]
        );
        assert_eq!(
            some("hourly", "2027-03-28T00:30[Europe/Berlin]", 3),
            ["Sun 28 01:00 +01:00", "Sun 28 03:00 +02:00", "Sun 28 04:00 +02:00"]
        );
        assert_eq!(
            some("hourly", "2027-10-31T01:30[Europe/Berlin]", 2),
            ["Sun 31 02:00 +02:00", "Sun 31 03:00 +01:00"]
        );
        // The clock goes from 24:00 on to 01:00.
        assert_eq!(
            some("daily 00:00", "2027-09-04T12:00[America/Santiago]", 2),
            ["Sun 05 01:00 -03:00", "Mon 06 00:00 -03:00"]
        );
    }
}
