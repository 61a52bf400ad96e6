//! How fast the line to Azure is (`environment-checks` 3), as it was measured. Pure.

use std::time::Duration;

use disk_prep::noun::{ByteSize, ErrorKind, count, typed};

use super::answer::{Answer, look as look_at};
use super::finding::{Finding, good, problem, unknown, warning};

const WHAT: &str = "rate";
/// At so much a second or less, what is [`MUCH`] goes faster by a parcel (our choice).
const SLOW_BYTES: u64 = 10_000_000;
/// What a full copy is compared by.
const MUCH: u64 = 1_000_000_000_000;

/// Bytes, and how long they were under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// So many.
    pub bytes: u64,
    /// So long.
    pub time: Duration,
}

impl Moved {
    /// Bytes a second.
    fn rate(self) -> u64 {
        let millis = self.time.as_millis().max(1);
        u64::try_from(u128::from(self.bytes) * 1000 / millis).unwrap_or(u64::MAX)
    }
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// To the service.
    pub up: Moved,
    /// From it.
    pub down: Moved,
    /// For so long it was measured at most in each direction.
    pub within: Duration,
    /// What the blobs are called that may be left, and how many.
    pub left: Option<(String, usize)>,
    /// Whether somebody asked to stop.
    pub is_stopped: bool,
}

/// What that means.
pub fn look(measured: &Answer<Measured>) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(look_at(WHAT, measured, "container of this name", judged));
    if let Answer::Known(Measured { left: Some((name, number)), .. }) = measured {
        let facts = format!("{} of the measurement may be left: {name}", count(*number, "blob"));
        found.push(warning(WHAT, facts, "delete them; nothing else uses them"));
    }
    found.into_iter().map(|own| own.of("net")).collect()
}

fn judged(own: &Measured) -> Finding {
    let Measured { up, down, within, is_stopped, .. } = own;
    if *is_stopped {
        let facts = "stopped as asked, before it was measured";
        return problem(WHAT, facts, "the same command measures anew")
            .because(ErrorKind::Interrupted);
    }
    if up.bytes == 0 {
        let secs = within.as_secs();
        return unknown(WHAT, format!("the service took nothing within {secs} seconds"));
    }
    let rate = up.rate();
    let down = match down.bytes {
        0 => "nothing came down in time".to_owned(),
        _ => format!("{}/s down", ByteSize(down.rate())),
    };
    let facts = format!(
        "{}/s up, {down}, measured with {}; a full copy of 1 TB takes about {}",
        ByteSize(rate),
        ByteSize(up.bytes),
        lasting(MUCH / rate.max(1))
    );
    if rate > SLOW_BYTES {
        return good(WHAT, facts);
    }
    let line = format!("{}K", (rate / 1000).max(1));
    let action = "an estimate; with 1 TB and more a drive is faster";
    warning(WHAT, facts, action).next(typed([
        "azseed",
        "plan",
        "--source",
        "PATH",
        "--uplink",
        line.as_str(),
    ]))
}

/// Hours up to two days, then days.
fn lasting(secs: u64) -> String {
    let hours = secs.div_ceil(3600);
    match hours {
        0..=48 => count(hours, "hour"),
        _ => count(hours.div_ceil(24), "day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding::Grade;

    fn measured(up: u64, down: u64) -> Measured {
        let moved = |bytes: u64| Moved { bytes, time: Duration::from_secs(2) };
        let within = Duration::from_secs(30);
        Measured { up: moved(up), down: moved(down), within, left: None, is_stopped: false }
    }

    #[test]
    fn a_fast_line_is_good_and_a_slow_one_says_what_to_compare() {
        let of = |up: u64, down: u64| look(&Answer::Known(measured(up, down))).remove(0);
        let fast = of(25_000_000, 80_000_000);
        assert_eq!((fast.grade, fast.id().as_str()), (Grade::Good, "net-rate"));
        assert_eq!(
            fast.facts,
            "12.5 MB/s up, 40.0 MB/s down, measured with 25.0 MB; a full copy of 1 TB takes about 23 \
             hours"
        );
        let slow = of(2_000_000, 0);
        assert_eq!(slow.grade, Grade::Warning);
        assert!(slow.facts.contains("nothing came down") && slow.facts.contains("12 days"));
        assert_eq!(slow.command.unwrap(), "azseed plan --source PATH --uplink 1000K");
        assert_eq!(of(20_000_000, 1).grade, Grade::Warning, "10 MB/s is slow");
        assert_eq!(of(20_000_002, 1).grade, Grade::Good);
        let none = of(0, 0);
        assert!(none.grade == Grade::Unknown && none.facts.contains("30 seconds"), "{none:?}");
    }

    #[test]
    fn one_that_was_stopped_is_no_measure() {
        let own = Measured { is_stopped: true, ..measured(30_000_000, 1) };
        let found = look(&Answer::Known(own)).remove(0);
        assert_eq!(found.grade, Grade::Problem(ErrorKind::Interrupted));
    }

    #[test]
    fn blobs_that_may_be_left_are_named() {
        let left = Some(("azseed/probe-1-*".to_owned(), 2));
        let found = look(&Answer::Known(Measured { left, ..measured(30_000_000, 1) }));
        assert_eq!(found.len(), 2);
        assert!(found[1].facts.contains("2 blobs") && found[1].facts.contains("probe-1-*"));
    }
}
