//! One drive in memory, from its first byte to its seal and again: what a run does in which state
//! of the journal, and by what it knows its drive.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Mutex;

use jiff::Timestamp;

use super::*;
use crate::dataset::Listing;
use crate::drive::{DriveName, find};
use crate::kernels::SectorCipher;
use crate::monitor::VoidMonitor;
use crate::noun::{BlobType, ByteSize, Diagnose, ErrorKind, ImportDisposition};
use crate::volume::bitlocker::write::{StretchedKey, stretch};

const LOOK: Look = Look::Places { seed: 7 };
const PAGE: u64 = 4096;

/// What was done to a drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Deed {
    /// So many bytes were written there.
    Write(u64, usize),
    Flush,
}

/// A drive in memory.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    bytes: u64,
    pages: Mutex<BTreeMap<u64, Vec<u8>>>,
    pub deeds: Mutex<Vec<Deed>>,
    /// The byte that reads back different from what was written.
    pub bad: Mutex<Option<u64>>,
}

impl Memory {
    fn each(&self, length: usize, offset: u64, mut act: impl FnMut(&mut u8, usize)) {
        let mut pages = self.pages.lock().unwrap();
        let mut done = 0;
        while done < length {
            let at = offset + done as u64;
            let inside = (at % PAGE) as usize;
            let page = pages.entry(at / PAGE).or_insert_with(|| vec![0; PAGE as usize]);
            for byte in page[inside..].iter_mut().take(length - done) {
                act(byte, done);
                done += 1;
            }
        }
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
        self.each(buffer.len(), offset, |byte, at| buffer[at] = *byte);
        let bad = self.bad.lock().unwrap().and_then(|bad| bad.checked_sub(offset));
        if let Some(byte) = bad.and_then(|at| buffer.get_mut(at as usize)) {
            *byte ^= 0x10;
        }
        Ok(())
    }
    fn write_at(&self, buffer: &[u8], offset: u64) -> io::Result<()> {
        self.each(buffer.len(), offset, |byte, at| *byte = buffer[at]);
        self.deeds.lock().unwrap().push(Deed::Write(offset, buffer.len()));
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

/// A file of a plan.
pub(crate) fn file(name: &str, bytes: u64) -> DataFile {
    DataFile {
        source: name.into(),
        path: format!("\\job-1\\{name}").parse().unwrap(),
        blob: format!("seed/{name}").parse().unwrap(),
        blob_type: BlobType::BlockBlob,
        disposition: ImportDisposition::Overwrite,
        bytes,
        modified_ns: 0,
        together: false,
        listing: Listing::default(),
    }
}

/// A drive that is begun: blank, or with consent to erase it.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
    pub journal: Journal,
    pub plan: DrivePlan,
    pub device: Memory,
}

impl Bench {
    pub fn begin(profile: Profile, files: Vec<DataFile>, is_erased: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Bench::within(folder, profile, files, is_erased)
    }

    fn within(
        folder: tempfile::TempDir,
        profile: Profile,
        files: Vec<DataFile>,
        is_erased: bool,
    ) -> Self {
        let path = folder.path().join("S1.img");
        let name = DriveName::Path { path, serial: None, bytes: Some(ByteSize(230 << 20)) };
        let drive = find(&name).unwrap();
        let journals = JournalFolder::new(folder.path().join("journals"));
        journals.create().unwrap();
        let wipe = is_erased.then_some(Wipe::None);
        let options = PrepareOptions {
            job: "job-1".parse().unwrap(),
            container: None,
            cipher: Cipher::XtsAes128,
            profile,
            strict: false,
            checkpoint_bytes: CHECKPOINT_BYTES,
            erase: Vec::new(),
            wipe,
            keeper: Arc::new(JournalOnly),
            stop: StopFlag::default(),
        };
        let clearance = Clearance { erase: is_erased, wipe };
        let world = StillWorld::default();
        let (journal, plan) = begin(&drive, clearance, files, &journals, &options, &world).unwrap();
        let device = Memory { bytes: drive.bytes, ..Memory::default() };
        Bench { folder, journal, plan, device }
    }

