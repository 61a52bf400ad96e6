//! One world: a folder of sources, a folder of journals, drives that are image files, and what
//! people and machines do to them.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use disk_prep::Error;
use disk_prep::dataset::{DataSet, FilesOptions, scan};
use disk_prep::drive::{DriveName, NamedDrive};
use disk_prep::journal::{CopyState, JournalFolder, JournalOnly};
use disk_prep::manifest::Profile;
use disk_prep::noun::{ByteSize, Cipher, ImportDisposition, Serial, Wipe};
use disk_prep::pool::{NoBay, PrepareOutcome, PrepareRun};
use disk_prep::prepare::PrepareOptions;
use disk_prep::release::{look, release};
use rustix::fs::SeekFrom;
use sha2::{Digest, Sha256};

use super::chance::Chance;
use super::fate::{Fate, FatedWorld, Keys, Killed, Plot};

pub const DRIVE_BYTES: u64 = 210_000_000;

/// A drive on the table.
pub struct Img {
    pub serial: Serial,
    pub path: PathBuf,
    /// Whether somebody else's bytes lie on it, which only `--erase` may touch.
    pub is_foreign: bool,
}

pub struct Place<'k> {
    folder: tempfile::TempDir,
    pub drives: Vec<Img>,
    pub journals: JournalFolder,
    drawn: Mutex<(u64, u64)>,
    keys: &'k Keys,
    /// What happened, for the one who looks for a fault.
    pub story: Vec<String>,
}

/// How a run ended.
#[derive(Debug)]
pub enum End {
    Killed,
    Refused(Error),
    Done(PrepareOutcome),
}

