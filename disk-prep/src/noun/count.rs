//! Numbers of things, and many things, as people read them.

use std::fmt::Display;

use super::visible::visible_line;

/// A number with its noun: `1 file`, `2 files`.
pub fn count(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// How long something takes, in the unit that a person would say.
pub fn lasting(secs: u64) -> String {
    let (unit, name) = match secs {
        0..3600 => (60, "minute"),
        3600..172_800 => (3600, "hour"),
        _ => (86_400, "day"),
    };
    count(secs.div_ceil(unit).max(1), name)
}

/// How many things a message lists.
const LISTED: usize = 100;

/// Things on a line each, for the end of a message; of very many the first, and how many more.
pub fn lines<T: Display>(things: &[T]) -> String {
    listed(things).iter().map(|line| format!("\n{line}")).collect()
}

/// The same lines one by one. What a thing is called cannot end its line.
pub fn listed<T: Display>(things: &[T]) -> Vec<String> {
    let line = |thing: &T| format!("  {}", visible_line(&thing.to_string()));
    let shown = things.iter().take(LISTED).map(line);
    let more = things.len().saturating_sub(LISTED);
    shown.chain((more > 0).then(|| format!("  and {more} more"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_very_many_things_the_rest_is_counted() {
        assert_eq!(lines(&["a", "b"]), "\n  a\n  b");
        assert_eq!(lines(&["a\n  error: b"]), "\n  a\\n  error: b");
        assert_eq!(lines::<u8>(&[]), "");
        let many: Vec<usize> = (0..250).collect();
        assert!(lines(&many).ends_with("\n  99\n  and 150 more"));
    }

    #[test]
    fn a_time_is_rounded_up_to_what_a_person_would_say() {
        let told = [0, 60, 61, 3599, 3600, 90_000, 172_799, 172_800, 172_801].map(lasting);
        let words = ["1 minute", "1 minute", "2 minutes", "60 minutes", "1 hour", "25 hours"];
        assert_eq!(told[..6], words);
        assert_eq!(told[6..], ["48 hours", "2 days", "3 days"]);
    }

    #[test]
    fn one_thing_is_no_plural() {
        assert_eq!(
            [0usize, 1, 2].map(|number| count(number, "file")).join(", "),
            "0 files, 1 file, 2 files"
        );
    }
}
