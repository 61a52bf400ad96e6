//! Points that become disks again in the small world, by runs that end after any step.

use std::path::PathBuf;

use super::*;
use crate::disk_backup::chain::POINT;
use crate::disk_backup::checked::Check;
use crate::disk_backup::points::DiskPoint;
use crate::disk_backup::promote::{Promoted, Promotion};
use crate::disk_backup::restore::{MadeDisk, Restoration};
use crate::disk_backup::table::{NOTHING, Table};

/// A rig whose disk has been backed up once, and the point.
fn protected() -> (Rig, DiskPoint) {
    let rig = Rig::new(5, Nature::Azure, Mode::Service);
    for at in 0..6 {
        rig.source.set(at * 3, 7, PageState::Written);
    }
    let made = rig.run(usize::MAX, None, Uuid::from_u128(1)).unwrap();
    let bytes = made.bytes;
    let (source_snapshot, backup_snapshot) = (made.source_snapshot, made.point);
    (
        rig,
        DiskPoint {
            source_snapshot,
            backup_snapshot,
            bytes,
            copy: "copy".to_owned(),
            generation: 1,
        },
    )
}

fn death<'a>(looks: usize, machine: &'a (dyn Fn() + Sync)) -> Death<'a> {
    Death { left: AtomicUsize::new(looks), machine }
}

#[test]
fn a_restore_that_dies_anywhere_is_gone_on_with_and_its_disk_sends_only_what_changed() {
    let mut deaths = 0;
    for looks in 0.. {
        let (rig, point) = protected();
        let (disk, onward) =
            (Memory::new(&rig.source.world, "disk2"), Memory::new(&rig.source.world, "copy2"));
        let (new, copy): (Arc<dyn PageBlob>, Arc<dyn PageBlob>) =
            (Arc::new(disk.clone()), Arc::new(onward.clone()));
        let backup = Uuid::from_u128(8);
        let restored = |looks, run: u128| -> Result<MadeDisk, Error> {
            let restoration = Restoration {
                point: &point,
                copy: &rig.copy,
                disk: &new,
                onward: Some(&copy),
                backup,
                run: Uuid::from_u128(run),
                former: Some(Uuid::from_u128(run - 1)),
                by_service: false,
                verify: Verify::None,
                check: None,
            };
            restoration.make(&death(looks, &|| {}))
        };
        let has_died = restored(looks, 11).is_err();
        deaths += usize::from(has_died);
        // Somebody uses the new disk before the restore has ended.
        let is_whole =
            disk.facts(None).unwrap().is_some_and(|own| own.metadata.contains_key("bk_filled"));
        let is_used = has_died && is_whole && looks % 2 == 0;
        if is_used {
            disk.set(3, 9, PageState::Written);
        }
        let made = restored(usize::MAX, 12).unwrap();
        let first = disk.content(made.snapshot.as_ref().unwrap());
        if !is_used {
            assert_eq!(first, rig.target.content(&point.backup_snapshot), "{looks}");
        }
        assert!(restored(usize::MAX, 13).unwrap().was_there);
        disk.set(5, 4, PageState::Written);
        let round = Round {
            source: &new,
            target: &copy,
            backup,
            run: Uuid::from_u128(14),
            former: None,
            mode: Mode::Service,
            by_service: false,
            first_via: Via::Client,
            via: Via::Client,
            verify: Verify::Full,
            is_anew: false,
        };
        let next = round.make(&death(usize::MAX, &|| {})).unwrap();
        let last = if next.is_first {
            round.make(&death(usize::MAX, &|| {})).unwrap()
        } else {
            next.clone()
        };
        assert_eq!(onward.content(&last.point), disk.content(&last.source_snapshot), "{looks}");
        for point in onward.snapshots().unwrap() {
            let of = &point.metadata[POINT];
            if disk.snapshots().unwrap().iter().any(|own| own.id == *of) {
                assert_eq!(onward.content(&point.id), disk.content(of), "{looks}");
            }
        }
        if !has_died {
            assert_eq!(next.counts.written_bytes, PAGE as u64, "only what changed");
            break;
        }
    }
    println!("{deaths} restores died");
    assert!(deaths >= 8, "{deaths}");
}

#[test]
fn a_restore_takes_nothing_that_is_somebody_elses() {
    let (rig, point) = protected();
    let foreign = rig.disk.beside("foreign");
    foreign.create(512, &BTreeMap::new()).unwrap();
    let restoration = Restoration {
        point: &point,
        copy: &rig.copy,
        disk: &foreign,
        onward: None,
        backup: rig.backup,
        run: Uuid::from_u128(2),
        former: None,
        by_service: false,
        verify: Verify::Full,
        check: None,
    };
    let error = restoration.make(&death(usize::MAX, &|| {})).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("disk-restore-taken", ErrorKind::Guard));
    let alone = rig.disk.beside("alone");
    let restoration = Restoration { disk: &alone, ..restoration };
    let made = restoration.make(&death(usize::MAX, &|| {})).unwrap();
    assert!(made.proven_bytes.is_some() && made.snapshot.is_none(), "{made:?}");
}

