//! Mutated inputs: all parsers of bytes that we did not write get good inputs with changes, by
//! count, from one fixed seed and from one made of the commit. None panics, none takes memory or
//! time without bound, and what one takes keeps its rules. The parsers of files are those of the
//! fuzz targets in `disk-prep/fuzz`.

#![allow(
    unsafe_code,
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "an allocator that counts; tests set their stage with plain files and may fail anywhere"
)]

mod engine;
mod guest;
#[allow(dead_code, reason = "verdicts are looked at elsewhere")]
#[path = "../support/guests.rs"]
mod guests;
#[path = "../../disk-prep/fuzz/parsers.rs"]
mod parsers;
mod service;
#[allow(dead_code, reason = "each of the tests that share it uses a part")]
#[path = "../../disk-prep/tests/hostile/stage.rs"]
mod stage;
mod volume;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use azseed::custody;
use azseed::import_job::copy_log::{BlobEnd, CopyLog};
use azseed::import_job::drive_info;
use azseed::staging::Seed;
use azseed_emulator::parsers as dock;
use sha2::{Digest, Sha256};

use engine::{Counting, Dice, measured, mutate};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What one input may cost.
const MOST_BYTES: usize = 64 << 20;
const MOST_TIME: Duration = Duration::from_secs(2);

/// The fixed seed, and that of the commit (or `AZSEED_TEST_SEED`); printed, so that a failure is found
/// again.
static SEEDS: LazyLock<[u64; 2]> = LazyLock::new(|| {
    let own = std::env::var("AZSEED_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let commit = own.unwrap_or_else(|| {
        let git = Command::new("git").args(["rev-parse", "HEAD"]).output();
        let name = git.map(|output| output.stdout).unwrap_or_default();
        let digest = Sha256::digest(&name);
        u64::from_le_bytes(digest[..8].try_into().unwrap())
    });
    eprintln!("mutated inputs: seeds 1 and {commit}");
    [1, commit]
});

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files of the fixtures.
fn fixtures(folder: &str, is_it: impl Fn(&str) -> bool) -> Vec<Vec<u8>> {
    let folder = root().join("fixtures").join(folder);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.retain(|path| is_it(path.file_name().unwrap().to_str().unwrap()));
    let files: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    assert!(!files.is_empty());
    files
}

