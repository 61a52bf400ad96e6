//! One drive after another on image files: prepared, verified, damaged, resumed.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests set their stage with plain files and may fail anywhere"
)]

#[allow(dead_code, reason = "the example's `main` is not called")]
#[path = "../examples/open_volume.rs"]
mod open_volume;

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use disk_prep::dataset::{DataSet, FileList, FilesOptions, scan};
use disk_prep::drive::{DriveName, NamedDrive, find};
use disk_prep::journal::{JournalFolder, JournalOnly};
use disk_prep::known::find_known;
use disk_prep::manifest::Profile;
use disk_prep::monitor::{Monitor, RecordingMonitor, VoidMonitor};
use disk_prep::noun::{
    ByteSize, Cipher, Diagnose, DriveError, ErrorKind, ImportDisposition, RecoveryPassword, Serial,
};
use disk_prep::pool::{DriveBay, NoBay, Offer, PrepareOutcome, PrepareRun};
use disk_prep::prepare::{CHECKPOINT_BYTES, PrepareOptions};
use disk_prep::stop::StopFlag;
use disk_prep::verify::{Difference, VerifyOptions, verify};
use disk_prep::volume::bitlocker::write::StretchedKey;
use disk_prep::world::{NotBegun, RealWorld, World};
use disk_prep::{Error, Unready};
use jiff::Timestamp;
use uuid::Uuid;

struct Bench {
    folder: tempfile::TempDir,
    options: PrepareOptions,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("source")).unwrap();
        Bench {
            folder,
            options: PrepareOptions {
                job: "job-1".parse().unwrap(),
                container: None,
                cipher: Cipher::default(),
                profile: Profile::Legacy,
                omit_zeros: false,
                strict: false,
                checkpoint_bytes: CHECKPOINT_BYTES,
                erase: Vec::new(),
                wipe: None,
                keeper: Arc::new(JournalOnly),
                stop: StopFlag::default(),
            },
        }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, bytes: usize) {
        let path = self.path("source").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let seed = name.len() as u64 * 7919 + bytes as u64;
        let mut state = seed | 1;
        let content: Vec<u8> = (0..bytes)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state as u8
            })
            .collect();
        fs::write(path, content).unwrap();
    }

    fn data_set(&self) -> DataSet {
        let options = FilesOptions {
            job: "job-1".parse().unwrap(),
            container: "target".parse().unwrap(),
            prefix: String::new(),
            blob_type: disk_prep::noun::BlobType::BlockBlob,
            disposition: ImportDisposition::Overwrite,
            never: &[],
            only: None,
            together: &[],
        };
        scan(&self.path("source"), &options).unwrap()
    }

    fn drive(&self, serial: &str, mib: u64) -> DriveName {
        let path = self.path(&format!("{serial}.img"));
        let bytes = (!path.exists()).then_some(ByteSize(mib << 20));
        DriveName::Path { path, serial: None, bytes }
    }

    fn run(&self, drives: &[DriveName]) -> Result<PrepareOutcome, disk_prep::Error> {
        self.run_with(drives, &NoBay)
    }

    fn run_with(
        &self,
        drives: &[DriveName],
        bay: &dyn DriveBay,
    ) -> Result<PrepareOutcome, disk_prep::Error> {
        self.run_told(drives, bay, &VoidMonitor)
    }

    fn run_told(
        &self,
        drives: &[DriveName],
        bay: &dyn DriveBay,
        monitor: &dyn Monitor,
    ) -> Result<PrepareOutcome, disk_prep::Error> {
        self.run_in(&RealWorld, drives, bay, monitor)
    }

    fn run_in(
        &self,
        world: &dyn World,
        drives: &[DriveName],
        bay: &dyn DriveBay,
        monitor: &dyn Monitor,
    ) -> Result<PrepareOutcome, disk_prep::Error> {
        let drives = drives.iter().map(NamedDrive::find).collect::<Result<Vec<_>, _>>()?;
        PrepareRun {
            data_set: &self.data_set(),
            drives: &drives,
            absent: &[],
            bay,
            journals: JournalFolder::new(self.path("journals")),
            options: self.options.clone(),
            elsewhere: &[],
            world,
            monitor,
        }
        .run()
    }

    fn differences(&self, name: &DriveName) -> Vec<Difference> {
        let journals = Some(JournalFolder::new(self.path("journals")));
        let options = VerifyOptions { journals, ..VerifyOptions::default() };
        verify(&find(name).unwrap(), &options, &VoidMonitor).unwrap().differences
    }
}

