//! The rule of order: on a drive that held a whole older volume at the same places, nobody finds a
//! volume from the moment when the old one was cleared until the last write that makes the new one;
//! whatever a drive's cache has kept of what was not flushed, the next run ends the same.

use std::path::Path;

use disk_prep::noun::RecoveryPassword;
use disk_prep::volume::bitlocker::unlock::UnlockedVolume;
use disk_prep::volume::gpt::DiskLayout;

use super::chance::{Chance, seeds};
use super::stage::{Deed, Memory, Stage};

/// A drive that was sealed before, and what is done to it when it is prepared anew.
struct Again {
    old: Memory,
    old_password: RecoveryPassword,
    stage: Stage,
    deeds: Vec<Deed>,
    said: (String, u64),
    digest: [u8; 32],
}

impl Again {
    fn new(folder: &Path, files: &[(String, u32)], workers: usize) -> Self {
        let place = |name: &str| {
            let place = folder.join(name);
            std::fs::create_dir(&place).unwrap();
            place
        };
        let before = Stage::seeded(1, &place("before"), None, files, workers, 2);
        let old = before.memory();
        before.go_on(&old, &before.begun);
        old.deeds.lock().unwrap().clear();
        let stage = Stage::over(&old, 2, &place("again"), files, workers);
        let whole = old.again();
        let said = stage.go_on(&whole, &stage.begun);
        let deeds = std::mem::take(&mut *whole.deeds.lock().unwrap());
        let (old_password, digest) = (before.password(), whole.digest());
        Again { old, old_password, stage, deeds, said, digest }
    }

    /// The volume that a reader finds with this password.
    fn is_found(&self, memory: &Memory, password: &RecoveryPassword) -> bool {
        let disk = DiskLayout::plan(memory.bytes).unwrap();
        let (start, bytes) = (disk.partition_start, disk.partition_bytes);
        match UnlockedVolume::open(memory, start, bytes, password) {
            Ok(volume) => {
                assert_eq!(volume.intact_copies(), 3, "a volume is found with half its metadata");
                let mut boot = [0; 512];
                volume.read_at(0, &mut boot).unwrap();
                assert_eq!(&boot[3..11], b"NTFS    ", "a volume is found without its beginning");
                true
            }
            Err(_) => false,
        }
    }

    /// How many deeds it takes to clear what was there: up to the first flush.
    fn cleared(&self) -> usize {
        self.deeds.iter().position(|deed| matches!(deed, Deed::Flush)).unwrap() + 1
    }

    fn last_write(&self) -> usize {
        self.deeds.iter().rposition(|deed| matches!(deed, Deed::Write(..))).unwrap()
    }

    /// No volume may be there after `count` deeds, unless all of them were begun.
    fn check_order(&self, memory: &Memory, count: usize, how: &str) {
        let how = format!("{count} of {} deeds, {how}", self.deeds.len());
        if count >= self.cleared() {
            assert!(!self.is_found(memory, &self.old_password), "the old volume is found: {how}");
        }
        let is_found = self.is_found(memory, &self.stage.password());
        if count <= self.last_write() {
            assert!(!is_found, "the new volume is found too early: {how}");
        }
        // Readers that look for metadata by its mark must not find any, either.
        if (self.cleared()..=self.first_of_the_seal()).contains(&count) {
            assert!(!memory.has_sector_with(b"-FVE-FS-"), "old metadata is found: {how}");
        }
    }

    /// The first write of metadata: the volume is not sealed before.
    fn first_of_the_seal(&self) -> usize {
        let is_metadata = |deed: &Deed| match deed {
            Deed::Write(_, bytes) => bytes.starts_with(b"-FVE-FS-"),
            _ => false,
        };
        self.deeds.iter().position(is_metadata).unwrap()
    }

    /// How many of the first `count` deeds are writes that were not flushed.
    fn unflushed(&self, count: usize) -> usize {
        let deeds = self.deeds[..count].iter().rev();
        let after = deeds.take_while(|deed| !matches!(deed, Deed::Flush));
        after.filter(|deed| matches!(deed, Deed::Write(..))).count()
    }
}

