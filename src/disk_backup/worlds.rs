//! Rounds in a small world: a disk of two dozen pages in memory, a machine that goes on writing to it,
//! runs that end after any step, somebody who deletes snapshots. Whatever happens, every point is the
//! snapshot that it says it is.

mod images;
mod lists;
mod many;
mod memory;
mod restores;
mod steps;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use disk_prep::noun::{Diagnose, ErrorKind};
use disk_prep::sys::hold::hold;
use uuid::Uuid;

use memory::{Memory, Nature, PAGE, World};

use super::chain::{Chain, Mode, OWNER, POINT};
use super::compare::compare;
use super::engine::Via;
use super::error::Error;
use super::record::Verify;
use super::round::{Made, Round};
use super::trial::tells_differences;
use super::watch::{Step, Watch};
use crate::azure::{PageBlob, PageState, PagesAsked};

/// Ends the run after so many looks, and lets the machine write at each.
struct Death<'a> {
    left: AtomicUsize,
    machine: &'a (dyn Fn() + Sync),
}

impl Death<'_> {
    fn look(&self) -> Result<(), Error> {
        (self.machine)();
        let left = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| Error::Stopped)
    }
}

impl Watch for Death<'_> {
    fn step(&self, _: Step) -> Result<(), Error> {
        self.look()
    }
    fn sent(&self, _: u64) -> Result<(), Error> {
        self.look()
    }
    fn looked(&self, _: u64) -> Result<(), Error> {
        self.look()
    }
    fn say(&self, _: &str) {}
    fn wait(&self, _: &str, _: Duration) -> Result<(), Error> {
        Err(Error::Stopped)
    }
}

/// Numbers by chance, the same every time.
struct Chance(AtomicUsize);

impl Chance {
    fn below(&self, bound: usize) -> usize {
        let next = |seed: usize| {
            Some(
                seed.wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407),
            )
        };
        let seed = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap();
        (seed >> 33) % bound
    }
}

struct Rig {
    source: Memory,
    disk: Arc<dyn PageBlob>,
    copy: Arc<dyn PageBlob>,
    target: Memory,
    backup: Uuid,
    mode: Mode,
    via: Via,
    chance: Arc<Chance>,
}

impl Rig {
    fn new(seed: usize, nature: Nature, mode: Mode) -> Self {
        let shelves = Mutex::default();
        let world = Arc::new(World { shelves, clock: AtomicUsize::new(1), nature });
        let (source, target) = (Memory::new(&world, "disk"), Memory::new(&world, "copy"));
        source.create(24 * PAGE as u64, &BTreeMap::new()).unwrap();
        let chance = Arc::new(Chance(AtomicUsize::new(seed)));
        let (disk, copy) = (Arc::new(source.clone()) as _, Arc::new(target.clone()) as _);
        Rig {
            source,
            disk,
            copy,
            target,
            backup: Uuid::from_u128(7),
            mode,
            via: Via::Client,
            chance,
        }
    }

    /// The machine writes, clears, writes zeros, writes what was there before.
    fn write(&self) {
        let pages = self.source.with(|shelf| shelf.disk.as_ref().unwrap().pages.len());
        let at = self.chance.below(pages);
        match self.chance.below(5) {
            0 => self.source.set(at, 0, PageState::Cleared),
            1 => self.source.set(at, 0, PageState::Written),
            _ => self.source.set(at, 1 + self.chance.below(3) as u8, PageState::Written),
        }
    }

    fn run(&self, looks: usize, former: Option<Uuid>, run: Uuid) -> Result<Made, Error> {
        let death = Death { left: AtomicUsize::new(looks), machine: &|| self.write() };
        self.run_by(&death, former, run)
    }

    fn run_by(&self, watch: &dyn Watch, former: Option<Uuid>, run: Uuid) -> Result<Made, Error> {
        let round = Round {
            source: &self.disk,
            target: &self.copy,
            backup: self.backup,
            run,
            former,
            mode: self.mode,
            by_service: false,
            first_via: self.via,
            via: self.via,
            verify: Verify::Changed,
            is_anew: false,
        };
        round.make(watch)
    }