fn flip(path: &Path, offset: u64) {
    let file = fs::File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], offset).unwrap();
}

#[test]
fn a_prepared_drive_verifies_with_every_cipher_and_profile() {
    for (cipher, profile) in [
        (Cipher::XtsAes256, Profile::Legacy),
        (Cipher::XtsAes128, Profile::Modern),
        (Cipher::CbcAes256, Profile::Legacy),
        (Cipher::CbcAes128, Profile::Modern),
    ] {
        let mut bench = Bench::new();
        bench.options.cipher = cipher;
        bench.options.profile = profile;
        bench.file("a/empty", 0);
        bench.file("a/one", 1);
        bench.file("a/cluster", 4096);
        bench.file("b/ünïcode 名前.txt", 5000);
        bench.file("large", 90_000_001);
        for number in 0..300 {
            bench.file(&format!("many/entry-{number:04}"), 10 * number);
        }
        let outcome = bench.run(&[bench.drive("S1", 400)]).unwrap();
        assert!(outcome.failed.is_empty() && outcome.unplaced.is_empty(), "{outcome:?}");
        assert_eq!(outcome.sealed[0].sealed.files, 305);
        assert_eq!(outcome.sealed[0].sealed.header_hash.is_some(), profile == Profile::Modern);
        assert_eq!(bench.differences(&bench.drive("S1", 400)), []);
        let again = bench.run(&[bench.drive("S1", 400)]).unwrap();
        assert_eq!((again.sealed.len(), again.newly_sealed), (1, 0));
    }
}

#[test]
fn a_flipped_bit_is_found_in_exactly_its_block() {
    let bench = Bench::new();
    bench.file("large", 90_000_001);
    bench.file("small", 100);
    bench.run(&[bench.drive("S1", 400)]).unwrap();
    flip(&bench.path("S1.img"), (129 << 20) + (50 << 20));
    let found = bench.differences(&bench.drive("S1", 400));
    let (path, bytes) = ("\\job-1\\large".to_owned(), 4 << 20);
    assert_eq!(found, [Difference::Block { path, offset: 48 << 20, bytes }]);
}

#[test]
fn data_spans_drives_and_too_few_are_filled_first() {
    let bench = Bench::new();
    for number in 0..12 {
        bench.file(&format!("pack-{number:02}"), 16 << 20);
    }
    let few = bench.run(&[bench.drive("S1", 260)]).unwrap();
    assert_eq!(few.sealed.len(), 1);
    assert!(!few.unplaced.is_empty());
    let more = bench
        .run(&[bench.drive("S1", 260), bench.drive("S2", 260), bench.drive("S3", 400)])
        .unwrap();
    assert!(more.unplaced.is_empty() && more.failed.is_empty(), "{more:?}");
    let files: u64 = more.sealed.iter().map(|drive| drive.sealed.files).sum();
    assert_eq!((files, more.newly_sealed), (12, 1));
    assert_eq!(more.unused.len(), 1);
    assert!(!bench.path("S2.img").exists(), "a drive that is not needed is not touched");
    for drive in &more.sealed {
        assert_eq!(bench.differences(&bench.drive(drive.serial.as_str(), 0)), []);
    }
}

#[test]
fn what_cannot_be_used_is_refused_before_anything_is_written() {
    let bench = Bench::new();
    bench.file("a", 1000);
    let code = |drives: &[DriveName]| bench.run(drives).unwrap_err().code();
    assert_eq!(code(&[bench.drive("S1", 100)]), "drive-too-small");
    fs::write(bench.path("S2.img"), vec![1; 300 << 20]).unwrap();
    assert_eq!(code(&[bench.drive("S3", 300), bench.drive("S2", 0)]), "drive-not-blank");
    assert!(!bench.path("S3.img").exists());
    assert_eq!(code(&[bench.drive("S3", 300), bench.drive("S3", 300)]), "serial-twice");
    bench.file("huge", 300 << 20);
    assert_eq!(code(&[bench.drive("S3", 300)]), "file-too-large-for-drives");
    // Larger than what the volume leaves of the drive: the room that is told is less than is needed.
    fs::File::options()
        .write(true)
        .open(bench.path("source/huge"))
        .unwrap()
        .set_len(290 << 20)
        .unwrap();
    let told = bench.run(&[bench.drive("S3", 300)]).unwrap_err().to_string();
    let numbers: Vec<u64> = told.split([' ', ';']).filter_map(|word| word.parse().ok()).collect();
    assert!(numbers[0] == 290 << 20 && numbers[1] < numbers[0] && numbers[1] > 150 << 20, "{told}");
}

