//! One drive in memory, from its first byte to its seal and again: what a run does in which state
//! of the journal, and by what it knows its drive.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Mutex;

use jiff::Timestamp;

use super::*;
use crate::drive::{DriveName, Traces, find};
use crate::journal::{FileChange, FileEnd};
use crate::monitor::VoidMonitor;
use crate::noun::{ByteSize, Diagnose, ErrorKind, RecoveryPassword};
use crate::volume::bitlocker::write::{StretchedKey, stretch};
use crate::volume::view::{FileView, find_volume, unlock};

const LOOK: Look = Look::Places { seed: 7 };
const PAGE: u64 = 4096;
const ZEROS: [u8; PAGE as usize] = [0; PAGE as usize];
const MIB: u64 = 230;

/// What was done to a drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Deed {
    /// So many bytes were written there.
    Write(u64, usize),
    Discard(Range<u64>),
    Flush,
}

/// What a drive does when it is told to discard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Discards {
    /// It cannot.
    #[default]
    Never,
    /// What was discarded reads as zeros.
    Kept,
    /// It says that it did, and did not.
    Broken,
}

/// A drive in memory, of pages that are not zero.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    bytes: u64,
    pages: Mutex<BTreeMap<u64, Vec<u8>>>,
    pub deeds: Mutex<Vec<Deed>>,
    /// The byte that reads back different from what was written.
    pub bad: Mutex<Option<u64>>,
    pub discards: Mutex<Discards>,
}

/// A stretch by its pages: number, place in the page, place in the stretch.
fn pages_of(offset: u64, length: usize) -> impl Iterator<Item = (u64, Range<usize>, Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset + done as u64;
        let (inside, from) = ((at % PAGE) as usize, done);
        let piece = (PAGE as usize - inside).min(length - done);
        done += piece;
        (piece > 0).then_some((at / PAGE, inside..inside + piece, from..done))
    })
}

impl Memory {
    /// Of so many MiB, all zero.
    pub fn empty(mib: u64) -> Self {
        Memory { bytes: mib << 20, ..Memory::default() }
    }

    /// What lies there.
    pub fn at(&self, offset: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.read_at(&mut bytes, offset).unwrap();
        bytes
    }

    /// What was done since the last call.
    pub fn take_deeds(&self) -> Vec<Deed> {
        std::mem::take(&mut *self.deeds.lock().unwrap())
    }
}

impl Device for Memory {
    fn size(&self) -> u64 {
        self.bytes
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let pages = self.pages.lock().unwrap();
        for (number, inside, piece) in pages_of(offset, buffer.len()) {
            match pages.get(&number) {
                Some(page) => buffer[piece].copy_from_slice(&page[inside]),
                None => buffer[piece].fill(0),
            }
        }
        let bad = self.bad.lock().unwrap().and_then(|bad| bad.checked_sub(offset));
        if let Some(byte) = bad.and_then(|at| buffer.get_mut(at as usize)) {
            *byte ^= 0x10;
        }
        Ok(())
    }
    fn write_at(&self, buffer: &[u8], offset: u64) -> io::Result<()> {
        assert!(offset + buffer.len() as u64 <= self.bytes, "behind the end: {offset:#x}");
        let mut pages = self.pages.lock().unwrap();
        for (number, inside, piece) in pages_of(offset, buffer.len()) {
            let is_whole = inside.len() == PAGE as usize;
            if is_whole && buffer[piece.clone()] == ZEROS {
                pages.remove(&number);
            } else {
                let page = pages.entry(number).or_insert_with(|| ZEROS.to_vec());
                page[inside].copy_from_slice(&buffer[piece]);
            }
        }
        self.deeds.lock().unwrap().push(Deed::Write(offset, buffer.len()));
        Ok(())
    }
    fn discard(&self, range: Range<u64>) -> io::Result<()> {
        match *self.discards.lock().unwrap() {
            Discards::Never => return Err(io::ErrorKind::Unsupported.into()),
            Discards::Broken => {}
            Discards::Kept => {
                let pages = range.start / PAGE..range.end.div_ceil(PAGE);
                self.pages.lock().unwrap().retain(|number, _| !pages.contains(number));
            }
        }
        self.deeds.lock().unwrap().push(Deed::Discard(range));
        Ok(())
    }
    fn flush(&self) -> io::Result<()> {
        self.deeds.lock().unwrap().push(Deed::Flush);
        Ok(())
    }
}

/// A world without chance.
#[derive(Debug, Default)]
pub(crate) struct StillWorld(Mutex<u64>);