    /// Every point is the snapshot that it names, as far as that is known.
    fn check(&self, known: &BTreeMap<String, Vec<u8>>) {
        for point in self.target.snapshots().unwrap() {
            let snapshot = &point.metadata[POINT];
            if let Some(content) = known.get(snapshot) {
                assert_eq!(&self.target.content(&point.id), content, "{snapshot}");
            }
        }
    }

    /// What the source's snapshots hold; they never change.
    fn learn(&self, known: &mut BTreeMap<String, Vec<u8>>) {
        for own in self.source.snapshots().unwrap() {
            known.entry(own.id.clone()).or_insert_with(|| self.source.content(&own.id));
        }
    }
}

/// A world of rounds; how many runs ended, and how many points were made.
fn world(seed: usize, nature: Nature, mode: Mode, via: Via) -> (usize, usize) {
    let rig = Rig { via, ..Rig::new(seed, nature, mode) };
    let mut known = BTreeMap::new();
    let (mut former, mut deaths, mut points) = (None, 0, 0);
    for number in 0..40_u128 {
        for _ in 0..rig.chance.below(4) {
            rig.write();
        }
        let looks = if rig.chance.below(3) == 0 { usize::MAX } else { rig.chance.below(30) };
        let run = Uuid::from_u128(number + 100);
        let ended = rig.run(looks, former, run);
        former = Some(run);
        rig.learn(&mut known);
        rig.check(&known);
        let left = rig.source.snapshots().unwrap().len();
        assert!(left <= 2, "seed {seed}: at most one too many, and there are {left}");
        match ended {
            Ok(made) => {
                points += 1;
                assert_eq!(rig.target.content(&made.point), known[&made.source_snapshot]);
                let left = rig.source.snapshots().unwrap();
                assert_eq!(left.len(), 1, "only the baseline is left");
            }
            Err(Error::Stopped) => deaths += 1,
            Err(error) => panic!("seed {seed}: {error:?}"),
        }
        // Somebody deletes the snapshot that a round is under way to.
        let chain = rig.target.facts(None).unwrap().and_then(|own| Chain::parse(&own.metadata));
        if let Some(pending) = chain.and_then(|chain| chain.pending)
            && rig.chance.below(4) == 0
        {
            rig.source.remove_snapshot(&pending.snapshot).unwrap();
        }
        if rig.chance.below(8) == 0 {
            let pages = 12 + rig.chance.below(20);
            rig.source.resize((pages * PAGE) as u64, Uuid::nil()).unwrap();
        }
    }
    (deaths, points)
}

#[test]
fn whatever_a_run_dies_of_every_point_is_the_snapshot_that_it_names() {
    let (mut deaths, mut points) = (0, 0);
    for seed in 0..40 {
        for (nature, mode, via) in [
            (Nature::Azure, Mode::Service, Via::Client),
            (Nature::Small, Mode::Service, Via::Client),
            (Nature::Azure, Mode::Client, Via::Client),
            (Nature::Azure, Mode::Service, Via::Server),
            (Nature::Small, Mode::Client, Via::Server),
        ] {
            let (died, made) = world(seed, nature, mode, via);
            (deaths, points) = (deaths + died, points + made);
        }
    }
    println!("200 worlds, {deaths} runs died, {points} points");
    assert!(deaths > 1000 && points > 1000, "{deaths} {points}");
}

