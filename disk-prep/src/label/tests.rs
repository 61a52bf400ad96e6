//! What is cleared before a drive is labelled and what is not, in which order the tables come, and
//! what may lie on a drive that was begun as blank.

use std::ops::Range;

use super::*;
use crate::dataset::DataFile;
use crate::drive::{Clearance, Traces};
use crate::manifest::Profile;
use crate::monitor::VoidMonitor;
use crate::noun::{DriveFault, ErrorKind};
use crate::prepare::tests::{Bench, Deed, Discards, Memory, StillWorld};
use crate::stop::StopFlag;
use crate::volume::gpt::read_gpt;

fn bench_of(mib: u64, wipe: Option<Wipe>) -> Bench {
    let given_up = || Traces::of(&Memory::empty(mib)).unwrap();
    let clearance = Clearance { erase: wipe.map(|_| given_up()), wipe };
    Bench::begin(Profile::Modern, vec![DataFile::sample("a", 5000)], clearance, mib)
}

fn options() -> FillOptions {
    FillOptions::new(true, 1, &Default::default(), false, StopFlag::default())
}

fn cleared(bench: &Bench, options: &FillOptions) -> Result<(), Fault> {
    bench.with_target(|layout, target| {
        clear(bench.begun(), layout, target, options, &StillWorld::default(), &VoidMonitor)
    })
}

/// Where something old could be taken for a volume or a table, as `design` 4 has it.
fn places_of(bench: &Bench) -> Vec<Range<u64>> {
    bench.with_target(|layout, _| {
        let (start, end) = (layout.disk.partition_start, layout.disk.partition_end());
        let [first, second, third] = layout.placement.metadata().map(|at| start + at);
        vec![
            0..1_048_576,
            start..start + 8192,
            first..first + 512,
            second..second + 512,
            third..third + 512,
            end - 8192..end,
            end..layout.disk.disk_bytes,
        ]
    })
}

/// Puts a byte at both ends of each place, and beside it.
fn mark(bench: &Bench, places: &[Range<u64>]) {
    let size = bench.device.size();
    for place in places {
        for at in [place.start.wrapping_sub(1), place.start, place.end - 1, place.end] {
            if at < size {
                bench.device.write_at(&[0xee], at).unwrap();
            }
        }
    }
    bench.device.take_deeds();
}

fn byte(bench: &Bench, at: u64) -> u8 {
    bench.device.at(at, 1)[0]
}

#[test]
fn what_could_be_taken_for_a_volume_is_zeroed_and_no_byte_beside_it() {
    for wipe in [None, Some(Wipe::None), Some(Wipe::Zero)] {
        let bench = bench_of(230, wipe);
        let places = places_of(&bench);
        mark(&bench, &places);
        cleared(&bench, &options()).unwrap();
        let start = places[1].start;
        let is_cleared = |at: u64| {
            let is_before = wipe == Some(Wipe::Zero) && at < start;
            is_before || places.iter().any(|place| place.contains(&at))
        };
        for place in &places {
            for at in [place.start.saturating_sub(1), place.start, place.end - 1, place.end] {
                if at < bench.device.size() {
                    let expected = if is_cleared(at) { 0 } else { 0xee };
                    assert_eq!(byte(&bench, at), expected, "{wipe:?} {at:#x} {places:x?}");
                }
            }
        }
        assert_eq!(bench.device.take_deeds().last(), Some(&Deed::Flush));
    }
}

#[test]
fn a_drive_that_keeps_its_promise_is_given_back_whole_and_not_overwritten() {
    let bench = bench_of(9 << 10, Some(Wipe::Discard));
    *bench.device.discards.lock().unwrap() = Discards::Kept;
    bench.device.write_at(&[0xee; 4096], 5 << 30).unwrap();
    bench.device.take_deeds();
    cleared(&bench, &options()).unwrap();
    let gib = |range: Range<u64>| Deed::Discard(range.start << 30..range.end << 30);
    let deeds = bench.device.take_deeds();
    assert_eq!(deeds[..4], [gib(0..4), gib(4..8), gib(8..9), Deed::Flush]);
    assert_eq!(byte(&bench, 5 << 30), 0);
    let written =
        deeds.iter().map(|deed| if let Deed::Write(_, bytes) = deed { *bytes } else { 0 });
    assert!(written.sum::<usize>() < 3 << 20, "{deeds:?}");
}