/// A world that remembers no drive, and says so when one is about to be begun.
struct Forgetful(Mutex<Vec<(Serial, Uuid)>>);

impl World for Forgetful {
    fn random(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        RealWorld.random(bytes)
    }
    fn now(&self) -> Timestamp {
        RealWorld.now()
    }
    fn stretch(&self, password: &RecoveryPassword, salt: &[u8; 16]) -> StretchedKey {
        RealWorld.stretch(password, salt)
    }
    fn will_begin(&self, drives: &[(Serial, Uuid)]) -> Result<(), NotBegun> {
        self.0.lock().unwrap().extend_from_slice(drives);
        let error = DriveError::new(&drives[0].0, Unready::NotSealed);
        Err(NotBegun(Box::new(Error::from(error))))
    }
}

#[test]
fn no_drive_is_begun_that_could_not_be_remembered_before() {
    let bench = Bench::new();
    bench.file("file", 3_000_000);
    let (name, world) = (bench.drive("S1", 220), Forgetful(Mutex::default()));
    let error = bench.run_in(&world, &[name], &NoBay, &VoidMonitor).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("drive-not-sealed", ErrorKind::Guard));
    let told = world.0.lock().unwrap().clone();
    assert_eq!((told.len(), told[0].0.as_str()), (1, "S1"));
    let journals = fs::read_dir(bench.path("journals")).unwrap();
    let is_record = |name: &std::ffi::OsStr| name == "S1.journal" || name == "S1.plan";
    assert!(!journals.flatten().any(|entry| is_record(&entry.file_name())));
    assert!(!bench.path("S1.img").exists());
}

#[test]
fn names_that_differ_only_by_case_are_refused_before_any_of_two_drives_is_begun() {
    let bench = Bench::new();
    for name in ["A/x", "a/x"] {
        bench.file(name, 0);
        let file = fs::File::options().write(true).open(bench.path("source").join(name));
        file.unwrap().set_len(80 << 20).unwrap();
    }
    let error = bench.run(&[bench.drive("S1", 260), bench.drive("S2", 260)]).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("ntfs-names-clash", ErrorKind::Usage));
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(["\\job-1\\A", "\\job-1\\a"].iter().all(|path| cause.contains(path)), "{cause}");
    for name in ["journals", "S1.img", "S2.img"] {
        assert!(!bench.path(name).exists(), "{name}");
    }
}

#[test]
fn a_file_that_changed_since_it_was_planned_is_left_out_and_goes_on_the_next_drive() {
    let mut bench = Bench::new();
    for name in ["a", "b", "c"] {
        bench.file(name, 3_000_000);
    }
    bench.file("large", 30_000_000);
    bench.options.stop.ask();
    let stopped = bench.run(&[bench.drive("S1", 300)]).unwrap();
    assert_eq!(stopped.failed[0].1.code(), "stopped");
    assert!(stopped.sealed.is_empty());
    bench.options.stop = StopFlag::default();
    bench.file("b", 3_000_001);
    fs::remove_file(bench.path("source/large")).unwrap();
    let outcome = bench.run(&[bench.drive("S1", 0)]).unwrap();
    let left: Vec<&str> =
        outcome.sealed[0].left_out.iter().map(|(_, reason)| reason.text.as_str()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left.iter().any(|reason| reason.contains("size changed")), "{left:?}");
    assert!(left.iter().any(|reason| reason.contains("cannot be read")), "{left:?}");
    assert_eq!(outcome.sealed[0].sealed.files, 2);
    assert_eq!(bench.differences(&bench.drive("S1", 0)), [], "the manifest says what is there");
    let more = bench.run(&[bench.drive("S1", 0), bench.drive("S2", 300)]).unwrap();
    assert_eq!((more.newly_sealed, more.sealed[1].sealed.files), (1, 1), "b is there now");
}

