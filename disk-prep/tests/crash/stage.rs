//! A drive in memory, a journal in memory and a world without chance: what the tests of `prepare`
//! share that look at it write by write.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use disk_prep::Error;
use disk_prep::dataset::{DataSet, FilesOptions, scan};
use disk_prep::device::Device;
use disk_prep::drive::{Clearance, DriveName, Look, Traces, find};
use disk_prep::journal::{CopyState, DrivePlan, Journal, JournalFolder, JournalOnly, Ledger};
use disk_prep::manifest::Profile;
use disk_prep::monitor::VoidMonitor;
use disk_prep::noun::{
    ByteSize, Cipher, Diagnose, ErrorKind, ImportDisposition, RecoveryPassword, Wipe,
};
use disk_prep::prepare::{
    BegunDrive, CHECKPOINT_BYTES, FillOptions, PrepareOptions, begin, prepare, recognise,
};
use disk_prep::stop::StopFlag;
use disk_prep::sys::beneath::Folder;
use disk_prep::volume::bitlocker::write::{StretchedKey, stretch};
use disk_prep::world::{SourcesFault, World};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

const PAGE: u64 = 4096;
const ZEROS: [u8; PAGE as usize] = [0; PAGE as usize];

/// What reached the outside, in order.
#[derive(Debug, Clone)]
pub enum Deed {
    Write(u64, Vec<u8>),
    Discard(Range<u64>),
    Flush,
    Append(Vec<u8>),
}

pub type Deeds = Arc<Mutex<Vec<Deed>>>;

/// A drive in memory that keeps only pages that were written, and records what is done to it.
#[derive(Debug, Default)]
pub struct Memory {
    pub bytes: u64,
    /// Whether it cannot discard.
    pub is_deaf: bool,
    pages: Mutex<BTreeMap<u64, Vec<u8>>>,
    pub deeds: Deeds,
}

impl Memory {
    /// Keeps bytes; a page of nothing but zeros is as good as none.
    pub fn put(&self, bytes: &[u8], offset: u64) {
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
    pub fn drop_pages(&self, range: &Range<u64>) {
        let pages = range.start / PAGE..range.end.div_ceil(PAGE);
        self.pages.lock().unwrap().retain(|number, _| !pages.contains(number));
    }

    /// Another drive with the same content, to which nothing was done yet.
    pub fn again(&self) -> Self {
        let pages = Mutex::new(self.pages.lock().unwrap().clone());
        Memory { bytes: self.bytes, is_deaf: self.is_deaf, pages, deeds: Deeds::default() }
    }

    /// Whether some sector begins with this mark, or has it where boot sectors have theirs.
    pub fn has_sector_with(&self, mark: &[u8]) -> bool {
        let pages = self.pages.lock().unwrap();
        let mut sectors = pages.values().flat_map(|page| page.chunks(512));
        sectors.any(|sector| sector.starts_with(mark) || sector[3..].starts_with(mark))
    }

    /// The digest of everything that is not zero.
    pub fn digest(&self) -> [u8; 32] {
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
pub struct Recorded(Deeds);

impl Recorded {
    /// One that records there.
    pub fn new(deeds: Deeds) -> Self {
        Recorded(deeds)
    }
}

impl Ledger for Recorded {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().push(Deed::Append(bytes.to_vec()));
        Ok(())
    }
}

/// Keys by password and salt.
type Stretched = HashMap<([u8; 16], [u8; 16]), StretchedKey>;

/// A source that fails to be read.
#[derive(Debug, Clone)]
pub struct Bad {
    /// Path below the folder of all sources.
    pub source: &'static str,
    /// From this byte on.
    pub from: u64,
    /// So many times.
    pub times: usize,
    /// With this number of an error.
    pub error: i32,
}

/// A world without chance, in which each password is stretched once, and sources fail as told.
#[derive(Default)]
pub struct StillWorld {
    drawn: Mutex<u64>,
    stretched: Mutex<Stretched>,
    /// What fails.
    pub bad: Mutex<Vec<Bad>>,
    /// Waits before something was tried again.
    pub waits: Mutex<Vec<Duration>>,
    /// Sources that were opened, in order.
    pub opened: Mutex<Vec<PathBuf>>,
    /// What has changed of all sources, if something has.
    pub changed: Mutex<Option<String>>,
}

/// What is told of sources that have changed.
#[derive(Debug)]
struct Changed(String);

impl std::fmt::Display for Changed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Changed {}

impl Diagnose for Changed {
    fn code(&self) -> &'static str {
        "repository-changed"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Guard
    }
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
    fn check_sources(&self) -> Result<(), SourcesFault> {
        match &*self.changed.lock().unwrap() {
            Some(what) => Err(Box::new(Changed(what.clone()))),
            None => Ok(()),
        }
    }
    fn wait(&self, time: Duration) {
        self.waits.lock().unwrap().push(time);
    }
    fn open(&self, root: &Folder, source: &Path) -> io::Result<File> {
        self.opened.lock().unwrap().push(source.to_owned());
        root.linked_file(source)
    }
    fn read(&self, file: &File, source: &Path, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        for bad in self.bad.lock().unwrap().iter_mut() {
            let is_hit = source == Path::new(bad.source) && at + buffer.len() as u64 > bad.from;
            if is_hit && bad.times > 0 {
                bad.times -= 1;
                return Err(io::Error::from_raw_os_error(bad.error));
            }
        }
        file.read_exact_at(buffer, at)
    }
}

/// Files with content, by name and length.
fn data_set(source: &Path, files: &[(String, u32)], together: &'static [&'static str]) -> DataSet {
    for (name, bytes) in files {
        let path = source.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let content: Vec<u8> = (0..*bytes).map(|at: u32| (at * 7 + at / 251) as u8).collect();
        std::fs::write(path, content).unwrap();
    }
    let options = FilesOptions {
        job: "job-1".parse().unwrap(),
        container: "target".parse().unwrap(),
        prefix: String::new(),
        blob_type: disk_prep::noun::BlobType::BlockBlob,
        disposition: ImportDisposition::Overwrite,
        never: &[],
        only: None,
        together,
    };
    scan(source, &options).unwrap()
}

