//! Chance for tests: the same numbers for the same seed, so that whatever is found can be found
//! again. Each random test runs with a fixed seed and with one made of the commit, and prints both.

use std::path::Path;

/// A stream of numbers.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Chance(seed)
    }

    /// The next number (SplitMix64, <https://prng.di.unimi.it/splitmix64.c>).
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// True so often out of a hundred times.
    pub fn percent(&mut self, times: u64) -> bool {
        self.below(100) < times
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

/// The fixed seed, and one of the commit that is checked out; `AZSEED_TEST_SEED` takes the place
/// of both.
pub fn seeds(fixed: u64) -> Vec<u64> {
    if let Some(named) = std::env::var("AZSEED_TEST_SEED").ok().and_then(|text| text.parse().ok()) {
        return vec![named];
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let commit = [root, &root.join("..")].into_iter().find_map(commit).unwrap_or_default();
    let of_commit = commit
        .bytes()
        .fold(fixed, |seed, byte| (seed ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    println!("seeds: {fixed} and, of commit {commit}, {of_commit}");
    vec![fixed, of_commit]
}

/// The commit that a checkout is at, as its files say.
fn commit(root: &Path) -> Option<String> {
    let read = |path: &Path| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let git = root.join(".git");
    let folder = match read(&git) {
        Some(text) => root.join(text.strip_prefix("gitdir: ")?),
        None => git,
    };
    let shared = read(&folder.join("commondir")).map_or(folder.clone(), |path| folder.join(path));
    let head = read(&folder.join("HEAD"))?;
    let Some(name) = head.strip_prefix("ref: ") else { return Some(head) };
    let packed = || {
        let refs = read(&shared.join("packed-refs"))?;
        let line = refs.lines().find(|line| line.ends_with(name))?.to_owned();
        line.split(' ').next().map(str::to_owned)
    };
    read(&shared.join(name)).or_else(packed)
}
