//! The crash rule: whatever prefix of the recorded writes, flushes and journal records reached the
//! medium, with and without what was not flushed, the next run ends with the same drive and says
//! the same of it.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests set their stage with plain files and may fail anywhere"
)]

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use disk_prep::dataset::{DataSet, FilesOptions, scan};
use disk_prep::device::Device;
use disk_prep::drive::{Clearance, DriveName, find};
use disk_prep::journal::{DrivePlan, Journal, JournalFolder, JournalOnly, Ledger, State};
use disk_prep::manifest::Profile;
use disk_prep::monitor::VoidMonitor;
use disk_prep::noun::{ByteSize, Cipher, ImportDisposition, RecoveryPassword, Wipe};
use disk_prep::prepare::{FillOptions, PrepareOptions, begin, prepare, recognise};
use disk_prep::stop::StopFlag;
use disk_prep::volume::bitlocker::write::{StretchedKey, stretch};
use disk_prep::world::World;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

const PAGE: u64 = 4096;
const ZEROS: [u8; PAGE as usize] = [0; PAGE as usize];

/// What reached the outside, in order.
#[derive(Debug, Clone)]
enum Deed {
    Write(u64, Vec<u8>),
    Discard(Range<u64>),
    Flush,
    Append(Vec<u8>),
}

type Deeds = Arc<Mutex<Vec<Deed>>>;

/// A drive in memory that keeps only pages that were written, and records what is done to it.
#[derive(Debug, Default)]
struct Memory {
    bytes: u64,
    /// Whether it cannot discard.
    is_deaf: bool,
    pages: Mutex<BTreeMap<u64, Vec<u8>>>,
    deeds: Deeds,
}

impl Memory {
    /// Keeps bytes; a page of nothing but zeros is as good as none.
    fn put(&self, bytes: &[u8], offset: u64) {
        let mut pages = self.pages.lock().unwrap();
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + done as u64;
            let inside = (at % PAGE) as usize;
            let length = (PAGE as usize - inside).min(bytes.len() - done);
            let piece = &bytes[done..done + length];
            if piece == &ZEROS[..length] && length == PAGE as usize {
                pages.remove(&(at / PAGE));
            } else {
                let page = pages.entry(at / PAGE).or_insert_with(|| ZEROS.to_vec());
                page[inside..inside + length].copy_from_slice(piece);
            }
            done += length;
        }
    }

    /// Drops whole pages.
    fn drop_pages(&self, range: &Range<u64>) {
        let pages = range.start / PAGE..range.end.div_ceil(PAGE);
        self.pages.lock().unwrap().retain(|number, _| !pages.contains(number));
    }

    /// The digest of everything that is not zero.
    fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        for (number, page) in self.pages.lock().unwrap().iter() {
            if page.iter().any(|&byte| byte != 0) {
                hasher.update(number.to_le_bytes());
                hasher.update(page);
            }
        }
        hasher.finalize().into()
    }
}

impl Device for Memory {
    fn size(&self) -> u64 {
        self.bytes
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let pages = self.pages.lock().unwrap();
        let mut done = 0;
        while done < buffer.len() {
            let at = offset + done as u64;
            let inside = (at % PAGE) as usize;
            let length = (PAGE as usize - inside).min(buffer.len() - done);
            let piece = &mut buffer[done..done + length];
            match pages.get(&(at / PAGE)) {
                Some(page) => piece.copy_from_slice(&page[inside..inside + length]),
                None => piece.fill(0),
            }
            done += length;
        }
        Ok(())
    }
    fn write_at(&self, buffer: &[u8], offset: u64) -> io::Result<()> {
        self.deeds.lock().unwrap().push(Deed::Write(offset, buffer.to_vec()));
        self.put(buffer, offset);
        Ok(())
    }
    fn discard(&self, range: Range<u64>) -> io::Result<()> {
        if self.is_deaf {
            return Err(io::ErrorKind::Unsupported.into());
        }
        self.drop_pages(&range);
        self.deeds.lock().unwrap().push(Deed::Discard(range));
        Ok(())
    }
    fn flush(&self) -> io::Result<()> {
        self.deeds.lock().unwrap().push(Deed::Flush);
        Ok(())
    }
}

/// A journal that records in the same list as the drive.
#[derive(Debug)]
struct Recorded(Deeds);

