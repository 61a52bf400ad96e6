//! What a drive of many files takes of memory, by count.

use std::os::unix::fs::MetadataExt;

use super::*;
use crate::dataset::{DataFile, Packer};
use crate::drive::{Clearance, DriveName, NamedDrive, hold};
use crate::manifest::Profile;
use crate::monitor::VoidMonitor;
use crate::noun::ByteSize;
use crate::prepare::{CHECKPOINT_BYTES, FillOptions, PrepareOptions, begin, prepare};
use crate::sys::heap::most;
use crate::world::RealWorld;

/// Bytes that making a drive of so many empty files takes on its thread, and reading it back.
fn taken(count: usize) -> (usize, usize) {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    let mut packer = Packer::default();
    for at in 0..count {
        // Names of 21 letters, 1000 a folder.
        let (below, name) = (format!("folder-{:05}", at / 1000), format!("document-{at:08}.txt"));
        let path = source.join(&below).join(&name);
        if at % 1000 == 0 {
            std::fs::create_dir_all(source.join(&below)).unwrap();
        }
        std::fs::File::create(&path).unwrap();
        let about = std::fs::metadata(&path).unwrap();
        packer.push(&DataFile {
            source: format!("{below}/{name}").into(),
            path: format!("\\job-1\\{below}\\{name}").parse().unwrap(),
            blob: format!("target/{below}/{name}").parse().unwrap(),
            modified_ns: about.mtime() * 1_000_000_000 + about.mtime_nsec(),
            ..DataFile::sample("any", 0)
        });
    }
    let files = packer.finish_sorted();
    let path = folder.path().join("S1.img");
    let name = DriveName::Path { path, serial: None, bytes: Some(ByteSize(400 << 20)) };
    let found = NamedDrive::find(&name).unwrap();
    let journals = JournalFolder::new(folder.path().join("journals"));
    journals.create().unwrap();
    let stop = StopFlag::default();
    let options = PrepareOptions {
        job: "job-1".parse().unwrap(),
        container: None,
        cipher: Cipher::XtsAes128,
        profile: Profile::Modern,
        omit_zeros: false,
        strict: false,
        checkpoint_bytes: CHECKPOINT_BYTES,
        erase: Vec::new(),
        wipe: None,
        keeper: Arc::new(JournalOnly),
        stop: stop.clone(),
    };
    let world = RealWorld;
    let (sealed, made) = most(|| {
        let drive = &found.drive;
        let mut begun =
            begin(drive, Clearance::BLANK, &files, &journals, &options, &world).unwrap();
        let mut held = hold(&found).unwrap();
        let device = held.device().unwrap();
        let fill = FillOptions::new(false, 1, &files, false, stop);
        prepare(&mut begun, device.as_ref(), &source, &fill, &world, &VoidMonitor).unwrap()
    });
    assert_eq!((sealed.sealed.files, sealed.left_out.len()), (count as u64, 0));
    let found = NamedDrive::find(&name).unwrap();
    let options = VerifyOptions { journals: Some(journals), ..VerifyOptions::default() };
    let (report, read) = most(|| verify(&found.drive, &options, &VoidMonitor).unwrap());
    assert_eq!((report.files, report.differences), (count as u64, Vec::new()));
    (made, read)
}

#[test]
fn a_drive_of_many_files_is_made_and_verified_with_little_memory_for_each() {
    // Just below powers of two, where lists that double are nearly full.
    const FEW: usize = 8_000;
    const MANY: usize = 32_000;
    let (few, many) = (taken(FEW), taken(MANY));
    let a_file = |few: usize, many: usize| (many - few) / (MANY - FEW);
    let (made, read) = (a_file(few.0, many.0), a_file(few.1, many.1));
    println!("{made} bytes a file to make a drive, {read} to verify it");
    assert!(read <= 64 + 21 + 15, "{read} bytes a file to verify");
    // A checkpoint of as many files as there are here is a part of it; of millions it is not.
    assert!(made <= 240, "{made} bytes a file to make a drive");
}
