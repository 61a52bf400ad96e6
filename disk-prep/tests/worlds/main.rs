//! Worlds: several runs over several drives, in which whatever can go wrong does. After the last
//! run every file is on exactly one drive that may be shipped or was named as left out, and no
//! byte of anybody else was touched.
//!
//! `AZSEED_TEST_WORLDS` says how many worlds there are, `AZSEED_TEST_SEED` which they are.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests set their stage with plain files, say their seeds, and may fail anywhere"
)]

#[path = "../../../tests/support/chance.rs"]
mod chance;
mod fate;
mod place;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::panic::{self, AssertUnwindSafe, catch_unwind};

use disk_prep::drive::{DriveName, find};
use disk_prep::journal::{CopyState, FileEnd};
use disk_prep::monitor::VoidMonitor;
use disk_prep::noun::{Diagnose, DrivePath};
use disk_prep::verify::{VerifyOptions, verify};

use chance::{Chance, seeds};
use fate::{Fault, Keys, Killed, Plot};
use place::{End, Place};

const WORLDS: u64 = 100;
/// Worlds that once ended badly.
const FOUND: [u64; 5] = [786, 5121, 20_003, 3_439_710_565_969_378_494, 3_950_722_257_586_418_663];
/// Drives before those that the last run gets.
const MOST_DRIVES: usize = 12;

/// How often what happened, to show that the worlds are no idle ones.
#[derive(Debug, Default)]
struct Tally(BTreeMap<String, u64>);

impl Tally {
    fn count(&mut self, what: impl Into<String>) {
        *self.0.entry(what.into()).or_default() += 1;
    }
}

/// What must stay as it is: digests of drives, by number.
type Untouched = BTreeMap<usize, Option<[u8; 32]>>;

fn digests(place: &Place<'_>, of: impl Fn(usize) -> bool) -> Untouched {
    let drives = 0..place.drives.len();
    drives.filter(|&at| of(at)).map(|at| (at, place.digest(at))).collect()
}

/// Some of the drives.
fn some(place: &Place<'_>, percent: u64, chance: &mut Chance) -> BTreeSet<usize> {
    (0..place.drives.len()).filter(|_| chance.percent(percent)).collect()
}

/// What may go wrong in a run over these drives.
fn plot(place: &Place<'_>, drives: &BTreeSet<usize>, chance: &mut Chance) -> Plot {
    let mut plot = Plot::default();
    // Most runs do a few hundred deeds; the first ones are where drives are begun and labelled.
    let at = |chance: &mut Chance| match chance.below(3) {
        0 => chance.below(25),
        1 => chance.below(80),
        _ => chance.below(250),
    };
    match chance.below(10) {
        0..=3 => plot.kill_at = Some(at(chance)),
        4 | 5 => {
            plot.kill_at = Some(at(chance));
            plot.is_power_cut = true;
        }
        6 => plot.stop_at = Some(at(chance)),
        _ => {}
    }
    for at in drives {
        if chance.percent(25) {
            let fault = *chance.pick(&[Fault::Write, Fault::Flush, Fault::Read]);
            plot.faults.insert(place.drives[*at].serial.clone(), (fault, chance.below(30)));
        }
    }
    plot
}