/// A drive that is begun, with all that it takes to go on with it.
pub struct Stage {
    set: DataSet,
    plan: DrivePlan,
    /// The journal's first record.
    pub begun: Vec<u8>,
    password: RecoveryPassword,
    /// Whether it was used before, with consent to erase it.
    is_used: bool,
    /// What surrounds it.
    pub world: StillWorld,
    bytes: u64,
    fill: FillOptions,
}

/// A drive, blank or with something old on it.
fn memory(bytes: u64, is_used: bool) -> Memory {
    let memory = Memory { bytes, ..Memory::default() };
    if is_used {
        for at in [0, 512, 129 << 20, (129 << 20) + 40 * PAGE, bytes - 512] {
            memory.put(b"something old", at);
        }
    }
    memory
}

impl Stage {
    /// A begun drive for these files, by name and length: a blank one, or with `wipe` one that holds
    /// old data where volumes are looked for. So many workers fill it, with a checkpoint after so many batches of 4 MiB.
    pub fn new(
        folder: &Path,
        wipe: Option<Wipe>,
        files: &[(String, u32)],
        workers: usize,
        checkpoint_batches: u64,
    ) -> Self {
        Stage::seeded(0, folder, wipe, files, workers, checkpoint_batches)
    }

    /// The same with keys and identifiers of their own for each seed.
    pub fn seeded(
        seed: u64,
        folder: &Path,
        wipe: Option<Wipe>,
        files: &[(String, u32)],
        workers: usize,
        checkpoint_batches: u64,
    ) -> Self {
        let set = data_set(&folder.join("source"), files, &[]);
        Stage::of(seed, folder, wipe, None, set, workers, checkpoint_batches)
    }

    /// The same for a drive that holds this and was given up, its free space left as it is.
    pub fn over(
        old: &Memory,
        seed: u64,
        folder: &Path,
        files: &[(String, u32)],
        workers: usize,
    ) -> Self {
        let set = data_set(&folder.join("source"), files, &[]);
        Stage::of(seed, folder, Some(Wipe::None), Some(old), set, workers, 2)
    }