#[test]
fn with_strict_a_changed_file_costs_the_drive() {
    let mut bench = Bench::new();
    bench.file("a", 3_000_000);
    bench.options.stop.ask();
    bench.run(&[bench.drive("S1", 300)]).unwrap();
    bench.options.stop = StopFlag::default();
    bench.options.strict = true;
    bench.file("a", 3_000_001);
    let run = |drives: &[DriveName]| {
        let monitor = RecordingMonitor::default();
        let outcome = bench.run_told(drives, &NoBay, &monitor).unwrap();
        assert_eq!(outcome.failed[0].1.code(), "source-changed");
        let ends = monitor.lines().into_iter().filter_map(|line| {
            line.starts_with("Drive").then(|| line.split(' ').next().unwrap().to_owned())
        });
        (ends.filter(|name| name != "DrivePlanned").collect::<Vec<_>>(), outcome)
    };
    let (told, outcome) = run(&[bench.drive("S1", 0)]);
    assert_eq!(told, ["DriveFailed"], "it keeps its file for the next run");
    assert!(outcome.set_aside.is_empty() && outcome.sealed.is_empty());
    let (told, outcome) = run(&[bench.drive("S1", 0), bench.drive("S2", 300)]);
    assert_eq!(told, ["DriveFailed", "DriveSetAside"]);
    assert_eq!((outcome.set_aside.len(), outcome.newly_sealed), (1, 1));
}

/// What a run without consent to erase must do with a drive that was begun and then used.
fn expect_used(bench: &Bench, drive: &DriveName) {
    let path = bench.path("S1.img");
    let before = fs::read(&path).unwrap();
    let journal = fs::read(bench.path("journals/S1.journal")).unwrap();
    let error = bench.run(std::slice::from_ref(drive)).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("drive-used-since-begun", ErrorKind::Guard));
    assert!(fs::read(&path).unwrap() == before, "a byte was changed");
    assert_eq!(fs::read(bench.path("journals/S1.journal")).unwrap(), journal);
}

/// Begins a drive and stops before its first byte.
fn begin(bench: &mut Bench, drive: &DriveName) {
    bench.options.stop.ask();
    let stopped = bench.run(std::slice::from_ref(drive)).unwrap();
    assert_eq!(stopped.failed[0].1.code(), "stopped");
    bench.options.stop = StopFlag::default();
}

#[test]
fn a_drive_that_somebody_used_after_it_was_begun_as_blank_is_left_alone() {
    let mut bench = Bench::new();
    bench.file("a", 3_000_000);
    let drive = bench.drive("S1", 300);
    begin(&mut bench, &drive);
    let write = |bench: &Bench, bytes: &[u8], at: u64| {
        let image = fs::File::options().write(true).open(bench.path("S1.img")).unwrap();
        image.write_all_at(bytes, at).unwrap();
    };
    // Where the tables will lie, where the volume will begin, at its end, and anywhere.
    for at in [0, 512, 1 << 20, 129 << 20, (300 << 20) - 512, 77_000_001] {
        write(&bench, b"precious", at);
        expect_used(&bench, &drive);
        bench.options.erase = vec!["S1".parse().unwrap()];
        bench.options.wipe = Some(disk_prep::noun::Wipe::None);
        expect_used(&bench, &drive);
        (bench.options.erase, bench.options.wipe) = (Vec::new(), None);
        write(&bench, &[0; 8], at);
    }
    let outcome = bench.run(std::slice::from_ref(&drive)).unwrap();
    assert_eq!(outcome.newly_sealed, 1, "{outcome:?}");
    assert_eq!(bench.differences(&bench.drive("S1", 0)), []);
}

#[test]
fn consent_that_was_recorded_covers_what_is_there_when_it_goes_on() {
    let mut bench = Bench::new();
    bench.file("a", 3_000_000);
    fs::write(bench.path("S1.img"), vec![1; 300 << 20]).unwrap();
    bench.options.erase = vec!["S1".parse().unwrap()];
    bench.options.wipe = Some(disk_prep::noun::Wipe::None);
    let drive = bench.drive("S1", 0);
    begin(&mut bench, &drive);
    (bench.options.erase, bench.options.wipe) = (Vec::new(), None);
    let outcome = bench.run(std::slice::from_ref(&drive)).unwrap();
    assert_eq!(outcome.newly_sealed, 1, "{outcome:?}");
    assert_eq!(bench.differences(&drive), []);
}