impl World for StillWorld {
    fn random(&self, bytes: &mut [u8]) -> io::Result<()> {
        for byte in bytes {
            let mut drawn = self.0.lock().unwrap();
            *drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (*drawn >> 56) as u8;
        }
        Ok(())
    }
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }
    fn stretch(&self, password: &RecoveryPassword, salt: &[u8; 16]) -> StretchedKey {
        stretch(password, salt)
    }
}

/// A drive that is begun: blank, or with consent to erase it.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
    pub drive: BegunDrive,
    pub device: Memory,
}

impl Bench {
    /// A drive of so many MiB.
    pub fn begin(profile: Profile, files: Vec<DataFile>, clearance: Clearance, mib: u64) -> Self {
        Bench::within(tempfile::tempdir().unwrap(), profile, files, clearance, mib)
    }

    /// A blank drive.
    pub fn blank(profile: Profile, files: Vec<DataFile>) -> Self {
        Bench::begin(profile, files, Clearance::BLANK, MIB)
    }

    fn within(
        folder: tempfile::TempDir,
        profile: Profile,
        files: Vec<DataFile>,
        clearance: Clearance,
        mib: u64,
    ) -> Self {
        let path = folder.path().join("S1.img");
        let name = DriveName::Path { path, serial: None, bytes: Some(ByteSize(mib << 20)) };
        let drive = find(&name).unwrap();
        let journals = JournalFolder::new(folder.path().join("journals"));
        journals.create().unwrap();
        let options = PrepareOptions {
            job: "job-1".parse().unwrap(),
            container: None,
            cipher: Cipher::XtsAes128,
            profile,
            omit_zeros: false,
            strict: false,
            checkpoint_bytes: CHECKPOINT_BYTES,
            erase: Vec::new(),
            wipe: clearance.wipe,
            keeper: Arc::new(JournalOnly),
            stop: StopFlag::default(),
        };
        let world = StillWorld::default();
        let begun =
            begin(&drive, clearance, &files.into_iter().collect(), &journals, &options, &world)
                .unwrap();
        let device = Memory::empty(drive.bytes >> 20);
        Bench { folder, drive: begun, device }
    }

