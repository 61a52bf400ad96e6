//! Sets of clusters, compared without being held: two sets are the same when the same stretches
//! begin and end at the same clusters. Each place where one begins or ends has a number of its own;
//! their sums are kept for each part of the volume. So stretches come in any order, ones that touch
//! are one, and a cluster that is taken twice is not taken once.

use std::ops::Range;

/// Parts of a volume, at most.
const PARTS: u64 = 1 << 14;

/// Where stretches of clusters begin and end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marks {
    sums: Vec<u64>,
    /// A part has two to the power of so many clusters.
    shift: u32,
}

impl Marks {
    /// No stretch on a volume of so many clusters.
    pub fn new(clusters: u64) -> Self {
        let mut shift = 0;
        while clusters >> shift >= PARTS {
            shift += 1;
        }
        Marks { sums: vec![0; (clusters >> shift) as usize + 1], shift }
    }

    /// A stretch begins; clusters are within the volume, or the one behind it.
    pub fn begin(&mut self, cluster: u64) {
        let sum = &mut self.sums[(cluster >> self.shift) as usize];
        *sum = sum.wrapping_add(number_of(cluster));
    }

    /// A stretch has ended before this cluster.
    pub fn end(&mut self, cluster: u64) {
        let sum = &mut self.sums[(cluster >> self.shift) as usize];
        *sum = sum.wrapping_sub(number_of(cluster));
    }

    /// The first clusters among which the sets differ, and in how many parts they do.
    pub fn difference(&self, other: &Marks) -> Option<(Range<u64>, usize)> {
        let differs = |part: &usize| self.sums[*part] != other.sums[*part];
        let mut parts = (0..self.sums.len()).filter(differs);
        let first = parts.next()? as u64;
        Some((first << self.shift..(first + 1) << self.shift, parts.count() + 1))
    }
}

/// A number that belongs to a cluster alone, and adds up with others to nothing in particular
/// (SplitMix64).
fn number_of(cluster: u64) -> u64 {
    let mut bits = cluster.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(clusters: u64, stretches: &[(u64, u64)]) -> Marks {
        let mut marks = Marks::new(clusters);
        for (start, end) in stretches {
            marks.begin(*start);
            marks.end(*end);
        }
        marks
    }

    #[test]
    fn the_same_clusters_in_any_order_and_pieces_are_the_same() {
        for clusters in [100, 1 << 20, 1 << 32] {
            let whole = marks(clusters, &[(3, 90), (95, 100)]);
            assert_eq!(whole, marks(clusters, &[(95, 100), (50, 90), (3, 50)]));
            assert!(whole.difference(&marks(clusters, &[(3, 90), (96, 100)])).is_some());
            let twice = marks(clusters, &[(3, 90), (50, 51), (95, 100)]);
            assert!(whole.difference(&twice).is_some(), "a cluster of two files");
        }
    }

    #[test]
    fn a_difference_has_a_place() {
        let clusters = 1 << 20;
        let (all, fewer) = (marks(clusters, &[(0, clusters)]), marks(clusters, &[(0, 999)]));
        assert_eq!(all.difference(&fewer), Some((896..1024, 2)));
        let small = marks(100, &[(7, 9)]).difference(&marks(100, &[(7, 10)]));
        assert_eq!(small, Some((9..10, 2)));
    }
}