/// One thing that somebody does between two runs.
fn happen(place: &mut Place<'_>, chance: &mut Chance, tally: &mut Tally) {
    let at = chance.below(place.drives.len() as u64) as usize;
    match chance.below(12) {
        // A drive that is begun only, or not even that, is used for something else.
        0 | 1 if matches!(place.state(at), None | Some(CopyState::Begun)) => {
            place.use_drive(at, chance);
            tally.count("drives used by somebody");
            place.story.push(format!("{} is used by somebody", place.drives[at].serial));
        }
        2 if place.state(at).is_some_and(|state| state != CopyState::Released) => {
            place.release(at);
            tally.count("drives given up");
            place.story.push(format!("{} is given up", place.drives[at].serial));
        }
        3 | 4 if place.drives.len() < MOST_DRIVES => {
            place.add_drive();
            tally.count("drives added");
        }
        5 => {
            let sources = place.sources();
            let path = chance.pick(&sources).clone();
            place.story.push(format!("{} changes", path.display()));
            tally.count("sources changed");
            fs::write(path, vec![chance.next() as u8; chance.below(90_000) as usize]).unwrap();
        }
        6 => {
            let sources = place.sources();
            if sources.len() > 2 {
                let path = chance.pick(&sources).clone();
                place.story.push(format!("{} goes away", path.display()));
                tally.count("sources gone");
                fs::remove_file(path).unwrap();
            }
        }
        7 => {
            let number = 100 + chance.below(50);
            place.write_source(number, chance.below(200_000), chance);
        }
        _ => {}
    }
}

/// Two drives changed places: nothing is written on either, whatever is asked but an erasure.
fn swapped(place: &mut Place<'_>, chance: &mut Chance, tally: &mut Tally) {
    let made: Vec<usize> =
        (0..place.drives.len()).filter(|&at| place.drives[at].path.exists()).collect();
    let known = |at: usize| !matches!(place.state(at), None | Some(CopyState::Released));
    let own: Vec<usize> = made.iter().copied().filter(|&at| known(at)).collect();
    if own.len() < 2 {
        return;
    }
    let (one, other) = (*chance.pick(&own), *chance.pick(&own));
    if one == other || place.digest(one) == place.digest(other) {
        return;
    }
    // A drive that is begun as blank may be another blank one. A consent holds until the drive is labelled, for a drive that is the same by all that is told
    // of it; only what the tables of another drive name is never taken for it.
    let is_named = matches!(
        place.state(other),
        Some(CopyState::Labelled | CopyState::Filled | CopyState::Sealed)
    );
    let is_blank = place.state(one) == Some(CopyState::Begun) && !place.has_content(other);
    if is_blank || (place.is_erasable_again(one) && !is_named) {
        return;
    }
    tally.count("drives swapped");
    place.swap(one, other);
    let before = digests(place, |_| true);
    let end = place.run(&BTreeSet::from([one]), &BTreeSet::new(), false, Plot::default(), chance);
    place.story.push(format!("{one} and {other} swapped: {}", say(&end)));
    let is_over = matches!(place.state(one), Some(CopyState::Sealed | CopyState::SetAside));
    assert!(is_over || matches!(end, End::Refused(_)), "a swapped drive is taken: {end:?}");
    for (at, digest) in before {
        let is_other = at == one || at == other;
        assert!(!is_other || place.digest(at) == digest, "drive {at} was written");
    }
    place.swap(one, other);
}

fn say(end: &End) -> String {
    match end {
        End::Killed => "killed".to_owned(),
        End::Refused(error) => format!("refused: {}", error.code()),
        End::Done(outcome) => {
            let failed =
                outcome.failed.iter().map(|(serial, error)| format!("{serial} {}", error.code()));
            format!("{} sealed, failed: {:?}", outcome.sealed.len(), failed.collect::<Vec<_>>())
        }
    }
}

