//! The digests of many files side by side: each file's chains go on in a lane of their own, and a
//! lane whose bytes end takes the next file.

use super::file_hasher::FileHasher;
use crate::kernels::{
    Md5Lane, Rung, STEP_BLOCKS, Sha256Stream, advance_md5_lanes, advance_sha256_streams,
    md5_lane_count,
};
use crate::limits::BLOCK_BYTES;

/// With fewer files at hand, one after the other is as fast.
const FEWEST: usize = 3;

/// The next bytes of a file.
#[derive(Debug)]
pub struct Feed<'a> {
    /// The file's digests so far.
    pub hasher: &'a mut FileHasher,
    /// What follows.
    pub bytes: &'a [u8],
}

/// A feed in its lane: what is left of it, in whole blocks of the digests.
struct Lane<'a> {
    hasher: &'a mut FileHasher,
    blocks: &'a [[u8; 64]],
    rest: &'a [u8],
}

/// Takes the next bytes of all files; best with [`lane_count`] or more.
pub fn update_all(feeds: Vec<Feed<'_>>) {
    update_all_on(Rung::chosen(), feeds);
}

/// Files that fill all lanes of this CPU.
pub fn lane_count() -> usize {
    md5_lane_count(Rung::chosen())
}

fn update_all_on(rung: Rung, mut feeds: Vec<Feed<'_>>) {
    if feeds.len() < FEWEST || rung == Rung::Portable {
        return feeds.into_iter().for_each(|feed| feed.hasher.update_on(rung, feed.bytes));
    }
    // Files of like lengths side by side leave no lane empty for long.
    feeds.sort_by_key(|feed| std::cmp::Reverse(feed.bytes.len()));
    let mut waiting = feeds.into_iter().map(|feed| Lane::new(rung, feed));
    let mut lanes: Vec<Lane<'_>> = Vec::with_capacity(md5_lane_count(rung));
    loop {
        lanes.extend(waiting.by_ref().take(md5_lane_count(rung) - lanes.len()));
        let filled = lanes.len();
        let ended = lanes.extract_if(.., |lane| lane.blocks.is_empty());
        ended.for_each(|lane| lane.finish(rung));
        if lanes.len() < filled {
            continue;
        }
        if filled < FEWEST {
            return lanes.into_iter().for_each(|lane| lane.finish(rung));
        }
        step(rung, &mut lanes);
    }
}

impl<'a> Lane<'a> {
    fn new(rung: Rung, feed: Feed<'a>) -> Self {
        let Feed { hasher, bytes } = feed;
        let bytes = hasher.complete_tail(rung, bytes);
        let (blocks, rest) = bytes.as_chunks::<64>();
        Lane { hasher, blocks, rest }
    }

    /// Takes what is left without the others.
    fn finish(self, rung: Rung) {
        self.hasher.update_on(rung, self.blocks.as_flattened());
        self.hasher.update_on(rung, self.rest);
    }

    /// Digest blocks until the file's block ends.
    fn to_block_end(&self) -> usize {
        ((BLOCK_BYTES - self.hasher.compressed_bytes % BLOCK_BYTES) / 64) as usize
    }
}

