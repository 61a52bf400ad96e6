//! The error catalogue behind `explain`: one CSV, every code of the house in it.

use std::sync::LazyLock;

use serde::Deserialize;

/// What a code means and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Advice {
    /// The code.
    pub code: String,
    /// What happened.
    pub meaning: String,
    /// What to do.
    pub action: String,
}

static ALL: LazyLock<Vec<Advice>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("codes.csv").as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("a test reads the whole catalogue")
});

/// Every entry, by code.
pub fn all() -> &'static [Advice] {
    &ALL
}

/// The entry of a code; upper and lower case are the same.
pub fn find(code: &str) -> Option<&'static Advice> {
    ALL.iter().find(|advice| advice.code.eq_ignore_ascii_case(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_complete_and_they_are_sorted() {
        for advice in all() {
            assert!(!advice.meaning.is_empty() && !advice.action.is_empty(), "{}", advice.code);
        }
        assert!(all().is_sorted_by(|one, other| one.code < other.code));
        assert!(find("DRIVE-NOT-BLANK").is_some());
    }
}