#[test]
fn a_file_that_came_to_lie_where_an_image_was_to_be_made_is_never_written() {
    let mut bench = Bench::new();
    bench.file("a", 3_000_000);
    let drive = bench.drive("S1", 300);
    begin(&mut bench, &drive);
    // As after a kill between the journal's first record and the making of the image.
    fs::remove_file(bench.path("S1.img")).unwrap();
    fs::write(bench.path("S1.img"), vec![7; 300 << 20]).unwrap();
    expect_used(&bench, &drive);
    fs::remove_file(bench.path("S1.img")).unwrap();
    let outcome = bench.run(std::slice::from_ref(&drive)).unwrap();
    assert_eq!(outcome.newly_sealed, 1, "{outcome:?}");
    assert_eq!(bench.differences(&bench.drive("S1", 0)), []);
}

#[test]
fn one_new_image_under_two_names_is_refused_before_it_is_made() {
    let bench = Bench::new();
    bench.file("a", 1000);
    let named = |path: std::path::PathBuf, serial: &str| DriveName::Path {
        path,
        serial: Some(serial.parse().unwrap()),
        bytes: Some(ByteSize(300 << 20)),
    };
    let (first, second) = (bench.path("new.img"), bench.path("source/../new.img"));
    let error = bench.run(&[named(first, "S1"), named(second, "S2")]).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("medium-twice", ErrorKind::Guard));
    assert!(!bench.path("new.img").exists() && !bench.path("journals/S1.journal").exists());
}

/// A drive that cannot be used keeps one that was begun from being touched, too.
#[test]
fn with_one_wrong_drive_the_image_of_a_begun_one_is_not_made() {
    let mut bench = Bench::new();
    bench.file("a", 3_000_000);
    let drive = bench.drive("S1", 300);
    begin(&mut bench, &drive);
    fs::remove_file(bench.path("S1.img")).unwrap();
    fs::write(bench.path("S2.img"), vec![1; 300 << 20]).unwrap();
    let error = bench.run(&[drive, bench.drive("S2", 0)]).unwrap_err();
    assert_eq!(error.code(), "drive-not-blank");
    assert!(!bench.path("S1.img").exists());
}

#[test]
fn the_smallest_drive_is_210m_and_a_new_image_is_whole_mebibytes() {
    let bench = Bench::new();
    bench.file("a", 1000);
    let named = |bytes| DriveName::Path {
        path: bench.path("S1.img"),
        serial: None,
        bytes: Some(ByteSize(bytes)),
    };
    let error = bench.run(&[named(209_000_000)]).unwrap_err();
    assert_eq!((error.code(), bench.path("S1.img").exists()), ("drive-too-small", false));
    let outcome = bench.run(&[named(210_000_000)]).unwrap();
    assert_eq!(outcome.newly_sealed, 1, "{outcome:?}");
    assert_eq!(fs::metadata(bench.path("S1.img")).unwrap().len(), 200 << 20);
}

/// Hands drives out, one after another, and notes what was said of them.
struct Shelf {
    offers: Mutex<Vec<(DriveName, bool)>>,
    said: Mutex<Vec<String>>,
}

impl DriveBay for Shelf {
    fn next(&self, missing: &FileList) -> Option<Offer> {
        self.said.lock().unwrap().push(format!("missing {}", missing.len()));
        let (name, erase) = self.offers.lock().unwrap().pop()?;
        Some(Offer { drive: NamedDrive::find(&name).unwrap(), erase, wipe: None })
    }
    fn refused(&self, error: &disk_prep::Error) {
        self.said.lock().unwrap().push(error.code().to_owned());
    }
}

