//! The estimate of what a volume needs beside what its layout takes.

use super::*;

/// The estimate is never below what the layout takes, the clusters that it skips in front of
/// pinned ranges included. It is above it only
/// - where a folder has blocks and its names differ in length. Long separators make a leaf and
///   its separator take a seventh more than is counted on; short ones make an inner block hold up
///   to 42 where 7 are counted on, which costs a sixth of the leaves. They cannot be both, so it is
///   less than a fifth of the blocks, and one for each of up to five levels;
/// - where metadata reaches pinned ranges: for each of the three places up to the largest index.
pub fn check(volume_bytes: u64, names: &[(String, u64)]) {
    let (params, specs, pinned) = large_plan(volume_bytes, names);
    let mut estimator = NeedEstimator::new(volume_bytes, CLUSTER, &pinned).unwrap();
    specs.iter().for_each(|spec| estimator.add(&spec.path, spec.bytes));
    let estimate = estimator.clusters();
    let layout = match laid_out(&params, &specs, &pinned) {
        Err(Error::TooSmall { needed, actual }) => {
            assert!(estimate >= needed && needed > actual, "{estimate} below {needed}");
            return;
        }
        layout => layout.unwrap(),
    };
    let end = layout.need_clusters() * CLUSTER;
    let skipped = layout.free_ranges().into_iter().filter(|range| range.end <= end);
    let skipped: u64 = skipped.map(|range| (range.end - range.start) / CLUSTER).sum();
    let taken = layout.used_clusters() + skipped;
    assert!(estimate >= taken, "{estimate} below {taken}");

    let (mut mixed, mut largest) = (0, 0);
    for folder in 0..layout.tree().folders().len() {
        let blocks = layout.index(folder).block_count() as u64;
        let units = |entry| layout.tree().entry_name_units(folder, entry);
        let count = layout.tree().entry_count(folder);
        let is_uniform = (0..count).all(|entry| units(entry) == units(0));
        let above = if blocks == 0 || is_uniform { 0 } else { blocks / 5 + 5 };
        mixed += above;
        largest = largest.max(blocks + above + 1);
    }
    let metadata_end = layout.metadata_ranges().last().unwrap().end;
    let estimated_end = |gaps: u64| metadata_end + (mixed + gaps * largest) * CLUSTER;
    let places = Placement::plan(volume_bytes, CLUSTER, 0).unwrap().metadata();
    let gaps = (0..).zip(places).filter(|&(before, place)| place < estimated_end(before)).count();
    let above = mixed + gaps as u64 * largest;
    assert!(estimate <= taken + above, "{estimate} more than {above} above {taken}");
}

/// A folder of `count` files with names from `shortest` to `longest` units and less than
/// `most_bytes`.
fn folder(
    path: &str,
    count: u64,
    [shortest, longest]: [usize; 2],
    most_bytes: u64,
) -> Vec<(String, u64)> {
    let file = |number: u64| {
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let units = shortest + mixed as usize % (longest - shortest + 1);
        (format!("{path}\\{number:0units$}"), mixed % most_bytes)
    };
    (0..count).map(file).collect()
}

#[test]
fn the_estimate_is_exact_for_names_of_one_length_and_metadata_before_the_pinned_ranges() {
    for (volume_bytes, count, units) in
        [(200 << 20, 3, 20), (400 << 20, 33, 6), (1 << 30, 9000, 64), (10 << 40, 200_000, 250)]
    {
        let names = folder("\\a\\b", count, [units, units], 9000);
        let (params, specs, pinned) = large_plan(volume_bytes, &names);
        let mut estimator = NeedEstimator::new(volume_bytes, CLUSTER, &pinned).unwrap();
        specs.iter().for_each(|spec| estimator.add(&spec.path, spec.bytes));
        let layout = laid_out(&params, &specs, &pinned).unwrap();
        assert_eq!(estimator.clusters(), layout.used_clusters(), "{count} of {units}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn the_estimate_is_never_below_the_layout_and_little_above(
        folders in prop::collection::vec(
            (0usize..4, 0u64..6000, 5usize..256, 5usize..256), 1..12),
        volume_bytes in prop::sample::select(vec![100u64 << 20, 128 << 20, 300 << 20, 14 << 30]),
        odd in 0u64..8,
        most_bytes in prop::sample::select(vec![1u64, 9000]),
    ) {
        let mut names = Vec::new();
        for (number, (depth, count, one, other)) in folders.into_iter().enumerate() {
            let path = format!("\\{number}{}", "\\deeper and deeper".repeat(depth));
            names.extend(folder(&path, count, [one.min(other), one.max(other)], most_bytes));
        }
        check(volume_bytes + odd * 512, &names);
    }
}