impl Ledger for Recorded {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().push(Deed::Append(bytes.to_vec()));
        Ok(())
    }
}

/// Keys by password and salt.
type Stretched = HashMap<([u8; 16], [u8; 16]), StretchedKey>;

/// A world without chance, in which each password is stretched once.
#[derive(Default)]
struct StillWorld {
    drawn: Mutex<u64>,
    stretched: Mutex<Stretched>,
}

impl World for StillWorld {
    fn random(&self, bytes: &mut [u8]) -> io::Result<()> {
        for byte in bytes {
            let mut drawn = self.drawn.lock().unwrap();
            *drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (*drawn >> 56) as u8;
        }
        Ok(())
    }
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }
    fn stretch(&self, password: &RecoveryPassword, salt: &[u8; 16]) -> StretchedKey {
        let mut stretched = self.stretched.lock().unwrap();
        let made = stretched.entry((*password.key(), *salt));
        made.or_insert_with(|| stretch(password, salt)).clone()
    }
}

fn data_set(source: &Path) -> DataSet {
    for (name, bytes) in [("a", 1), ("b/empty", 0), ("b/large", 14_000_000), ("c", 70_000)] {
        let path = source.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let content: Vec<u8> = (0..bytes).map(|at: u32| (at * 7 + at / 251) as u8).collect();
        std::fs::write(path, content).unwrap();
    }
    let options = FilesOptions {
        job: "job-1".parse().unwrap(),
        container: "target".parse().unwrap(),
        prefix: String::new(),
        disposition: ImportDisposition::Overwrite,
        never: &[],
        together: &[],
    };
    scan(source, &options).unwrap()
}

/// A small run: one worker, a checkpoint after every batch.
fn fill_options() -> FillOptions {
    FillOptions {
        workers: 1,
        batch_bytes: 4 << 20,
        checkpoint_bytes: 4 << 20,
        checkpoint_every: Duration::from_secs(3600),
        strict: false,
        stop: StopFlag::default(),
    }
}

struct Stage {
    set: DataSet,
    plan: DrivePlan,
    begun: Vec<u8>,
    world: StillWorld,
    bytes: u64,
}

impl Stage {
    /// A begun drive that holds old data where volumes are looked for.
    fn new(folder: &Path, wipe: Option<Wipe>) -> Self {
        let set = data_set(&folder.join("source"));
        let path = folder.join("S1.img");
        let name = DriveName::Path { path, serial: None, bytes: Some(ByteSize(220 << 20)) };
        let drive = find(&name).unwrap();
        let journals = JournalFolder::new(folder.join("journals"));
        journals.create().unwrap();
        let options = PrepareOptions {
            job: "job-1".parse().unwrap(),
            container: None,
            cipher: Cipher::XtsAes128,
            profile: Profile::Modern,
            strict: false,
            erase: Vec::new(),
            wipe,
            keeper: Arc::new(JournalOnly),
            stop: StopFlag::default(),
        };
        let world = StillWorld::default();
        let clearance = Clearance { erase: wipe.is_some(), wipe };
        let files = set.files.clone();
        let (_, plan) = begin(&drive, clearance, files, &journals, &options, &world).unwrap();
        let begun = std::fs::read(journals.journal(&drive.serial)).unwrap();
        Stage { set, plan, begun, world, bytes: drive.bytes }
    }

    fn memory(&self) -> Memory {
        let memory = Memory { bytes: self.bytes, ..Memory::default() };
        for at in [0, 512, 129 << 20, (129 << 20) + 40 * PAGE, self.bytes - 512] {
            memory.put(b"something old", at);
        }
        memory
    }

    /// Goes on from this journal until the drive is sealed; what it says is returned.
    fn go_on(&self, memory: &Memory, journal: &[u8]) -> (String, u64) {
        let path = Path::new("journal");
        let ledger = Box::new(Recorded(memory.deeds.clone()));
        let (journal, _) = Journal::go_on(path, journal, ledger).unwrap();
        let mut journal = journal.expect("the first record is whole");
        recognise(memory, journal.history()).unwrap();
        if journal.history().state != State::Sealed {
            let root = &self.set.root;
            let (world, options) = (&self.world, &fill_options());
            prepare(&mut journal, &self.plan, memory, root, options, world, &VoidMonitor).unwrap();
        }
        let sealed = journal.history().sealed.clone().unwrap();
        (format!("{} {:?}", sealed.manifest_hash, sealed.header_hash), sealed.files)
    }
}

