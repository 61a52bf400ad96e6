//! Numbers of things as people read them.

/// A number with its noun: `1 file`, `2 files`.
pub fn count(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_no_plural() {
        assert_eq!(
            [0usize, 1, 2].map(|number| count(number, "file")).join(", "),
            "0 files, 1 file, 2 files"
        );
    }
}
