//! Numbers of segments, as stretches: a drive is filled nearly from its beginning to its end.

use std::collections::BTreeMap;

/// A set of numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Segments {
    /// First numbers of stretches, and the last ones; no two touch.
    stretches: BTreeMap<u64, u64>,
}

impl Segments {
    /// Whether a number is in it.
    pub fn contains(&self, number: u64) -> bool {
        self.stretches.range(..=number).next_back().is_some_and(|(_, last)| *last >= number)
    }

    /// Adds a number.
    pub fn insert(&mut self, number: u64) {
        if self.contains(number) {
            return;
        }
        let behind = number.checked_add(1).and_then(|next| self.stretches.remove(&next));
        let last = behind.unwrap_or(number);
        match self.stretches.range_mut(..number).next_back() {
            Some((_, end)) if end.checked_add(1) == Some(number) => *end = last,
            _ => drop(self.stretches.insert(number, last)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_has_what_was_put_into_it_in_as_few_stretches_as_there_are(
            numbers in prop::collection::vec(prop_oneof![0u64..40, Just(u64::MAX), Just(u64::MAX - 1)], 0..60),
        ) {
            let (mut segments, mut set) = (Segments::default(), BTreeSet::new());
            for number in numbers {
                segments.insert(number);
                set.insert(number);
            }
            for number in (0..42).chain(u64::MAX - 3..=u64::MAX) {
                prop_assert_eq!(segments.contains(number), set.contains(&number), "{}", number);
            }
            let begins = set.iter().filter(|number| **number == 0 || !set.contains(&(**number - 1)));
            prop_assert_eq!(segments.stretches.len(), begins.count());
        }
    }
}