    /// The same for a repository: what is below `together` must be on the drive.
    pub fn repository(
        folder: &Path,
        files: &[(String, u32)],
        together: &'static [&'static str],
    ) -> Self {
        let set = data_set(&folder.join("source"), files, together);
        Stage::of(0, folder, None, None, set, 1, 1)
    }

    fn of(
        seed: u64,
        folder: &Path,
        wipe: Option<Wipe>,
        old: Option<&Memory>,
        set: DataSet,
        workers: usize,
        checkpoint_batches: u64,
    ) -> Self {
        let path = folder.join("S1.img");
        let data_bytes = set.total_bytes();
        let size = ByteSize((200 << 20) + data_bytes);
        let drive = find(&DriveName::Path { path, serial: None, bytes: Some(size) }).unwrap();
        let journals = JournalFolder::new(folder.join("journals"));
        journals.create().unwrap();
        let options = PrepareOptions {
            job: "job-1".parse().unwrap(),
            container: None,
            cipher: Cipher::XtsAes128,
            profile: Profile::Modern,
            omit_zeros: false,
            strict: false,
            checkpoint_bytes: CHECKPOINT_BYTES,
            erase: Vec::new(),
            wipe,
            keeper: Arc::new(JournalOnly),
            stop: StopFlag::default(),
        };
        let world = StillWorld { drawn: Mutex::new(seed), ..StillWorld::default() };
        let old = old.map_or_else(|| memory(drive.bytes, wipe.is_some()), Memory::again);
        let erase = wipe.map(|_| Traces::of(&old).unwrap());
        let clearance = Clearance { erase, wipe };
        let BegunDrive { plan, .. } =
            begin(&drive, clearance, &set.files, &journals, &options, &world).unwrap();
        let begun = std::fs::read(journals.journal(&drive.serial)).unwrap();
        let history = journals.history(&drive.serial).unwrap().unwrap();
        let password = history.begun.password(&JournalOnly).unwrap();
        let fill = FillOptions {
            workers,
            batch_bytes: 4 << 20,
            batches_per_worker: 2,
            checkpoint_bytes: checkpoint_batches * (4 << 20),
            checkpoint_every: Duration::from_secs(3600),
            ..FillOptions::new(false, 1, &Default::default(), false, StopFlag::default())
        };
        let is_used = wipe.is_some();
        Stage { set, plan, begun, password, is_used, world, bytes: drive.bytes, fill }
    }

    /// What opens its volume.
    pub fn password(&self) -> RecoveryPassword {
        self.password.clone()
    }

    /// The drive before anything was done.
    pub fn memory(&self) -> Memory {
        memory(self.bytes, self.is_used)
    }

    /// Goes on from this journal, on this drive, until it is sealed or fails; what it says is
    /// returned, and what is added to the journal is put among the deeds.
    pub fn run(
        &self,
        device: &dyn Device,
        deeds: &Deeds,
        journal: &[u8],
    ) -> Result<(String, u64), Error> {
        let ledger = Box::new(Recorded(deeds.clone()));
        let (journal, _) = Journal::go_on(Path::new("journal"), journal, ledger).unwrap();
        let journal = journal.expect("the first record is whole");
        recognise(device, journal.history(), Look::Places { seed: 7 })?;
        let mut drive = BegunDrive::earlier(journal, self.plan.clone());
        if drive.journal.history().state != CopyState::Sealed {
            let (root, world, fill) = (&self.set.root, &self.world, &self.fill);
            prepare(&mut drive, device, root, fill, world, &VoidMonitor)?;
        }
        let sealed = drive.journal.history().sealed.clone().unwrap();
        Ok((format!("{} {:?}", sealed.manifest_hash, sealed.header_hash), sealed.files))
    }

    /// The same on a drive that does not fail.
    pub fn go_on(&self, memory: &Memory, journal: &[u8]) -> (String, u64) {
        self.run(memory, &memory.deeds, journal).unwrap()
    }
}