/// What of the first `count` deeds is on the medium: all that was flushed, and of the rest what
/// `keep` says.
fn medium(again: &Again, count: usize, mut keep: impl FnMut() -> Kept) -> (Memory, Vec<u8>) {
    let (memory, mut journal) = (again.old.again(), again.stage.begun.clone());
    let deeds = &again.deeds[..count];
    let flushed = deeds.iter().rposition(|deed| matches!(deed, Deed::Flush)).unwrap_or(0);
    for (at, deed) in deeds.iter().enumerate() {
        match deed {
            Deed::Write(offset, bytes) if at < flushed => memory.put(bytes, *offset),
            Deed::Write(offset, bytes) => match keep() {
                Kept::All => memory.put(bytes, *offset),
                Kept::Nothing => {}
                // The sectors of one write may arrive in any order, too.
                Kept::Sectors(mut chance) => {
                    for (sector, piece) in bytes.chunks(512).enumerate() {
                        if chance.percent(50) {
                            memory.put(piece, offset + sector as u64 * 512);
                        }
                    }
                }
            },
            Deed::Append(bytes) => journal.extend(bytes),
            Deed::Flush => {}
            Deed::Discard(_) => panic!("nothing is discarded here"),
        }
    }
    (memory, journal)
}

/// What becomes of a write that was not flushed.
enum Kept {
    All,
    Nothing,
    Sectors(Chance),
}

#[test]
fn no_volume_is_found_between_the_clearing_of_the_old_one_and_the_last_write() {
    let folder = tempfile::tempdir().unwrap();
    let files = [("a", 1), ("b/large", 9_000_000), ("c", 70_000)];
    let again = Again::new(folder.path(), &files.map(|(name, len)| (name.to_owned(), len)), 1);
    assert!(again.is_found(&again.old, &again.old_password), "the drive held a volume");
    assert!(again.cleared() < again.last_write() / 2);
    for count in 0..=again.deeds.len() {
        let (memory, _) = medium(&again, count, || Kept::All);
        again.check_order(&memory, count, "all kept");
        let (memory, _) = medium(&again, count, || Kept::Nothing);
        again.check_order(&memory, count, "unflushed lost");
        // Of few writes, each subset that a cache may have kept.
        let unflushed = again.unflushed(count);
        for subset in 0..(1u32 << unflushed.min(6)) {
            let mut bits = (0..unflushed).map(|at| subset >> at & 1 == 1);
            let keep = || if bits.next().unwrap() { Kept::All } else { Kept::Nothing };
            let (memory, _) = medium(&again, count, keep);
            again.check_order(&memory, count, &format!("of {unflushed} writes {subset:b} kept"));
        }
    }
    let (memory, _) = medium(&again, again.deeds.len(), || Kept::All);
    assert!(again.is_found(&memory, &again.stage.password()), "it is a volume in the end");
}

/// Crashes of one run at random places, of which the cache has kept random writes.
fn random_crashes(workers: usize, files: &[(String, u32)], times: u64, chance: &mut Chance) {
    let folder = tempfile::tempdir().unwrap();
    let again = Again::new(folder.path(), files, workers);
    // Every third crash comes where most is at stake: near the seal.
    let end = again.deeds.len() as u64;
    for time in 0..times {
        let count = if time % 3 == 0 { end - chance.below(14) } else { chance.below(end + 1) };
        let odds = *chance.pick(&[10, 50, 90]);
        let mut keep = || match chance.percent(odds) {
            true if chance.percent(25) => Kept::Sectors(Chance::new(chance.next())),
            true => Kept::All,
            false => Kept::Nothing,
        };
        let (memory, journal) = medium(&again, count as usize, &mut keep);
        again.check_order(&memory, count as usize, "a random subset kept");
        assert_eq!(again.stage.go_on(&memory, &journal), again.said, "{count} of {end} deeds");
        assert_eq!(memory.digest(), again.digest, "{count} of {end} deeds");
    }
}

#[test]
fn whatever_a_cache_has_kept_the_next_run_ends_the_same() {
    let few = [("a", 1), ("b/empty", 0), ("b/large", 14_000_000), ("c", 70_000)];
    let few = few.map(|(name, bytes)| (name.to_owned(), bytes));
    let many: Vec<(String, u32)> =
        (0..12).map(|number| (format!("file {number}"), 2_200_000 + number * 1000)).collect();
    for seed in seeds(7) {
        let mut chance = Chance::new(seed);
        random_crashes(1, &few, 60, &mut chance);
        random_crashes(8, &many, 40, &mut chance);
    }
}
