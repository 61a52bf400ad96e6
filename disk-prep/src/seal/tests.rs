//! What is written when a drive is sealed, in which order; what is said of it; and that nothing is
//! called sealed that does not read back.

use super::*;
use crate::dataset::DataFile;
use crate::journal::{
    Copied, FileChange, FileEnd, FileRecord, Finished, JournalOnly, LeftOut, Progress, Record,
};
use crate::noun::{DriveFault, ErrorKind, Md5Digest, Sha256Digest};
use crate::prepare::tests::{Bench, Deed};
use crate::volume::bitlocker::unlock::UnlockedVolume;
use crate::volume::bitlocker::write::METADATA_BYTES;

/// A file that was copied.
fn copied(file: &DataFile) -> FileEnd {
    let (md5, sha256) = (Md5Digest::new([7; 16]), Sha256Digest::new([9; 32]));
    let blocks = file.bytes.div_ceil(4 << 20) as usize;
    FileEnd::Copied(Copied::new(md5, sha256, vec![md5; blocks]))
}

/// Notes what became of files, by their indices.
fn note(bench: &mut Bench, ends: impl IntoIterator<Item = (usize, FileEnd)>) {
    let finished = |(index, end)| {
        let file = FileRecord { index, bytes: 0, modified_ns: 0, end };
        Finished { segment: index as u64, file: Some(file) }
    };
    let finished = ends.into_iter().map(finished).collect();
    let progress = Record::Progress(Progress { finished, ..Progress::default() });
    bench.drive.journal.append(progress).unwrap();
}

/// A blank drive onto which all was copied.
fn filled(profile: Profile, files: Vec<DataFile>) -> Bench {
    let mut bench = Bench::blank(profile, files);
    bench.drive.journal.append(Record::Labelled).unwrap();
    let files = bench.drive.plan.files.clone();
    note(&mut bench, files.iter().enumerate().map(|(index, file)| (index, copied(&file.unpack()))));
    bench
}