#[test]
fn a_drive_that_cannot_discard_or_breaks_its_promise_is_overwritten_whole() {
    for discards in [Discards::Never, Discards::Broken] {
        let bench = bench_of(230, Some(Wipe::Discard));
        *bench.device.discards.lock().unwrap() = discards;
        // Where the look reads, and where it need not.
        for at in [0, 77 << 20, (150 << 20) + 5, bench.device.size() - 1] {
            bench.device.write_at(&[0xee], at).unwrap();
        }
        cleared(&bench, &options()).unwrap();
        for at in [0, 77 << 20, (150 << 20) + 5, bench.device.size() - 1] {
            assert_eq!(byte(&bench, at), 0, "{discards:?} {at:#x}");
        }
    }
}

#[test]
fn a_stop_is_heard_before_anything_is_discarded_or_written() {
    for wipe in [None, Some(Wipe::Discard)] {
        let bench = bench_of(230, wipe);
        *bench.device.discards.lock().unwrap() = Discards::Kept;
        let options = options();
        options.stop.ask();
        assert_eq!(cleared(&bench, &options).unwrap_err().code(), "stopped");
        assert_eq!(bench.device.take_deeds(), []);
    }
}

#[test]
fn tables_that_somebody_has_changed_are_written_again_before_the_seal() {
    let bench = bench_of(300, None);
    let end = bench.device.size() - 512;
    bench.with_target(|layout, target| {
        write(bench.begun(), layout, target, &VoidMonitor).unwrap();
        let whole =
            [bench.device.at(0, 40 << 10), bench.device.at(end + 512 - (20 << 10), 20 << 10)];
        for (at, length) in [(0, 512), (512, 512), (0, 1 << 20), (1024, 600), (end, 512)] {
            bench.device.write_at(&vec![0; length], at).unwrap();
            renew(bench.begun(), layout, target).unwrap();
            let found =
                [bench.device.at(0, 34 * 512), bench.device.at(end + 512 - (20 << 10), 20 << 10)];
            assert!(found[0] == whole[0][..34 * 512] && found[1] == whole[1], "{at}");
        }
        bench.device.take_deeds();
        renew(bench.begun(), layout, target).unwrap();
        assert!(bench.device.take_deeds().is_empty(), "what is whole is left as it is");
    });
}

#[test]
fn the_backup_table_is_written_before_the_primary_and_both_before_the_step_is_done() {
    let bench = bench_of(230, None);
    bench.with_target(|layout, target| write(bench.begun(), layout, target, &VoidMonitor)).unwrap();
    let deeds = bench.device.take_deeds();
    let [Deed::Write(backup, _), Deed::Write(0, _), Deed::Flush] = deeds[..] else {
        panic!("{deeds:?}");
    };
    assert!(backup >= bench.device.size() - (1 << 20), "{backup:#x}");
    assert!(read_gpt(&bench.device).names_disk(bench.begun().disk_guid));
    // A run that was ended there finds nobody else's bytes.
    check_untouched(bench.begun(), &bench.device, Look::Places { seed: 7 }).unwrap();
}

#[test]
fn on_a_blank_drive_that_was_begun_only_our_own_tables_may_lie() {
    let bench = bench_of(230, None);
    let look = Look::Places { seed: 7 };
    let check = |code: &str| match check_untouched(bench.begun(), &bench.device, look) {
        Ok(()) => assert_eq!(code, "fit"),
        Err(error) => {
            assert_eq!((error.code(), error.kind()), (code, ErrorKind::Guard), "{error:?}");
        }
    };
    check("fit");
    let mut places: Vec<u64> = places_of(&bench).iter().map(|place| place.end - 1).collect();
    places.extend(places_of(&bench).iter().map(|place| place.start));
    for at in places {
        bench.device.write_at(&[0xee], at).unwrap();
        check("drive-used-since-begun");
        bench.device.write_at(&[0], at).unwrap();
    }
    // The tables of another disk are somebody's.
    let other = Begun { disk_guid: uuid::Uuid::from_u128(7), ..bench.begun().clone() };
    bench.with_target(|layout, target| write(&other, layout, target, &VoidMonitor)).unwrap();
    check("drive-used-since-begun");
}