/// One input: no panic, in bounds.
fn tried(what: &str, input: &[u8], read: impl Fn(&[u8])) {
    let (ended, cost) = measured(|| catch_unwind(AssertUnwindSafe(|| read(input))));
    if ended.is_ok() && cost.peak_bytes <= MOST_BYTES && cost.time <= MOST_TIME {
        return;
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mutated-{what}"));
    std::fs::write(&path, input).unwrap();
    panic!("{what}: {cost:?}, panicked: {}; the input is {}", ended.is_err(), path.display());
}

/// Reads the corpus, then `count` changed inputs; three of four are sealed, so that they get
/// further than the first checksum.
fn run(
    what: &str,
    corpus: &[Vec<u8>],
    count: usize,
    seal: impl Fn(&mut Vec<u8>),
    read: impl Fn(&[u8]),
) {
    corpus.iter().for_each(|input| tried(what, input, &read));
    for seed in *SEEDS {
        let mut dice = Dice(seed);
        for _ in 0..count / 2 {
            let mut input = mutate(corpus, &mut dice);
            if !dice.one_in(4) {
                seal(&mut input);
            }
            tried(what, &input, &read);
        }
    }
    eprintln!("mutated inputs: {what}: {count}");
}

fn unsealed(_: &mut Vec<u8>) {}

#[test]
fn data_sets() {
    let datasets = fixtures("csv", |name| name.starts_with("dataset"));
    run("dataset.csv", &datasets, 120_000, unsealed, parsers::read_dataset_csv);
    let drivesets = fixtures("csv", |name| name.starts_with("driveset"));
    run("driveset.csv", &drivesets, 120_000, unsealed, parsers::read_driveset_csv);
}

#[test]
fn manifests_and_side_files() {
    let manifests = fixtures("manifest", |name| name.ends_with(".xml"));
    run("manifest", &manifests, 80_000, unsealed, parsers::read_manifest);
    run("dock manifest", &manifests, 80_000, unsealed, |bytes| {
        for (length, parts) in dock::read_manifest(bytes).into_iter().flatten() {
            let mut end = 0;
            for (offset, bytes) in parts {
                assert!(offset >= end && bytes > 0);
                end = offset + bytes;
            }
            assert!(end <= length);
        }
    });
    let sides = fixtures("mutated", |name| name.starts_with("side-"));
    run("side file", &sides, 100_000, unsealed, parsers::read_side_file);
    run("dock side file", &sides, 100_000, unsealed, |bytes| {
        for is_metadata in [false, true] {
            let values = dock::read_side_file(is_metadata, bytes).into_iter().flatten();
            for (_, value) in values {
                assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            }
        }
    });
}

#[test]
fn records_of_a_staging_path() {
    let folder = tempfile::tempdir().unwrap();
    stage::seal(folder.path(), disk_prep::manifest::Profile::Modern, 20);
    let record = |name: &str| std::fs::read(folder.path().join("journals").join(name)).unwrap();
    run("plan file", &[record("S1.plan")], 60_000, unsealed, parsers::read_plan_file);
    let journal = record("S1.journal");
    let texts: Vec<u8> = journal
        .split_inclusive(|&byte| byte == b'\n')
        .flat_map(|line| line[17.min(line.len())..].to_vec())
        .collect();
    let seal = |bytes: &mut Vec<u8>| *bytes = parsers::seal_journal(bytes);
    run("journal", &[journal, texts], 30_000, seal, parsers::read_journal);
    let claims = fixtures("mutated", |name| name.starts_with("claim"));
    run("claim", &claims, 100_000, unsealed, parsers::read_claim);
    let seeds = fixtures("mutated", |name| name.starts_with("seed"));
    run("seed.json", &seeds, 100_000, unsealed, |bytes| {
        if let Ok(seed) = Seed::parse(Path::new("seed.json"), bytes) {
            let text = serde_json::to_vec(&seed).unwrap();
            assert_eq!(Seed::parse(Path::new("seed.json"), &text).unwrap(), seed);
        }
    });
    let keys = fixtures("mutated", |name| name.starts_with("recovery"));
    run("recovery key file", &keys, 100_000, unsealed, parsers::read_recovery_file);
}

#[test]
fn logs_of_the_datacenter() {
    let logs = fixtures("copy-logs", |name| name.ends_with(".xml"));
    run("copy log", &logs, 100_000, unsealed, |bytes| {
        let log = CopyLog::parse(bytes);
        for entry in &log.entries {
            assert!(entry.container.len() <= bytes.len());
            if let BlobEnd::Damaged { parts } = &entry.end {
                assert!(parts.iter().all(|part| !part.status.is_empty()));
            }
        }
    });
}

#[test]
fn journals_of_other_tools() {
    let journals = fixtures("tool-journals", |name| !name.ends_with(".py"));
    run("tool journal", &journals, 100_000, unsealed, |bytes| {
        for drive in drive_info::parse(bytes).into_iter().flatten() {
            assert!(matches!(drive.manifest_hash.len(), 32 | 64));
            assert!(drive.manifest_file.as_str().starts_with('\\'));
        }
    });
}

#[test]
fn custody_logs() {
    let logs = fixtures("mutated", |name| name.starts_with("custody"));
    assert!(custody::parse(&logs[0]).faults.is_empty());
    run("custody log", &logs, 100_000, unsealed, |bytes| {
        let chain = custody::parse(bytes);
        let lines = bytes.iter().filter(|&&byte| byte == b'\n').count();
        assert!(chain.links.len() <= lines && chain.whole_bytes <= bytes.len() as u64);
        // What is not the log as it was written is told, or its end is missing.
        let is_told = !chain.faults.is_empty() || chain.links.len() < 4;
        assert!(is_told || bytes.starts_with(&logs[0]), "changed unseen");
    });
}

#[test]
fn answers_of_drives() {
    let identify = fixtures("mutated", |name| name.starts_with("identify"));
    run("IDENTIFY", &identify, 100_000, parsers::seal_identify, parsers::read_identify);
}
