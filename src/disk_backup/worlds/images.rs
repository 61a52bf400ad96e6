//! Rounds of an image in a small world: a file that somebody writes to between the runs, runs that end
//! after any step, logs that are lost, a drive that brought most of it. Whatever happens, every point is
//! the image as it was at the point's time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use disk_prep::noun::{Diagnose, ErrorKind};
use disk_prep::sys::hold::hold;
use jiff::Timestamp;
use uuid::Uuid;

use super::memory::{Memory, Nature, PAGE, World};
use super::{Chance, Death};
use crate::azure::PageBlob;
use crate::disk_backup::chain::POINT;
use crate::disk_backup::pages::md5_of;
use crate::disk_backup::table::BLOCK_BYTES;
use crate::disk_backup::{
    Brought, DiskImage, Error, ImageRound, ImageTerms, Made, Table, Tables, Verify, VhdForm, Watch,
};

const BLOCKS: usize = 3;

#[derive(Debug, Default)]
struct Shelf(Mutex<BTreeMap<String, Table>>);

impl Tables for Shelf {
    fn read(&self, point: &str) -> Result<Option<Table>, Error> {
        Ok(hold(&self.0).get(point).cloned())
    }
    fn write(&self, point: &str, table: &Table) -> Result<(), Error> {
        hold(&self.0).insert(point.to_owned(), table.clone());
        Ok(())
    }
}

pub(super) struct Rig {
    folder: tempfile::TempDir,
    copy: Arc<dyn PageBlob>,
    pub(super) target: Memory,
    tables: Shelf,
    brought: Option<Brought>,
    chance: Chance,
    terms: ImageTerms,
}

impl Rig {
    pub(super) fn new(seed: usize) -> Self {
        let world = World { shelves: Mutex::default(), clock: 1.into(), nature: Nature::Azure };
        let target = Memory::new(&Arc::new(world), "copy");
        let rig = Rig {
            folder: tempfile::tempdir().unwrap(),
            copy: Arc::new(target.clone()),
            target,
            tables: Shelf::default(),
            brought: None,
            chance: Chance(seed.into()),
            terms: ImageTerms {
                vhd: VhdForm::None,
                made_at: Timestamp::UNIX_EPOCH,
                seed: None,
                host: None,
                seen: None,
            },
        };
        let file = File::create(rig.image()).unwrap();
        file.set_len(BLOCKS as u64 * BLOCK_BYTES).unwrap();
        rig.write();
        rig
    }

    pub(super) fn image(&self) -> PathBuf {
        self.folder.path().join("os.raw")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("os.run")
    }

    /// Somebody writes: pages, long zeros, what was there before; or gives it another length.
    pub(super) fn write(&self) {
        let file = File::options().write(true).open(self.image()).unwrap();
        let bytes = file.metadata().unwrap().len();
        let page = self.chance.below(bytes as usize / PAGE);
        let value = self.chance.below(4) as u8;
        let count = [1, 1, 300, 9000][self.chance.below(4)].min(bytes as usize / PAGE - page);
        file.write_all_at(&vec![value; count * PAGE], (page * PAGE) as u64).unwrap();
        if self.chance.below(8) == 0 {
            let pages = 1 + self.chance.below(BLOCKS * BLOCK_BYTES as usize / PAGE);
            file.set_len((pages * PAGE) as u64).unwrap();
        }
    }

    fn run(&self, number: usize, looks: usize, former: Option<Uuid>) -> Result<Made, Error> {
        self.run_by(&Death { left: looks.into(), machine: &|| () }, number, former)
    }

    pub(super) fn run_by(
        &self,
        watch: &dyn Watch,
        number: usize,
        former: Option<Uuid>,
    ) -> Result<Made, Error> {
        let id = Uuid::from_u128(7);
        let image = DiskImage::open(&self.image(), &self.terms, id)?;
        let round = ImageRound {
            image: &image,
            source: "image".to_owned(),
            target: &self.copy,
            backup: id,
            run: Uuid::from_u128(100 + number as u128),
            former,
            brought: self.brought.as_ref(),
            tables: &self.tables,
            log: &self.log(),
            verify: Verify::Changed,
            label: format!("T{number:04}"),
        };
        round.make(watch)
    }