/// One run of many, and what must hold after each.
fn step(place: &mut Place<'_>, chance: &mut Chance, tally: &mut Tally) {
    let drives = some(place, 60, chance);
    if drives.is_empty() {
        return;
    }
    let foreign = |place: &Place<'_>, at: usize| place.drives[at].is_foreign;
    let mut erase = some(place, 25, chance);
    erase.retain(|at| drives.contains(at));
    let plot = plot(place, &drives, chance);
    let before = digests(place, |at| {
        let is_over = matches!(place.state(at), Some(CopyState::Sealed | CopyState::SetAside));
        is_over || !drives.contains(&at) || (foreign(place, at) && !erase.contains(&at))
    });
    let is_elsewhere = chance.percent(20);
    let is_power_cut = plot.is_power_cut;
    let is_new =
        |place: &Place<'_>, at: usize| matches!(place.state(at), None | Some(CopyState::Released));
    let erasable: Vec<usize> = erase.iter().copied().filter(|&at| is_new(place, at)).collect();
    let told = format!("{drives:?} erase {erase:?} {plot:?}");
    let end = place.run(&drives, &erase, chance.percent(20), plot, chance);
    place.story.push(format!("{told}: {}", say(&end)));
    for (at, digest) in before {
        assert!(place.digest(at) == digest, "drive {at} was written");
    }
    tally.count(match &end {
        End::Killed if is_power_cut => "power cuts".to_owned(),
        End::Killed => "kills".to_owned(),
        End::Refused(error) => format!("refused: {}", error.code()),
        End::Done(_) => "runs to their end".to_owned(),
    });
    if let End::Done(outcome) = &end {
        for (_, error) in &outcome.failed {
            tally.count(format!("drives failed: {}", error.code()));
        }
    }
    if let End::Killed = end {
        if chance.percent(30) {
            place.tear_journal(&drives, chance);
            tally.count("journals torn");
        }
        let host = is_elsewhere.then_some("another");
        place.leave_claims(&drives, host);
        if is_elsewhere {
            let again = place.run(&drives, &erase, false, Plot::default(), chance);
            assert!(
                matches!(&again, End::Refused(error) if error.code() == "claimed-by-another-run"),
                "{again:?}"
            );
            for at in &drives {
                place.journals.free(&place.drives[*at].serial).unwrap();
            }
        }
    }
    // What this run has begun under a consent to erase is its own now.
    for at in erasable {
        let is_begun = !is_new(place, at);
        place.drives[at].is_foreign &= !is_begun;
    }
}

/// Two runs at once, that may want the same drives.
fn together(place: &mut Place<'_>, chance: &mut Chance) {
    let (one, other) = (some(place, 50, chance), some(place, 50, chance));
    if one.is_empty() || other.is_empty() {
        return;
    }
    let all: BTreeSet<usize> = one.union(&other).copied().collect();
    let before = digests(place, |at| {
        let is_over = matches!(place.state(at), Some(CopyState::Sealed | CopyState::SetAside));
        is_over || !all.contains(&at) || place.drives[at].is_foreign
    });
    let run = |drives: &BTreeSet<usize>| {
        let mut chance = Chance::new(0);
        place.run(drives, &BTreeSet::new(), false, Plot::default(), &mut chance)
    };
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| run(&one));
        let second = run(&other);
        (first.join().unwrap(), second)
    });
    let told = format!("{one:?} and {other:?} at once: {}, {}", say(&first), say(&second));
    place.story.push(told);
    for (at, digest) in before {
        assert!(place.digest(at) == digest, "drive {at} was written");
    }
}