    /// A begun drive for source files that are there.
    fn with_sources(clearance: Clearance) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = ["a", "b"].map(|name| {
            let path = folder.path().join(name);
            std::fs::write(&path, name.repeat(5000)).unwrap();
            let about = std::fs::metadata(&path).unwrap();
            let modified_ns = about.mtime() * 1_000_000_000 + about.mtime_nsec();
            DataFile { modified_ns, ..DataFile::sample(name, 5000) }
        });
        Bench::within(folder, Profile::Modern, files.into(), clearance, MIB)
    }

    pub fn begun(&self) -> &Begun {
        &self.drive.journal.history().begun
    }

    /// Does something with its layout and the volume that is filled.
    pub fn with_target<T>(&self, act: impl FnOnce(&DriveLayout, &Target<'_>) -> T) -> T {
        let (begun, files) = (self.begun(), &self.drive.plan.files);
        let layout = DriveLayout::plan(&DriveForm::from(begun), files).unwrap();
        let cipher = &volume_key(begun, &StillWorld::default()).unwrap().sector_cipher();
        let (pass, volume_start) = (&layout.pass(files, begun.wipe), layout.disk.partition_start);
        let (serial, device) = (&begun.serial, &self.device as &dyn Device);
        act(&layout, &Target { serial, device, volume_start, cipher, pass })
    }

    /// The same begun as a program of this version begins it.
    fn of_version(self, version: u32) -> Self {
        let Bench { folder, drive, device } = self;
        let begun = Begun { version, ..drive.journal.history().begun.clone() };
        let journals = JournalFolder::new(folder.path().join("of-version"));
        journals.create().unwrap();
        let layout = DriveLayout::plan(&DriveForm::from(&begun), &drive.plan.files).unwrap();
        journals.write_plan(&drive.plan, &mut layout.first_clusters()).unwrap();
        let journal = journals.begin(begun, &JournalOnly).unwrap();
        Bench { folder, drive: BegunDrive::earlier(journal, drive.plan), device }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    fn prepare(&mut self) -> Result<PreparedDrive, Error> {
        let options = FillOptions::new(true, 1, &Default::default(), false, StopFlag::default());
        let (root, world) = (self.root(), StillWorld::default());
        prepare(&mut self.drive, &self.device, &root, &options, &world, &VoidMonitor)
    }

    fn recognise(&self) -> Result<(), Error> {
        Ok(recognise(&self.device, self.drive.journal.history(), LOOK)?)
    }
}

#[test]
fn a_drive_is_labelled_filled_and_sealed_once_and_a_second_run_leaves_it_as_it_is() {
    let mut bench = Bench::with_sources(Clearance::BLANK);
    let first = bench.prepare().unwrap();
    assert_eq!(bench.drive.journal.history().state, CopyState::Sealed);
    assert_eq!((first.sealed.files, first.sealed.bytes), (2, 10_000));
    assert!(first.left_out.is_empty());
    assert!(read_gpt(&bench.device).names_disk(bench.begun().disk_guid));
    assert!(bench.device.take_deeds().len() > 10);
    let second = bench.prepare().unwrap();
    assert_eq!(second.sealed, first.sealed);
    assert_eq!(bench.device.take_deeds(), []);
}

#[test]
fn the_file_system_of_either_edition_is_whole_for_who_reads_it_back() {
    for (version, edition) in [(1, Edition::First), (2, Edition::Second)] {
        let mut bench = Bench::with_sources(Clearance::BLANK).of_version(version);
        bench.prepare().unwrap();
        let begun = bench.begun();
        assert_eq!(begun.edition(), edition);
        let (_, place) = find_volume(&bench.device).unwrap();
        let password = begun.password(&JournalOnly).unwrap();
        let volume = unlock(&bench.device, place, &password).unwrap();
        assert_eq!(FileView::open(&volume).unwrap().damages(&|| false), [], "{edition:?}");
    }
}

#[test]
fn a_labelled_drive_is_known_by_its_tables_and_by_the_bytes_that_the_journal_remembers() {
    let mut bench = Bench::with_sources(Clearance::BLANK);
    bench.prepare().unwrap();
    bench.recognise().unwrap();
    let wrong = |bench: &Bench| {
        let error = bench.recognise().unwrap_err();
        assert_eq!((error.code(), error.kind()), ("wrong-drive", ErrorKind::Guard), "{error}");
    };
    let tail = bench.drive.journal.history().tails.last().unwrap().offset;
    *bench.device.bad.lock().unwrap() = Some(tail);
    wrong(&bench);
    *bench.device.bad.lock().unwrap() = None;
    // Either copy of the tables will do, none will not.
    let end = bench.device.size() - 512;
    bench.device.write_at(&[0; 512], 512).unwrap();
    bench.recognise().unwrap();
    bench.device.write_at(&[0; 512], end).unwrap();
    wrong(&bench);
}

#[test]
fn a_drive_that_is_only_begun_may_hold_what_its_owner_gave_up_and_nothing_else() {
    let empty = Memory::empty(MIB);
    empty.write_at(b"given up", 0).unwrap();
    let traces = Traces::of(&empty).unwrap();
    let erased = Clearance { erase: Some(traces), wipe: Some(Wipe::None) };
    let (blank, given_up) = (Bench::with_sources(Clearance::BLANK), Bench::with_sources(erased));
    given_up.device.write_at(b"given up", 0).unwrap();
    for bench in [&blank, &given_up] {
        bench.recognise().unwrap();
        bench.device.write_at(b"precious", 0).unwrap();
        let error = bench.recognise().unwrap_err();
        assert_eq!((error.code(), error.kind()), ("drive-used-since-begun", ErrorKind::Guard));
    }
}

#[test]
fn only_the_files_that_make_a_repository_readable_are_needed_for_the_seal() {
    let together = DataFile { together: true, ..DataFile::sample("config", 9) };
    let bench = Bench::blank(Profile::Modern, vec![DataFile::sample("a", 7), together]);
    let mut history = bench.drive.journal.history().clone();
    let left_out =
        || FileEnd::LeftOut(LeftOut::new(FileChange::FileUnreadable, "it cannot be read"));
    let find =
        |name: &str| bench.drive.plan.files.iter().position(|own| own.source() == Path::new(name));
    history.files.insert(find("a").unwrap(), left_out());
    refuse_incomplete(&history, &bench.drive.plan).unwrap();
    history.files.insert(find("config").unwrap(), left_out());
    match refuse_incomplete(&history, &bench.drive.plan) {
        Err(Unready::RepositoryIncomplete { missing }) => {
            assert_eq!(missing, ["\\job-1\\config: it cannot be read"]);
        }
        other => panic!("{other:?}"),
    }
}