fn sealing<T>(bench: &Bench, act: impl FnOnce(&Sealing<'_>) -> T) -> T {
    let (begun, plan) = (bench.begun(), &bench.drive.plan);
    bench.with_target(|layout, target| act(&Sealing { begun, plan, layout, target }))
}

fn at() -> Timestamp {
    Timestamp::from_second(1_800_000_001).unwrap()
}

#[test]
fn the_plain_header_is_written_last_after_all_else_is_on_the_medium_and_opens_the_volume() {
    let bench =
        filled(Profile::Modern, vec![DataFile::sample("a", 5000), DataFile::sample("b", 0)]);
    sealing(&bench, |sealing| {
        sealing.write_manifest(&bench.drive.journal).unwrap();
        bench.device.take_deeds();
        sealing.seal(&bench.drive.journal, at()).unwrap();
        let (disk, placement) = (&sealing.layout.disk, &sealing.layout.placement);
        let start = disk.partition_start;
        let metadata = placement.metadata().map(|at| Deed::Write(start + at, METADATA_BYTES));
        let [first, second, third] = metadata;
        let header_copy = Deed::Write(start + placement.header_copy(), 8192);
        let header = Deed::Write(start, 8192);
        assert_eq!(
            bench.device.take_deeds(),
            [Deed::Flush, header_copy, third, second, first, Deed::Flush, header, Deed::Flush]
        );
        let password = bench.begun().password(&JournalOnly).unwrap();
        let volume =
            UnlockedVolume::open(&bench.device, start, disk.partition_bytes, &password).unwrap();
        assert_eq!(volume.intact_copies(), 3);
        let mut boot = vec![0; 8192];
        volume.read_at(0, &mut boot).unwrap();
        assert_eq!(boot, sealing.layout.volume.boot_area());
    });
}

#[test]
fn the_job_is_told_the_hashes_of_what_is_on_the_drive_and_what_the_manifest_lists() {
    for profile in [Profile::Legacy, Profile::Modern] {
        let side = DataFile { listing: Listing::SideFile, ..DataFile::sample("side", 300) };
        let files = vec![
            DataFile::sample("a", 5000),
            DataFile::sample("b", 0),
            DataFile::sample("c", 9),
            side,
        ];
        let mut bench = filled(profile, files);
        let c = bench.drive.plan.files.iter().position(|own| own.bytes() == 9).unwrap();
        let why = LeftOut::new(FileChange::FileUnreadable, "it cannot be read");
        note(&mut bench, [(c, FileEnd::LeftOut(why))]);
        let (start, text, sealed) = sealing(&bench, |sealing| {
            sealing.write_manifest(&bench.drive.journal).unwrap();
            let text = sealing.manifest_into(&bench.drive.journal, Vec::new()).unwrap();
            (sealing.target.volume_start, text, sealing.seal(&bench.drive.journal, at()).unwrap())
        });
        assert_eq!((sealed.at, sealed.files, sealed.bytes), (at(), 2, 5000));
        let hash = |offset, bytes| hex_upper(&Sha512::digest(bench.device.at(offset, bytes)));
        let (manifest_hash, header_hash) = match profile {
            Profile::Legacy => (hex_upper(&Md5::digest(&text)), None),
            Profile::Modern => {
                let (head, volume) = (hash(0, 1_048_576), hash(start, 143_360));
                let both = format!("0:1048576:{head};{start}:143360:{volume}");
                (hex_upper(&Sha256::digest(&text)), Some(both))
            }
        };
        assert_eq!((sealed.manifest_hash, sealed.header_hash), (manifest_hash, header_hash));
    }
}

/// The drive is no volume then, or none that is called sealed.
fn expect_read_back(bench: &Bench, sealing: &Sealing<'_>, bad: u64, told: u64) {
    *bench.device.bad.lock().unwrap() = Some(bad);
    match sealing.seal(&bench.drive.journal, at()) {
        Err(Fault::ReadBack { offset, .. }) => assert_eq!(offset, told),
        other => panic!("{bad:#x}: {other:?}"),
    }
    *bench.device.bad.lock().unwrap() = None;
}

#[test]
fn a_byte_that_reads_back_different_in_any_place_is_told_with_that_place() {
    let bench = filled(Profile::Modern, vec![DataFile::sample("a", 5000)]);
    sealing(&bench, |sealing| {
        sealing.write_manifest(&bench.drive.journal).unwrap();
        let (start, placement) = (sealing.target.volume_start, &sealing.layout.placement);
        let manifest = sealing.layout.manifest_runs()[0].first_cluster * CLUSTER_BYTES;
        let places = [0, placement.header_copy(), manifest].into_iter();
        for place in places.chain(placement.metadata()) {
            expect_read_back(&bench, sealing, start + place + 77, start + place);
        }
        sealing.seal(&bench.drive.journal, at()).unwrap();
    });
}

#[test]
fn a_manifest_that_takes_several_reads_is_compared_to_its_last_byte() {
    let long = "n".repeat(200);
    let names = (0..9000).map(|number| format!("{long}{number}"));
    let bench = filled(Profile::Modern, names.map(|name| DataFile::sample(&name, 0)).collect());
    sealing(&bench, |sealing| {
        sealing.write_manifest(&bench.drive.journal).unwrap();
        let sealed = sealing.seal(&bench.drive.journal, at()).unwrap();
        assert_eq!(sealed.files, 9000);
        let text = sealing.manifest_into(&bench.drive.journal, Vec::new()).unwrap();
        assert!(text.len() > 4 << 20, "{}", text.len());
        assert_eq!(sealed.manifest_hash, hex_upper(&Sha256::digest(&text)));
        let last = text.len() as u64 - 1;
        let place = |at| place_in_runs(&sealing.layout.manifest_runs(), CLUSTER_BYTES, at).0;
        let start = sealing.target.volume_start;
        expect_read_back(&bench, sealing, start + place(last), start + place(0));
    });
}

#[test]
fn a_manifest_may_end_with_a_cluster() {
    // The blob's name stands in it once.
    let padded = |pad: usize| {
        let named = |part: usize| {
            let blob =
                format!("seed/{part}{}", "n".repeat((pad.saturating_sub(part * 800)).min(800)));
            DataFile { blob: blob.parse().unwrap(), ..DataFile::sample(&part.to_string(), 0) }
        };
        (0..6).map(named).collect::<Vec<_>>()
    };
    let serial = "S1".parse().unwrap();
    let length = |pad| crate::manifest::length_bytes(&serial, &padded(pad).into_iter().collect());
    let pad = (0..4096).find(|&pad| length(pad).is_multiple_of(CLUSTER_BYTES)).unwrap();
    let bench = filled(Profile::Modern, padded(pad));
    sealing(&bench, |sealing| {
        assert_eq!(sealing.layout.manifest_bytes % CLUSTER_BYTES, 0);
        sealing.write_manifest(&bench.drive.journal).unwrap();
        assert_eq!(sealing.seal(&bench.drive.journal, at()).unwrap().files, 6);
    });
}

#[test]
fn a_manifest_that_does_not_say_what_was_planned_is_not_even_written() {
    let mut bench = filled(Profile::Modern, vec![DataFile::sample("a", 9 << 20)]);
    // A journal that has lost the digests of two of three blocks.
    note(&mut bench, [(0, copied(&DataFile::sample("a", 1)))]);
    let error =
        sealing(&bench, |sealing| sealing.write_manifest(&bench.drive.journal)).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("manifest-unreadable", ErrorKind::Difference));
    assert_eq!(bench.device.take_deeds(), []);
}