    /// Every point is the image as it was at its time. A snapshot never changes, so each is looked at
    /// once.
    pub(super) fn check(&self, known: &BTreeMap<String, Vec<u8>>, looked: &mut BTreeSet<String>) {
        for point in self.target.snapshots().unwrap() {
            if looked.insert(point.id.clone()) {
                let (label, content) = (&point.metadata[POINT], self.target.content(&point.id));
                let model = known[label].chunks(PAGE).map(|page| page[0]);
                assert!(model.eq(content), "{label} was never so");
            }
        }
    }

    /// A drive has brought the image as it was, without some blocks.
    pub(super) fn bring(&mut self) {
        let content = fs::read(self.image()).unwrap();
        let bytes = content.len() as u64;
        let failed: BTreeSet<usize> = (0..BLOCKS).filter(|_| self.chance.below(3) == 0).collect();
        self.target.create(bytes, &BTreeMap::new()).unwrap();
        let is_sure = self.chance.below(4) != 0;
        let mut blocks = Vec::new();
        for (number, block) in content.chunks(BLOCK_BYTES as usize).enumerate() {
            blocks.push(md5_of(block));
            // Who is not sure may have lost more.
            let is_there = is_sure || self.chance.below(3) != 0;
            if is_there && !failed.contains(&number) {
                let at = number as u64 * BLOCK_BYTES;
                let content = block.to_vec().into();
                self.target.write(at, content, md5_of(block), Uuid::nil()).unwrap();
            }
        }
        self.brought = Some(Brought { bytes, blocks, failed, is_sure });
    }
}

/// A world of rounds; how many runs ended early, and how many made a point.
fn world(seed: usize, is_brought: bool) -> (usize, usize) {
    let mut rig = Rig::new(seed);
    if is_brought {
        rig.bring();
    }
    let mut looked = BTreeSet::new();
    let mut kept = fs::read(rig.image()).unwrap();
    let (mut known, mut former, mut deaths, mut points) = (BTreeMap::new(), None, 0, 0);
    for number in 0..14 {
        for _ in 0..rig.chance.below(4) {
            rig.write();
        }
        if rig.chance.below(3) == 0 {
            // What was there at the last point is there again, whatever a run that died has sent.
            fs::write(rig.image(), &kept).unwrap();
        }
        known.insert(format!("T{number:04}"), fs::read(rig.image()).unwrap());
        let looks = if rig.chance.below(3) == 0 { usize::MAX } else { rig.chance.below(20) };
        let ended = rig.run(number, looks, former);
        former = Some(Uuid::from_u128(100 + number as u128));
        match ended {
            Ok(_) => {
                points += 1;
                kept = fs::read(rig.image()).unwrap();
            }
            Err(Error::Stopped) => deaths += 1,
            Err(error) => panic!("seed {seed}: {error:?}"),
        }
        rig.check(&known, &mut looked);
        if rig.chance.below(6) == 0 {
            // Another machine goes on, or the state directory was lost.
            drop(fs::remove_file(rig.log()));
            if rig.chance.below(2) == 0 {
                hold(&rig.tables.0).clear();
            }
        }
    }
    (deaths, points)
}

#[test]
fn whatever_a_run_dies_of_every_point_is_the_image_as_it_was() {
    let (mut deaths, mut points) = (0, 0);
    for seed in 0..8 {
        for is_brought in [false, true] {
            let (died, made) = world(seed, is_brought);
            (deaths, points) = (deaths + died, points + made);
        }
    }
    println!("16 worlds, {deaths} runs died, {points} points");
    assert!(deaths > 60 && points > 60, "{deaths} {points}");
}

