//! A part of each day in which a run may work, such as the night.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Time;
use jiff::{ToSpan, Zoned};

use super::invalid::InvalidNoun;

const RULE: &str = "HH:MM-HH:MM, two different times of day; the second may be of the next day";

/// From one time of day to another, which may be of the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayWindow {
    opens: Time,
    closes: Time,
}

impl DayWindow {
    /// When the window in which a moment lies closes; `None` if it lies in none. Where the clocks
    /// are changed, a time that does not exist is the moment after the gap.
    pub fn closes(&self, now: &Zoned) -> Option<Zoned> {
        let time = now.time();
        let is_over_midnight = self.closes < self.opens;
        let is_open = match is_over_midnight {
            false => (self.opens..self.closes).contains(&time),
            true => time >= self.opens || time < self.closes,
        };
        let is_tomorrow = is_over_midnight && time >= self.opens;
        let day = if is_tomorrow { now.date().checked_add(1.day()).ok()? } else { now.date() };
        let closes = day.to_datetime(self.closes).to_zoned(now.time_zone().clone()).ok()?;
        (is_open && closes > *now).then_some(closes)
    }
}

impl FromStr for DayWindow {
    type Err = InvalidNoun;

    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        let time = |text: &str| {
            let is_clock = text.len() == 5 && text.as_bytes().get(2) == Some(&b':');
            if is_clock { text.parse::<Time>().ok() } else { None }
        };
        let window = || {
            let (opens, closes) = text.split_once('-')?;
            Some(DayWindow { opens: time(opens)?, closes: time(closes)? })
        };
        let window = window().filter(|own| own.opens != own.closes);
        window.ok_or_else(|| InvalidNoun::new("window", text, RULE))
    }
}

impl fmt::Display for DayWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.opens.strftime("%H:%M"), self.closes.strftime("%H:%M"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_may_go_over_midnight_and_closes_by_the_clock() {
        let closes = |window: &str, now: &str| {
            let window: DayWindow = window.parse().unwrap();
            window.closes(&now.parse().unwrap()).map(|at| at.strftime("%d %H:%M %:z").to_string())
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(closes("08:00-17:30", "2026-11-20T08:00[UTC]"), some("20 17:30 +00:00"));
        assert_eq!(closes("08:00-17:30", "2026-11-20T17:30[UTC]"), None);
        assert_eq!(closes("22:00-06:00", "2026-11-20T23:00[UTC]"), some("21 06:00 +00:00"));
        assert_eq!(closes("22:00-06:00", "2026-11-20T05:59[UTC]"), some("20 06:00 +00:00"));
        assert_eq!(closes("22:00-06:00", "2026-11-20T06:00[UTC]"), None);
        let spring = "2027-03-27T23:00[Europe/Berlin]";
        assert_eq!(closes("22:00-02:30", spring), some("28 03:30 +02:00"));
        for wrong in ["", "22:00", "22:00-22:00", "22-06", "24:00-06:00", "2200-0600"] {
            assert!(wrong.parse::<DayWindow>().is_err(), "{wrong}");
        }
        assert_eq!("22:00-06:00".parse::<DayWindow>().unwrap().to_string(), "22:00-06:00");
    }
}