impl<'k> Place<'k> {
    pub fn new(keys: &'k Keys, chance: &mut Chance) -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory).unwrap()
        } else {
            tempfile::tempdir().unwrap()
        };
        fs::create_dir(folder.path().join("source")).unwrap();
        fs::create_dir(folder.path().join("drives")).unwrap();
        let journals = JournalFolder::new(folder.path().join("journals"));
        let (drawn, story) = (Mutex::new((0, 0)), Vec::new());
        let mut place = Place { folder, drives: Vec::new(), journals, drawn, keys, story };
        for _ in 0..3 + chance.below(5) {
            place.add_drive();
        }
        // Now and then more than fits on one drive.
        let most = *chance.pick(&[1_000_000, 3_000_000, 9_000_000, 40_000_000]);
        for number in 0..4 + chance.below(9) {
            let bytes = *chance.pick(&[0, 1, 4096, 65_537, most / 3, most]);
            place.write_source(number, bytes, chance);
        }
        place
    }

    pub fn source(&self) -> PathBuf {
        self.folder.path().join("source")
    }

    pub fn write_source(&self, number: u64, bytes: u64, chance: &mut Chance) {
        let mut content = vec![0; bytes as usize];
        let mut stream = Chance::new(chance.next());
        for piece in content.chunks_mut(4096) {
            // Cheap and different in each block.
            piece.fill(stream.next() as u8);
        }
        let name =
            if number.is_multiple_of(3) { format!("in/{number}") } else { number.to_string() };
        let path = self.source().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn sources(&self) -> Vec<PathBuf> {
        let files = walkdir::WalkDir::new(self.source()).sort_by_file_name().into_iter().flatten();
        files.filter(|one| one.file_type().is_file()).map(|one| one.into_path()).collect()
    }

    pub fn data_set(&self) -> DataSet {
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
        scan(&self.source(), &options).unwrap()
    }

    /// Puts a blank drive on the table; its image is made when it is first written.
    pub fn add_drive(&mut self) -> usize {
        let serial: Serial = format!("S{}", self.drives.len() + 1).parse().unwrap();
        let path = self.folder.path().join("drives").join(format!("{serial}.img"));
        self.drives.push(Img { serial, path, is_foreign: false });
        self.drives.len() - 1
    }

    /// The state that a drive's journal says, if it has one.
    pub fn state(&self, at: usize) -> Option<CopyState> {
        let all = self.journals.read().unwrap();
        let own = all.into_iter().find(|history| history.begun.serial == self.drives[at].serial);
        own.map(|history| history.state)
    }

    /// Whether a drive that is begun only may be erased again, as its journal says.
    pub fn is_erasable_again(&self, at: usize) -> bool {
        let all = self.journals.read().unwrap();
        let own = all.into_iter().find(|history| history.begun.serial == self.drives[at].serial);
        own.is_some_and(|history| history.state == CopyState::Begun && history.begun.erase)
    }

    /// Somebody uses a drive for something else.
    pub fn use_drive(&mut self, at: usize, chance: &mut Chance) {
        let is_erasable = self.is_erasable_again(at);
        let drive = &mut self.drives[at];
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&drive.path);
        let file = file.unwrap();
        if file.metadata().unwrap().len() == 0 {
            file.set_len(DRIVE_BYTES >> 20 << 20).unwrap();
        }
        let end = file.metadata().unwrap().len();
        let anywhere = chance.below(end);
        // Of a drive that was given up, only the places of labels are known again.
        let anywhere = if is_erasable { 1 << 20 } else { anywhere };
        let offset = *chance.pick(&[0, 512, 1080, 65_600, 129 << 20, end - 512, anywhere]);
        file.write_all_at(b"somebody's", offset.min(end - 10)).unwrap();
        drive.is_foreign = true;
    }

    /// The serial of one drive now leads to the bytes of another and the other way round.
    pub fn swap(&self, one: usize, other: usize) {
        let spare = self.folder.path().join("drives/spare");
        let (one, other) = (&self.drives[one].path, &self.drives[other].path);
        fs::rename(one, &spare).unwrap();
        fs::rename(other, one).unwrap();
        fs::rename(spare, other).unwrap();
    }

    /// Gives a drive up, as a person does who will not ship it.
    pub fn release(&mut self, at: usize) {
        let serial = &self.drives[at].serial;
        let hold = look(&self.journals, serial).unwrap();
        release(&self.journals, serial, &hold).unwrap();
        self.drives[at].is_foreign = self.has_content(at);
    }

    /// Leaves the claims of a killed run behind, on this machine or another one.
    pub fn leave_claims(&self, drives: &BTreeSet<usize>, host: Option<&str>) {
        let (machine, here) = disk_prep::sys::machine::machine();
        let host = host.unwrap_or(&here);
        for &at in drives {
            let text = format!(
                r#"{{"version":1,"machine":"{machine}","host":"{host}","process":7,"since":"2027-01-15T08:00:00Z"}}"#
            );
            let path = self.journals.path().join(format!("{}.claim", self.drives[at].serial));
            if self.journals.path().exists() {
                fs::write(path, text).unwrap();
            }
        }
    }

    /// A record of one of these drives was being written when the run was killed.
    pub fn tear_journal(&self, drives: &BTreeSet<usize>, chance: &mut Chance) {
        let drives: Vec<usize> = drives.iter().copied().collect();
        let path = self.journals.journal(&self.drives[*chance.pick(&drives)].serial);
        if let Ok(mut bytes) = fs::read(&path) {
            let whole =
                bytes.split_inclusive(|&byte| byte == b'\n').next_back().unwrap_or_default();
            let torn = whole[..chance.below(whole.len() as u64) as usize].to_vec();
            bytes.extend(torn);
            fs::write(path, bytes).unwrap();
        }
    }

    /// One run over some drives. `erase` are those whose serial was typed.
    pub fn run(
        &self,
        drives: &BTreeSet<usize>,
        erase: &BTreeSet<usize>,
        strict: bool,
        plot: Plot,
        chance: &mut Chance,
    ) -> End {
        let fate = Fate::new(plot);
        let end = self.run_fated(drives, erase, strict, &fate);
        fate.cut_power(chance);
        end
    }

    fn run_fated(
        &self,
        drives: &BTreeSet<usize>,
        erase: &BTreeSet<usize>,
        strict: bool,
        fate: &Arc<Fate>,
    ) -> End {
        let data_set = self.data_set();
        let name = |&at: &usize| DriveName::Path {
            path: self.drives[at].path.clone(),
            serial: Some(self.drives[at].serial.clone()),
            bytes: (!self.drives[at].path.exists()).then_some(ByteSize(DRIVE_BYTES)),
        };
        let names: Vec<DriveName> = drives.iter().map(name).collect();
        let found: Result<Vec<NamedDrive>, _> = names.iter().map(NamedDrive::find).collect();
        let found = match found {
            Ok(found) => found,
            Err(error) => return End::Refused(error.into()),
        };
        let world = FatedWorld { fate: fate.clone(), keys: self.keys, drawn: &self.drawn };
        let run = PrepareRun {
            data_set: &data_set,
            drives: &found,
            absent: &[],
            bay: &NoBay,
            journals: self.journals.clone(),
            options: PrepareOptions {
                job: "job-1".parse().unwrap(),
                container: None,
                cipher: Cipher::XtsAes128,
                profile: Profile::Modern,
                omit_zeros: false,
                strict,
                checkpoint_bytes: 4 << 20,
                erase: erase.iter().map(|&at| self.drives[at].serial.clone()).collect(),
                wipe: Some(Wipe::None),
                keeper: Arc::new(JournalOnly),
                stop: fate.stop.clone(),
            },
            elsewhere: &[],
            world: &world,
            monitor: fate.as_ref(),
        };
        match catch_unwind(AssertUnwindSafe(|| run.run())) {
            Err(panic) if panic.is::<Killed>() => End::Killed,
            Err(panic) => resume_unwind(panic),
            // A thread that was killed may have been taken for one whose drive failed.
            Ok(_) if fate.is_dead() => End::Killed,
            Ok(Ok(outcome)) => End::Done(outcome),
            Ok(Err(error)) => End::Refused(error),
        }
    }

    /// Whether anything lies on a drive that is not zero.
    pub fn has_content(&self, at: usize) -> bool {
        let mut pages = 0;
        if let Ok(file) = File::open(&self.drives[at].path) {
            each_page(&file, |_, _| pages += 1);
        }
        pages > 0
    }

    /// What lies on a drive: a digest over all that is not zero; `None` where there is no image.
    pub fn digest(&self, at: usize) -> Option<[u8; 32]> {
        let file = File::open(&self.drives[at].path).ok()?;
        let mut hasher = Sha256::new();
        each_page(&file, |number, page| {
            hasher.update(number.to_le_bytes());
            hasher.update(page);
        });
        Some(hasher.finalize().into())
    }
}

/// Calls `look` with each page that is not all zero.
fn each_page(file: &File, mut look: impl FnMut(u64, &[u8])) {
    const PAGE: u64 = 4096;
    let end = file.metadata().unwrap().len();
    let mut at = 0;
    while at < end {
        let Ok(data) = rustix::fs::seek(file, SeekFrom::Data(at)) else { return };
        let hole = rustix::fs::seek(file, SeekFrom::Hole(data)).unwrap();
        let mut page = [0; PAGE as usize];
        at = data / PAGE * PAGE;
        while at < hole {
            let length = (end - at).min(PAGE) as usize;
            file.read_exact_at(&mut page[..length], at).unwrap();
            if page[..length].iter().any(|&byte| byte != 0) {
                look(at / PAGE, &page[..length]);
            }
            at += PAGE;
        }
    }
}