/// Advances all lanes by as much as each of them has.
fn step(rung: Rung, lanes: &mut [Lane<'_>]) {
    let reach = |lane: &Lane<'_>| lane.blocks.len().min(lane.to_block_end());
    let count = lanes.iter().map(reach).min().unwrap_or(0).min(STEP_BLOCKS);
    // Until a file's first block ends, its chain is the block's.
    let has_two = lanes.iter().any(|lane| lane.hasher.compressed_bytes >= BLOCK_BYTES);
    let mut md5: Vec<Md5Lane<'_>> = lanes
        .iter()
        .map(|lane| Md5Lane {
            chains: [lane.hasher.block_md5, lane.hasher.file_md5],
            blocks: &lane.blocks[..count],
        })
        .collect();
    advance_md5_lanes(rung, &mut md5, has_two);
    let mut sha256: Vec<Sha256Stream<'_>> = lanes
        .iter()
        .map(|lane| Sha256Stream { state: lane.hasher.sha256, blocks: &lane.blocks[..count] })
        .collect();
    advance_sha256_streams(rung, &mut sha256);
    let ends = md5.into_iter().map(|lane| lane.chains);
    let ends: Vec<_> = ends.zip(sha256.into_iter().map(|stream| stream.state)).collect();
    for (lane, ([block_md5, file_md5], sha256)) in lanes.iter_mut().zip(ends) {
        let file_md5 = if has_two { file_md5 } else { block_md5 };
        lane.hasher.go_on(block_md5, file_md5, sha256, count as u64);
        lane.blocks = &lane.blocks[count..];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash::FileDigests;

    fn pattern(seed: usize, length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 131 + at / 509 + seed * 7919) as u8).collect()
    }

    fn alone(bytes: &[u8]) -> FileDigests {
        let mut hasher = FileHasher::new();
        hasher.update(bytes);
        hasher.finish()
    }

    /// Feeds all files piece by piece, side by side.
    fn together(rung: Rung, files: &[Vec<u8>], piece: usize) -> Vec<FileDigests> {
        let mut hashers = vec![FileHasher::new(); files.len()];
        let longest = files.iter().map(Vec::len).max().unwrap_or(0);
        for at in (0..longest).step_by(piece) {
            let feeds = hashers.iter_mut().zip(files).filter(|(_, file)| file.len() > at);
            let feeds = feeds.map(|(hasher, file)| Feed {
                hasher,
                bytes: &file[at..file.len().min(at + piece)],
            });
            update_all_on(rung, feeds.collect());
        }
        hashers.into_iter().map(FileHasher::finish).collect()
    }

    fn rungs() -> impl Iterator<Item = Rung> {
        Rung::ALL.into_iter().filter(|rung| rung.is_here())
    }

    #[test]
    fn every_tail_length_in_every_lane_has_the_digests_of_the_file_alone() {
        let files: Vec<_> = (0..200).map(|length| pattern(length, length)).collect();
        let expected: Vec<_> = files.iter().map(|file| alone(file)).collect();
        for rung in rungs() {
            assert_eq!(together(rung, &files, 1 << 20), expected, "{}", rung.name());
            assert_eq!(together(rung, &files, 77), expected, "{} by 77", rung.name());
        }
    }

    #[test]
    fn block_ends_fall_where_they_should_however_long_the_neighbours_are() {
        let block = BLOCK_BYTES as usize;
        let lengths = [block, block + 1, 2 * block + 100, 3, 0, block - 1, 3 * block, 70_000];
        let files: Vec<_> = lengths.iter().enumerate().map(|(at, &len)| pattern(at, len)).collect();
        let expected: Vec<_> = files.iter().map(|file| alone(file)).collect();
        for rung in rungs() {
            for piece in [4 * block, block, 1_000_003] {
                assert_eq!(together(rung, &files, piece), expected, "{} by {piece}", rung.name());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
        #[test]
        fn files_of_any_lengths_have_the_digests_of_each_alone(
            lengths in proptest::collection::vec(0usize..40_000, 0..40), piece in 1usize..50_000,
        ) {
            let files: Vec<_> = lengths.iter().enumerate().map(|(at, &len)| pattern(at, len)).collect();
            let expected: Vec<_> = files.iter().map(|file| alone(file)).collect();
            for rung in rungs() {
                prop_assert_eq!(together(rung, &files, piece), expected.clone(), "{}", rung.name());
            }
        }
    }

    /// CPU seconds of this thread for `work`, as the scheduler counts them.
    fn cpu_secs(work: &dyn Fn()) -> f64 {
        let now = || {
            let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
            text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
        };
        let began = now();
        work();
        now() - began
    }

    /// The CPU that `work` takes, of what `other` takes: the best of rounds, one after the other,
    /// until it is as good as `goal`. Who shares a core of the machine only ever slows one down,
    /// and may do so for seconds.
    fn ratio(work: &dyn Fn(), other: &dyn Fn(), goal: f64) -> f64 {
        let (mut ours, mut theirs) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..100 {
            ours = ours.min(cpu_secs(work));
            theirs = theirs.min(cpu_secs(other));
            if ours / theirs <= goal {
                break;
            }
        }
        ours / theirs
    }

    /// The CPU has a loop for all digests of one file, and this is what it is worth.
    #[test]
    fn one_file_costs_little_more_than_its_slowest_digest() {
        // Long enough for the scheduler's clock, which counts in ticks.
        let bytes = pattern(1, 32 << 20);
        let apart = || {
            let (blocks, _) = bytes.as_chunks::<64>();
            let (mut md5, mut sha256) = ([1; 4], [1; 8]);
            crate::kernels::advance_one(&mut md5, blocks);
            crate::kernels::advance_one(&mut md5, blocks);
            sha2::block_api::compress256(&mut sha256, blocks);
            std::hint::black_box((md5, sha256));
        };
        for rung in rungs() {
            if !crate::kernels::has_three_at_once(rung) {
                println!("{} has no such loop", rung.name());
                continue;
            }
            let all = || {
                let mut hasher = FileHasher::new();
                hasher.update_on(rung, &bytes);
                std::hint::black_box(hasher.finish());
            };
            let ratio = ratio(&all, &apart, 0.65);
            assert!(ratio <= 0.65, "{}: {ratio:.2} of the digests apart", rung.name());
        }
    }

    #[test]
    fn sixteen_files_cost_a_fraction_of_what_they_cost_in_portable_code() {
        let files: Vec<_> = (0..16).map(|at| pattern(at, 1 << 20)).collect();
        let hash = |rung| drop(together(rung, &files, 1 << 20));
        for (rung, goal) in [(Rung::Avx512, 0.5), (Rung::Avx2, 0.65)] {
            if !rung.is_here() {
                println!("this CPU has no {}", rung.name());
                continue;
            }
            let ratio = ratio(&|| hash(rung), &|| hash(Rung::Portable), goal);
            assert!(ratio <= goal, "{}: {ratio:.2} of portable code", rung.name());
        }
    }
}