/// The drive and the journal after the first `count` deeds. What is written but not flushed is
/// lost if `lost`; of the deed after them a half arrives if `torn`.
fn after(stage: &Stage, deeds: &[Deed], count: usize, lost: bool, torn: bool) -> (Memory, Vec<u8>) {
    let memory = stage.memory();
    let mut journal = stage.begun.clone();
    let flushed = deeds[..count].iter().rposition(|deed| matches!(deed, Deed::Flush)).unwrap_or(0);
    for (at, deed) in deeds[..count].iter().enumerate() {
        match deed {
            Deed::Write(offset, bytes) if at < flushed || !lost => memory.put(bytes, *offset),
            Deed::Discard(range) if at < flushed || !lost => memory.drop_pages(range),
            Deed::Append(bytes) => journal.extend(bytes),
            Deed::Discard(_) | Deed::Write(..) | Deed::Flush => {}
        }
    }
    match deeds.get(count) {
        Some(Deed::Write(offset, bytes)) if torn => memory.put(&bytes[..bytes.len() / 2], *offset),
        Some(Deed::Discard(range)) if torn => {
            memory.drop_pages(&(range.start..range.start + (range.end - range.start) / 2));
        }
        Some(Deed::Append(bytes)) if torn => journal.extend(&bytes[..bytes.len() / 2]),
        _ => {}
    }
    (memory, journal)
}

/// Tries every `step`th prefix in four ways and returns how many were tried.
fn prefixes(wipe: Option<Wipe>, step: usize) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path(), wipe);
    let whole = stage.memory();
    let said = stage.go_on(&whole, &stage.begun);
    let digest = whole.digest();
    let deeds = std::mem::take(&mut *whole.deeds.lock().unwrap());
    let mut tried = 0;
    for count in (0..=deeds.len()).step_by(step) {
        for (lost, torn) in [(false, false), (true, false), (false, true), (true, true)] {
            let (memory, journal) = after(&stage, &deeds, count, lost, torn);
            let again = stage.go_on(&memory, &journal);
            assert_eq!(again, said, "{count} of {} deeds, {lost} {torn}", deeds.len());
            assert_eq!(memory.digest(), digest, "{count} of {} deeds, {lost} {torn}", deeds.len());
            tried += 1;
        }
    }
    tried
}

#[test]
fn every_prefix_of_a_run_on_a_blank_drive_ends_the_same() {
    assert!(prefixes(None, 1) > 100);
}

#[test]
fn a_run_that_wipes_ends_the_same_too() {
    assert!(prefixes(Some(Wipe::Zero), 11) > 20);
    assert!(prefixes(Some(Wipe::Discard), 2) > 20);
}

#[test]
fn a_drive_that_cannot_discard_after_all_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path(), Some(Wipe::Discard));
    let result = |is_deaf| {
        let memory = Memory { is_deaf, ..stage.memory() };
        let said = stage.go_on(&memory, &stage.begun);
        let is_discarded =
            memory.deeds.lock().unwrap().iter().any(|deed| matches!(deed, Deed::Discard(_)));
        assert_eq!(is_discarded, !is_deaf);
        (said, memory.digest())
    };
    assert_eq!(result(true), result(false));
}

/// After a checkpoint nothing that it confirmed is written again, inside a large file too.
#[test]
fn nothing_before_a_checkpoint_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path(), None);
    let whole = stage.memory();
    stage.go_on(&whole, &stage.begun);
    let deeds = std::mem::take(&mut *whole.deeds.lock().unwrap());
    let written = |deeds: &[Deed]| -> u64 {
        deeds
            .iter()
            .map(|deed| if let Deed::Write(_, bytes) = deed { bytes.len() as u64 } else { 0 })
            .sum()
    };
    let appends: Vec<usize> =
        (0..deeds.len()).filter(|&at| matches!(deeds[at], Deed::Append(_))).collect();
    assert!(appends.len() > 6, "several checkpoints: {}", appends.len());
    for at in appends {
        let (memory, journal) = after(&stage, &deeds, at + 1, true, false);
        stage.go_on(&memory, &journal);
        let again = std::mem::take(&mut *memory.deeds.lock().unwrap());
        assert_eq!(written(&again), written(&deeds[at + 1..]), "after deed {at}");
    }
}