/// The last run: enough drives, nothing goes wrong. Every file is then on exactly one drive.
fn last(place: &mut Place<'_>, chance: &mut Chance, tally: &mut Tally) {
    for _ in 0..4 {
        place.add_drive();
    }
    let drives: BTreeSet<usize> = (0..place.drives.len()).collect();
    let is_theirs = |at: &usize| {
        place.drives[*at].is_foreign && matches!(place.state(*at), Some(CopyState::Begun))
    };
    // A drive that was begun as blank and is somebody's now is given up.
    for at in drives.iter().filter(|at| is_theirs(at)).copied().collect::<Vec<_>>() {
        place.release(at);
    }
    let mut ended = None;
    for _ in 0..3 {
        let end = place.run(&drives, &drives, false, Plot::default(), chance);
        place.story.push(format!("last: {}", say(&end)));
        let End::Done(outcome) = end else { panic!("the last run failed: {end:?}") };
        let is_over = outcome.unplaced.is_empty() && outcome.failed.is_empty();
        ended = Some(outcome);
        if is_over {
            break;
        }
    }
    let outcome = ended.unwrap();
    assert!(outcome.unplaced.is_empty(), "no place for {:?}", outcome.unplaced);
    let mut homes: HashMap<DrivePath, usize> = HashMap::new();
    let mut left_out: BTreeSet<DrivePath> = BTreeSet::new();
    for history in place.journals.read().unwrap() {
        if history.state != CopyState::Sealed {
            let is_out = matches!(history.state, CopyState::SetAside | CopyState::Released);
            assert!(is_out, "{} is {:?}", history.begun.serial, history.state);
            continue;
        }
        let plan = place.journals.read_plan(&history).unwrap();
        for (index, file) in plan.files.iter().enumerate() {
            match history.files.get(index) {
                Some(FileEnd::Copied(_)) => *homes.entry(file.path()).or_default() += 1,
                _ => {
                    left_out.insert(file.path());
                }
            }
        }
    }
    for file in place.data_set().files.iter() {
        let path = &file.path();
        let count = homes.get(path).copied().unwrap_or(0);
        let is_named = outcome
            .sealed
            .iter()
            .any(|drive| drive.left_out.iter().any(|(left, _)| left.path == *path));
        assert!(count == 1 || (count == 0 && is_named), "{path:?} is on {count} drives");
    }
    let sealed: Vec<usize> =
        (0..place.drives.len()).filter(|&at| place.state(at) == Some(CopyState::Sealed)).collect();
    assert!(!sealed.is_empty() || homes.is_empty());
    sealed.iter().for_each(|_| tally.count("drives sealed in the end"));
    left_out.iter().for_each(|_| tally.count("files left out of a drive"));
    // A million rounds for each password: one drive of each world is read back whole.
    if !sealed.is_empty() {
        let drive = &place.drives[*chance.pick(&sealed)];
        let (path, serial) = (drive.path.clone(), Some(drive.serial.clone()));
        let name = DriveName::Path { path, serial, bytes: None };
        let journals = Some(place.journals.clone());
        let options = VerifyOptions { journals, ..VerifyOptions::default() };
        let report = verify(&find(&name).unwrap(), &options, &VoidMonitor).unwrap();
        assert_eq!(report.differences, [], "{}", drive.serial);
    }
}

fn live(keys: &Keys, seed: u64, tally: &mut Tally) {
    let chance = &mut Chance::new(seed);
    let mut place = Place::new(keys, chance);
    let lived = catch_unwind(AssertUnwindSafe(|| {
        for _ in 0..1 + chance.below(6) {
            // Something new to place, so that a further drive is needed.
            let number = 1000 + chance.below(1000);
            place.write_source(number, chance.below(50_000), chance);
            for _ in 0..chance.below(4) {
                happen(&mut place, chance, tally);
            }
            if chance.percent(50) {
                swapped(&mut place, chance, tally);
            }
            step(&mut place, chance, tally);
            if chance.percent(15) {
                together(&mut place, chance);
                tally.count("two runs at once");
            }
        }
        last(&mut place, chance, tally);
    }));
    if let Err(panic) = lived {
        println!("world {seed} ended badly:\n  {}", place.story.join("\n  "));
        panic::resume_unwind(panic);
    }
}

#[test]
fn in_every_world_each_file_ends_on_one_drive_and_nothing_foreign_is_touched() {
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !info.payload().is::<Killed>() {
            tell(info);
        }
    }));
    let count = std::env::var("AZSEED_TEST_WORLDS").ok().and_then(|text| text.parse().ok());
    let count: u64 = count.unwrap_or(WORLDS);
    let keys = Keys::default();
    let mut tally = Tally::default();
    FOUND.iter().for_each(|seed| live(&keys, *seed, &mut tally));
    let seeds = seeds(11);
    for (at, seed) in seeds.iter().enumerate() {
        let own = count / seeds.len() as u64 + u64::from(at == 0 && count % 2 == 1);
        for number in 0..own {
            live(&keys, seed.wrapping_add(number), &mut tally);
        }
    }
    println!("{count} worlds");
    for (what, times) in &tally.0 {
        println!("{times:>8}  {what}");
    }
}