#[test]
fn a_log_that_was_lost_is_not_taken_for_whole_by_the_run_after_the_next() {
    let former = |number: u128| Some(Uuid::from_u128(100 + number));
    for (first, second) in [(6, 3), (7, 4), (8, 5)] {
        let rig = Rig::new(3);
        let point = rig.run(0, usize::MAX, None).unwrap();
        let before = fs::read(rig.image()).unwrap();
        fs::write(rig.image(), vec![200; before.len()]).unwrap();
        assert!(rig.run(1, first, former(0)).is_err());
        fs::remove_file(rig.log()).unwrap();
        // As it was at the point, which the copy is not any more.
        fs::write(rig.image(), &before).unwrap();
        assert!(rig.run(2, second, former(1)).is_err());
        let made = rig.run(3, usize::MAX, former(2)).unwrap();
        let (own, then) = (rig.target.content(&made.point), rig.target.content(&point.point));
        assert!(own == then, "ended after {first} and {second} looks");
    }
}

#[test]
fn a_drive_that_brought_something_else_than_its_journal_says_is_found_out() {
    let mut rig = Rig::new(5);
    File::options().write(true).open(rig.image()).unwrap().set_len(BLOCK_BYTES).unwrap();
    rig.bring();
    rig.target.set(3, 77, crate::azure::PageState::Written);
    rig.brought.as_mut().unwrap().failed.clear();
    rig.brought.as_mut().unwrap().is_sure = true;
    let made = rig.run(0, usize::MAX, None).unwrap();
    let model = fs::read(rig.image()).unwrap();
    assert!(model.chunks(PAGE).map(|page| page[0]).eq(rig.target.content(&made.point)));
}

#[test]
fn what_did_not_change_is_read_and_not_sent() {
    let rig = Rig::new(3);
    let first = rig.run(0, usize::MAX, None).unwrap();
    assert!(first.is_first && first.counts.requests > 0);
    let again = rig.run(1, usize::MAX, None).unwrap();
    assert_eq!((again.counts.requests, again.counts.written_bytes), (0, 0));
    assert_eq!(again.counts.read_bytes, fs::metadata(rig.image()).unwrap().len());
    // One page of a block that has others: its block goes, and of it no long zeros.
    let file = File::options().write(true).open(rig.image()).unwrap();
    file.set_len(BLOCK_BYTES).unwrap();
    file.write_all_at(&vec![0; BLOCK_BYTES as usize], 0).unwrap();
    rig.run(2, usize::MAX, None).unwrap();
    file.write_all_at(&[9; PAGE], 0).unwrap();
    let one = rig.run(3, usize::MAX, None).unwrap();
    assert_eq!((one.counts.requests, one.counts.written_bytes), (1, 64 << 10));
    assert_eq!(one.counts.cleared_bytes, 0, "nothing was there");
}

#[test]
fn an_image_that_is_written_to_while_it_is_read_gives_no_point() {
    let rig = Rig::new(4);
    let image = DiskImage::open(&rig.image(), &rig.terms, Uuid::from_u128(7)).unwrap();
    let round = ImageRound {
        image: &image,
        source: "image".to_owned(),
        target: &rig.copy,
        backup: Uuid::from_u128(7),
        run: Uuid::from_u128(1),
        former: None,
        brought: None,
        tables: &rig.tables,
        log: &rig.log(),
        verify: Verify::None,
        label: "T1".to_owned(),
    };
    let file = File::options().write(true).open(rig.image()).unwrap();
    let machine = || file.write_all_at(&[9; PAGE], 0).unwrap();
    let ended = round.make(&Death { left: usize::MAX.into(), machine: &machine });
    let error = ended.unwrap_err();
    assert_eq!((error.code(), error.kind()), ("disk-image-moved", ErrorKind::LeftOut));
    assert!(rig.target.snapshots().unwrap().is_empty());
    let made = rig.run(2, usize::MAX, Some(Uuid::from_u128(1))).unwrap();
    assert!(made.is_resumed && made.is_first);
}