#[test]
fn the_literal_order_loses_a_write_and_ours_does_not() {
    // The steps as they are told: copy the disk, take a snapshot, copy what changed since it,
    // delete it. What was written before the snapshot was taken is never copied.
    let rig = Rig::new(1, Nature::Azure, Mode::Service);
    rig.source.set(0, 1, PageState::Written);
    let mut copy: Vec<u8> = rig
        .source
        .with(|shelf| shelf.disk.as_ref().unwrap().pages.iter().map(|page| page.0).collect());
    rig.source.set(1, 2, PageState::Written);
    let snapshot = rig.source.snapshot(&BTreeMap::new(), None).unwrap();
    rig.source.set(2, 3, PageState::Written);
    let asked = PagesAsked { snapshot: None, since: Some(&snapshot), marker: None };
    for range in rig.source.pages(asked).unwrap().ranges {
        let at = range.start as usize / PAGE;
        copy[at] = rig.source.with(|shelf| shelf.disk.as_ref().unwrap().pages[at].0);
    }
    let now = rig.source.snapshot(&BTreeMap::new(), None).unwrap();
    assert_ne!(copy, rig.source.content(&now), "page 1 is lost");
    let ours = Rig::new(1, Nature::Azure, Mode::Service);
    ours.source.set(0, 1, PageState::Written);
    ours.run(usize::MAX, None, Uuid::from_u128(1)).unwrap();
    ours.source.set(1, 2, PageState::Written);
    let mut known = BTreeMap::new();
    let made = ours.run(usize::MAX, None, Uuid::from_u128(2)).unwrap();
    ours.learn(&mut known);
    assert_eq!(ours.target.content(&made.point), known[&made.source_snapshot]);
    assert!(made.counts.written_bytes < 24 * PAGE as u64, "{:?}", made.counts);
}

#[test]
fn a_service_that_lies_about_differences_is_found_out() {
    for (nature, is_told) in [(Nature::Azure, true), (Nature::Lies, false)] {
        let rig = Rig::new(1, nature, Mode::Service);
        // One that a killed run has left, still leased, goes too.
        let left = rig.disk.beside(&format!("azseed/trial-{}", rig.backup));
        left.create(512, &BTreeMap::new()).unwrap();
        left.lease(Uuid::from_u128(9), 60).unwrap();
        assert_eq!(tells_differences(rig.disk.as_ref(), rig.backup), is_told);
        assert_eq!(hold(&rig.source.world.shelves).len(), 1, "the blobs of trials are gone");
    }
}

#[test]
fn what_a_service_gets_wrong_is_told_and_makes_no_point() {
    for (nature, code) in [
        (Nature::Beyond, "disk-pages-impossible"),
        (Nature::Anew, "disk-pages-impossible"),
        (Nature::Circles, "disk-pages-impossible"),
        (Nature::Void, "disk-pages-impossible"),
        (Nature::Garbled, "disk-transport"),
        (Nature::Forgets, "disk-read-back"),
    ] {
        let rig = Rig::new(1, nature, Mode::Service);
        rig.source.set(3, 7, PageState::Written);
        let error = rig.run(usize::MAX, None, Uuid::from_u128(1)).unwrap_err();
        assert_eq!(error.code(), code);
        assert!(rig.target.snapshots().unwrap().is_empty(), "{code}");
        assert_eq!(rig.source.snapshots().unwrap().len(), 1, "the next run takes it up");
    }
    let stopped = Rig::new(1, Nature::Azure, Mode::Service).run(0, None, Uuid::from_u128(1));
    assert_eq!(stopped.unwrap_err().code(), "disk-round-stopped");
}

#[test]
fn a_run_whose_lease_went_to_another_writes_nothing_more() {
    let rig = Rig::new(1, Nature::Azure, Mode::Service);
    rig.run(usize::MAX, None, Uuid::from_u128(1)).unwrap();
    rig.source.set(3, 7, PageState::Written);
    let other = Uuid::from_u128(9);
    let before = Mutex::new(Vec::new());
    // It was stopped for long: meanwhile another run has the copy.
    let taken = || {
        rig.target.with(|shelf| {
            if shelf.lease == Some(Uuid::from_u128(2)) {
                shelf.lease = Some(other);
                *hold(&before) = shelf.disk.as_ref().unwrap().pages.clone();
            }
        });
    };
    let watch = Death { left: AtomicUsize::new(usize::MAX), machine: &taken };
    let round = Round {
        source: &rig.disk,
        target: &rig.copy,
        backup: rig.backup,
        run: Uuid::from_u128(2),
        former: None,
        mode: Mode::Service,
        by_service: false,
        first_via: Via::Client,
        via: Via::Client,
        verify: Verify::None,
        is_anew: false,
    };
    let error = round.make(&watch).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("disk-lease-lost", ErrorKind::Busy));
    let now = rig.target.with(|shelf| shelf.disk.as_ref().unwrap().pages.clone());
    assert_eq!(now, *hold(&before));
    assert_eq!(rig.target.with(|shelf| shelf.lease), Some(other), "it is not given back either");
}