#[test]
fn when_the_drives_are_full_another_one_is_asked_for_and_a_wrong_one_refused() {
    let bench = Bench::new();
    for number in 0..12 {
        bench.file(&format!("pack-{number:02}"), 16 << 20);
    }
    fs::write(bench.path("OLD.img"), vec![1; 260 << 20]).unwrap();
    let path = |serial: &str| bench.path(&format!("{serial}.img"));
    let bytes = Some(ByteSize(260 << 20));
    let offer =
        |serial: &str, erase| (DriveName::Path { path: path(serial), serial: None, bytes }, erase);
    let offers =
        vec![offer("S2", false), offer("OLD", true), offer("OLD", false), offer("S1", true)];
    let shelf = Shelf { offers: Mutex::new(offers), said: Mutex::default() };
    let outcome = bench.run_with(&[bench.drive("S1", 260)], &shelf).unwrap();
    assert!(outcome.unplaced.is_empty() && outcome.failed.is_empty(), "{outcome:?}");
    let files: Vec<u64> = outcome.sealed.iter().map(|drive| drive.sealed.files).collect();
    assert_eq!((files.iter().sum::<u64>(), files.len()), (12, 2));
    let missing = format!("missing {}", files[1]);
    let said = shelf.said.into_inner().unwrap();
    let refusals = ["drive-sealed-elsewhere", "drive-not-blank", "wipe-undecided"];
    let expected = refusals.iter().flat_map(|code| [missing.as_str(), code]);
    assert_eq!(said, expected.chain([missing.as_str()]).collect::<Vec<_>>());
    assert_eq!(bench.differences(&bench.drive("S2", 0)), []);
}