#[test]
fn a_point_is_compared_with_its_table_while_it_is_read() {
    let (rig, point) = protected();
    let side = (rig.copy.as_ref(), Some(point.backup_snapshot.as_str()));
    let found = compare(side, side, None, &death(usize::MAX, &|| {})).unwrap();
    let table = found.table.unwrap();
    let mut other = table.clone();
    other.set(0, [1; 32]);
    let mut empty = table.clone();
    empty.set(0, NOTHING);
    let restored = |name: &str, table: &Table, has_backup: bool| {
        let (disk, onward) = (rig.disk.beside(name), rig.copy.beside(&format!("{name}-copy")));
        let restoration = Restoration {
            point: &point,
            copy: &rig.copy,
            disk: &disk,
            onward: Some(&onward).filter(|_| has_backup),
            backup: Uuid::from_u128(8),
            run: Uuid::from_u128(3),
            former: None,
            by_service: false,
            verify: Verify::None,
            check: Some(Check { table, point: &point.source_snapshot }),
        };
        restoration.make(&death(usize::MAX, &|| {}))
    };
    for has_backup in [false, true] {
        let name = format!("new-{has_backup}");
        let begun = if has_backup { format!("{name}-copy") } else { name.clone() };
        for wrong in [&other, &empty] {
            let error = restored(&name, wrong, has_backup).unwrap_err();
            let told = (error.code(), error.kind());
            assert_eq!(told, ("disk-point-differs", ErrorKind::Difference));
            assert!(error.to_string().contains(&begun), "{error}");
            let half = rig.copy.beside(&begun).facts(None).unwrap().unwrap();
            assert!(!half.metadata.contains_key("bk_filled"), "it does not look whole");
        }
        let made = restored(&name, &table, has_backup).unwrap();
        assert!(made.is_compared && !made.was_there);
        // What is there nobody reads.
        assert!(!restored(&name, &table, has_backup).unwrap().is_compared);
    }
}

#[test]
fn a_point_that_is_put_over_the_disk_dies_anywhere_and_loses_neither_old_nor_new() {
    let mut deaths = 0;
    for looks in 0.. {
        let (rig, point) = protected();
        for at in 0..5 {
            rig.source.set(at * 4, 5, PageState::Written);
        }
        rig.source.set(9, 0, PageState::Cleared);
        rig.source.resize(20 * PAGE as u64, Uuid::nil()).unwrap();
        let old: Vec<u8> = rig
            .source
            .with(|own| own.disk.as_ref().unwrap().pages.iter().map(|own| own.0).collect());
        let promoted = |looks, run: u128, point: &DiskPoint| -> Result<Promoted, Error> {
            let promotion = Promotion {
                point,
                copy: &rig.copy,
                disk: &rig.disk,
                backup: rig.backup,
                run: Uuid::from_u128(run),
                former: Some(Uuid::from_u128(run - 1)),
                verify: Verify::Full,
            };
            promotion.make(&death(looks, &|| {}))
        };
        let first = promoted(looks, 11, &point);
        let has_died = first.is_err();
        deaths += usize::from(has_died);
        if promoting(&rig) {
            // No point is made of a disk that is half one and half the other.
            let error = rig.run(usize::MAX, None, Uuid::from_u128(20)).unwrap_err();
            assert_eq!(error.code(), "disk-promote-unfinished");
            let other = DiskPoint { backup_snapshot: "other".to_owned(), ..point.clone() };
            let error = promoted(usize::MAX, 21, &other).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Resumable);
        }
        let made = first.or_else(|_| promoted(usize::MAX, 12, &point)).unwrap();
        let now: Vec<u8> = rig
            .source
            .with(|own| own.disk.as_ref().unwrap().pages.iter().map(|own| own.0).collect());
        assert_eq!(now, rig.target.content(&point.backup_snapshot), "{looks}");
        if made.is_resumed || !has_died {
            assert_eq!(rig.source.content(&made.before), old, "{looks}");
        }
        let quiet = Round {
            source: &rig.disk,
            target: &rig.copy,
            backup: rig.backup,
            run: Uuid::from_u128(13),
            former: None,
            mode: Mode::Service,
            by_service: false,
            first_via: Via::Client,
            via: Via::Client,
            verify: Verify::Full,
            is_anew: false,
        };
        let next = quiet.make(&death(usize::MAX, &|| {})).unwrap();
        assert_eq!(rig.target.content(&next.point), now);
        assert!(rig.source.facts(Some(&made.before)).unwrap().is_some(), "it stays");
        if !has_died {
            break;
        }
    }
    println!("{deaths} promotes died");
    assert!(deaths >= 5, "{deaths}");
    let (rig, point) = protected();
    rig.disk.lease(Uuid::from_u128(99), 60).unwrap();
    let promotion = Promotion {
        point: &point,
        copy: &rig.copy,
        disk: &rig.disk,
        backup: rig.backup,
        run: Uuid::from_u128(2),
        former: None,
        verify: Verify::None,
    };
    assert_eq!(promotion.make(&death(9, &|| {})).unwrap_err().code(), "disk-in-use");
}

fn promoting(rig: &Rig) -> bool {
    rig.source.facts(None).unwrap().unwrap().metadata.contains_key("bk_promoting")
}

#[test]
fn a_full_disk_is_told_apart_from_a_broken_one() {
    let error =
        |kind: std::io::ErrorKind| Error::Image { path: PathBuf::from("i"), source: kind.into() };
    let full = error(std::io::ErrorKind::StorageFull);
    assert_eq!((full.code(), full.kind()), ("disk-image-full", ErrorKind::Resumable));
    let other = error(std::io::ErrorKind::PermissionDenied);
    assert_eq!((other.code(), other.kind()), ("disk-image-file", ErrorKind::Failed));
}