#[test]
fn a_baseline_that_is_gone_ends_the_round_before_anything_is_made() {
    let rig = Rig::new(1, Nature::Azure, Mode::Service);
    let made = rig.run(usize::MAX, None, Uuid::from_u128(1)).unwrap();
    rig.source.remove_snapshot(&made.source_snapshot).unwrap();
    let error = rig.run(usize::MAX, None, Uuid::from_u128(2)).unwrap_err();
    assert!(
        matches!(&error, Error::BaselineLost { snapshot, .. } if *snapshot == made.source_snapshot)
    );
    assert!(rig.source.snapshots().unwrap().is_empty());
    assert_eq!(rig.target.snapshots().unwrap().len(), 1);
}

#[test]
fn what_is_foreign_is_left_alone() {
    let rig = Rig::new(1, Nature::Azure, Mode::Service);
    let metadata = BTreeMap::from([("of".to_owned(), "somebody".to_owned())]);
    rig.target.create(512, &metadata).unwrap();
    let error = rig.run(usize::MAX, None, Uuid::from_u128(1)).unwrap_err();
    assert!(matches!(error, Error::Foreign { .. }), "{error:?}");
    assert!(rig.source.snapshots().unwrap().is_empty(), "nothing was made");
    let itself = Rig { copy: Arc::clone(&rig.disk), ..Rig::new(1, Nature::Azure, Mode::Service) };
    let itself = Rig { disk: Arc::clone(&itself.copy), ..itself };
    assert!(matches!(itself.run(9, None, Uuid::nil()).unwrap_err(), Error::Itself { .. }));
}

#[test]
fn a_lease_of_somebody_else_is_waited_for_and_a_round_without_changes_is_a_point() {
    let rig = Rig::new(1, Nature::Azure, Mode::Service);
    rig.run(usize::MAX, None, Uuid::from_u128(1)).unwrap();
    rig.copy.lease(Uuid::from_u128(9), 60).unwrap();
    let error = rig.run(usize::MAX, Some(Uuid::from_u128(1)), Uuid::from_u128(2)).unwrap_err();
    assert!(matches!(error, Error::Stopped), "it waits: {error:?}");
    rig.copy.break_lease().unwrap();
    let quiet = Death { left: AtomicUsize::new(usize::MAX), machine: &|| {} };
    let round = |run| Round {
        source: &rig.disk,
        target: &rig.copy,
        backup: rig.backup,
        run: Uuid::from_u128(run),
        former: None,
        mode: Mode::Service,
        by_service: false,
        first_via: Via::Client,
        via: Via::Client,
        verify: Verify::Full,
        is_anew: false,
    };
    round(3).make(&quiet).unwrap();
    let again = round(4).make(&quiet).unwrap();
    assert_eq!(again.counts.requests, 0);
    let (source, target) = (rig.disk.as_ref(), rig.copy.as_ref());
    let sides = ((source, Some(again.source_snapshot.as_str())), (target, Some(&*again.point)));
    let found = compare(sides.0, sides.1, None, &quiet).unwrap();
    assert!(found.is_none() && found.table.is_some());
    let gone = compare((source, Some("gone")), sides.1, None, &quiet).unwrap_err();
    assert_eq!((gone.code(), gone.kind()), ("disk-point-gone", ErrorKind::NotFound));
    let owner = &rig.source.snapshots().unwrap()[0].metadata[OWNER];
    assert_eq!(*owner, rig.backup.to_string());
}