#[test]
fn runs_side_by_side_share_the_files_and_never_take_one_twice() {
    let bench = Bench::new();
    for number in 0..12 {
        bench.file(&format!("pack-{number:02}"), 16 << 20);
    }
    let drives = [bench.drive("S1", 260), bench.drive("S2", 260)];
    let outcomes: Vec<PrepareOutcome> = std::thread::scope(|scope| {
        let run = |drive| {
            let bench = &bench;
            scope.spawn(move || bench.run(std::slice::from_ref(drive)).unwrap())
        };
        let threads: Vec<_> = drives.iter().map(run).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let newly: usize = outcomes.iter().map(|outcome| outcome.newly_sealed).sum();
    assert_eq!(newly, 2, "{outcomes:?}");
    let last = bench.run(&drives.map(|_| bench.drive("S1", 0))[..1]).unwrap();
    let files: u64 = last.sealed.iter().map(|drive| drive.sealed.files).sum();
    assert_eq!((files, last.newly_sealed, last.unplaced.len()), (12, 0, 0));
    for outcome in &outcomes {
        let (waiting, unplaced) = (&outcome.waiting, &outcome.unplaced);
        assert!(waiting.is_empty() && unplaced.is_empty(), "{outcome:?}");
    }
}

#[test]
fn the_example_lists_a_sealed_drive_by_its_recovery_password_alone() {
    let bench = Bench::new();
    bench.file("a/one", 1);
    bench.file("two", 70_000);
    let drive = bench.drive("S1", 210);
    bench.run(std::slice::from_ref(&drive)).unwrap();
    let histories = JournalFolder::new(bench.path("journals")).read().unwrap();
    let password = histories[0].begun.password(&JournalOnly).unwrap();
    let listed = open_volume::files(&bench.path("S1.img"), &password).unwrap();
    let found = |path: &str| listed.iter().find(|(own, _)| own == path).map(|(_, bytes)| *bytes);
    assert_eq!((found("\\job-1\\a\\one"), found("\\job-1\\two")), (Some(1), Some(70_000)));
    assert!(found("\\DriveManifest.xml").is_some(), "{listed:?}");
    let other = disk_prep::noun::RecoveryPassword::from_key([7; 16]);
    assert!(open_volume::files(&bench.path("S1.img"), &other).is_err());
}

/// Two images that are told apart by their names only change places: whatever the journals say of
/// these names, and whatever consent is given for them.
#[test]
fn what_another_drive_of_the_job_was_written_to_is_refused_under_this_name() {
    let mut bench = Bench::new();
    for number in 0..4 {
        bench.file(&format!("file-{number}"), 60_000_000);
    }
    bench.run(&[bench.drive("S1", 300), bench.drive("S2", 300)]).unwrap();
    let images = ["S1", "S2"].map(|name| bench.path(&format!("{name}.img")));
    assert!(images.iter().all(|image| image.exists()), "both were needed");
    let (third, kept) = (bench.path("S3.img"), bench.path("kept"));
    let refused = |bench: &Bench, names: &[&str], is_of: &str| {
        let drives: Vec<DriveName> = names.iter().map(|name| bench.drive(name, 0)).collect();
        let paths = names.iter().map(|name| bench.path(&format!("{name}.img")));
        let read = |path: std::path::PathBuf| fs::read(path).unwrap();
        let before: Vec<Vec<u8>> = paths.clone().map(read).collect();
        let error = bench.run(&drives).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("wrong-drive", ErrorKind::Guard), "{names:?}");
        assert!(error.to_string().contains(&format!("it is drive {is_of} by")), "{error}");
        assert!(paths.map(read).collect::<Vec<_>>() == before, "a byte was changed");
    };
    for erase in [&[][..], &["S1", "S2", "S3"]] {
        bench.options.erase = erase.iter().map(|serial| serial.parse().unwrap()).collect();
        bench.options.wipe = (!erase.is_empty()).then_some(disk_prep::noun::Wipe::None);
        // Both sealed, and each under the name of the other.
        fs::rename(&images[0], &kept).unwrap();
        fs::rename(&images[1], &images[0]).unwrap();
        refused(&bench, &["S1"], "S2");
        fs::rename(&kept, &images[1]).unwrap();
        refused(&bench, &["S1", "S2"], "S2");
        // One under a name that has no journal.
        fs::rename(&images[0], &third).unwrap();
        refused(&bench, &["S3"], "S2");
        fs::rename(&images[1], &images[0]).unwrap();
        fs::rename(&third, &images[1]).unwrap();
    }
    // A drive that was given up belongs to nobody: who has it may use it again.
    (bench.options.erase, bench.options.wipe) = (Vec::new(), None);
    bench.run(&[bench.drive("S1", 0), bench.drive("S2", 0)]).unwrap();
    let journals = JournalFolder::new(bench.path("journals"));
    let second = "S2".parse().unwrap();
    let hold = disk_prep::release::look(&journals, &second).unwrap();
    disk_prep::release::release(&journals, &second, &hold).unwrap();
    bench.options.erase = vec!["S3".parse().unwrap()];
    bench.options.wipe = Some(disk_prep::noun::Wipe::None);
    fs::rename(&images[1], &third).unwrap();
    let outcome = bench.run(&[bench.drive("S1", 0), bench.drive("S3", 0)]).unwrap();
    assert_eq!(outcome.newly_sealed, 1, "{outcome:?}");
}

#[test]
fn an_image_without_a_serial_is_the_drive_whose_partition_table_it_has() {
    let bench = Bench::new();
    bench.file("pack", 1 << 20);
    let path = bench.path("shelf 3.img");
    let with = |serial: Option<&str>, bytes| DriveName::Path {
        path: path.clone(),
        serial: serial.map(|text| text.parse().unwrap()),
        bytes,
    };
    bench.run(&[with(Some("WX-1"), Some(ByteSize(260 << 20)))]).unwrap();
    let journals = [JournalFolder::new(bench.path("journals"))];
    let serial = |name, journals: &[_]| {
        find_known(&name, journals).map(|found| found.drive.serial.to_string()).unwrap_or_default()
    };
    assert_eq!(serial(with(None, None), &journals), "WX-1");
    assert_eq!(serial(with(None, None), &[]), "", "a stem with a blank is no serial");
    assert_eq!(serial(with(Some("S9"), None), &journals), "S9", "what is said is not guessed at");
    let copy = bench.path("S2.img");
    fs::copy(&path, &copy).unwrap();
    assert_eq!(serial(DriveName::of(copy), &journals), "WX-1", "two of them are refused later");
}

#[test]
fn an_image_that_was_to_be_made_and_is_there_now_is_not_taken() {
    let bench = Bench::new();
    let found = NamedDrive::find(&bench.drive("S1", 260)).unwrap();
    fs::write(bench.path("S1.img"), b"somebody's").unwrap();
    let error = disk_prep::drive::hold(&found).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("wrong-drive", ErrorKind::Guard));
    assert_eq!(fs::read(bench.path("S1.img")).unwrap(), b"somebody's");
}