    /// A begun drive for source files that are there.
    fn with_sources(is_erased: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = ["a", "b"].map(|name| {
            let path = folder.path().join(name);
            std::fs::write(&path, name.repeat(5000)).unwrap();
            let about = std::fs::metadata(&path).unwrap();
            let modified_ns = about.mtime() * 1_000_000_000 + about.mtime_nsec();
            DataFile { modified_ns, ..file(name, 5000) }
        });
        Bench::within(folder, Profile::Modern, files.into(), is_erased)
    }

    pub fn begun(&self) -> &Begun {
        &self.journal.history().begun
    }

    pub fn cipher(&self) -> SectorCipher {
        volume_key(self.begun(), &StillWorld::default()).unwrap().sector_cipher()
    }

    fn root(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    fn prepare(&mut self) -> Result<PreparedDrive, Error> {
        let options = FillOptions::new(true, false, StopFlag::default());
        let (root, world) = (self.root(), StillWorld::default());
        let (journal, plan, device) = (&mut self.journal, &self.plan, &self.device);
        prepare(journal, plan, device, &root, &options, &world, &VoidMonitor)
    }

    fn recognise(&self) -> Result<(), Error> {
        recognise(&self.device, self.journal.history(), LOOK)
    }
}

#[test]
fn a_drive_is_labelled_filled_and_sealed_once_and_a_second_run_leaves_it_as_it_is() {
    let mut bench = Bench::with_sources(false);
    let first = bench.prepare().unwrap();
    assert_eq!(bench.journal.history().state, State::Sealed);
    assert_eq!((first.sealed.files, first.sealed.bytes), (2, 10_000));
    assert!(first.left_out.is_empty());
    assert!(read_gpt(&bench.device).names_disk(bench.begun().disk_guid));
    assert!(bench.device.take_deeds().len() > 10);
    let second = bench.prepare().unwrap();
    assert_eq!(second.sealed, first.sealed);
    assert_eq!(bench.device.take_deeds(), []);
}

#[test]
fn a_labelled_drive_is_known_by_its_tables_and_by_the_bytes_that_the_journal_remembers() {
    let mut bench = Bench::with_sources(false);
    bench.prepare().unwrap();
    bench.recognise().unwrap();
    let wrong = |bench: &Bench| {
        let error = bench.recognise().unwrap_err();
        assert_eq!((error.code(), error.kind()), ("wrong-drive", ErrorKind::Guard), "{error}");
    };
    let tail = bench.journal.history().tails.last().unwrap().offset;
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
    let (blank, given_up) = (Bench::with_sources(false), Bench::with_sources(true));
    for bench in [&blank, &given_up] {
        bench.recognise().unwrap();
        bench.device.write_at(b"precious", 0).unwrap();
    }
    let error = blank.recognise().unwrap_err();
    assert_eq!((error.code(), error.kind()), ("drive-used-since-begun", ErrorKind::Guard));
    given_up.recognise().unwrap();
}

#[test]
fn only_the_files_that_make_a_repository_readable_are_needed_for_the_seal() {
    let together = DataFile { together: true, ..file("config", 9) };
    let bench = Bench::begin(Profile::Modern, vec![file("a", 7), together], false);
    let mut history = bench.journal.history().clone();
    let left_out = || FileEnd::LeftOut { reason: "it cannot be read".to_owned() };
    let find = |name: &str| bench.plan.files.iter().position(|own| own.source == Path::new(name));
    history.files.insert(find("a").unwrap(), left_out());
    refuse_incomplete(&history, &bench.plan).unwrap();
    history.files.insert(find("config").unwrap(), left_out());
    match refuse_incomplete(&history, &bench.plan) {
        Err(Error::RepositoryIncomplete { missing, .. }) => {
            assert_eq!(missing, ["\\job-1\\config: it cannot be read"]);
        }
        other => panic!("{other:?}"),
    }
}
