//! Reads a sealed drive back as the datacenter will, through readers of its own, and compares it
//! with journal and manifest. Names exactly what differs.

mod blocks;
mod difference;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::sync::Arc;

use md5::Md5;
use rustix::fs::{Advice, fadvise};
use sha2::{Digest, Sha256, Sha512};

use crate::dataset::Listing;
use crate::device::{Device, FileDevice};
use crate::drive::{self, Drive, Kind};
use crate::error::{Error, Fault, Unready};
use crate::hash::{FileDigests, FileHasher};
use crate::journal::{
    Copied, DrivePlan, History, JournalFolder, JournalOnly, Sealed, SecretKeeper,
};
use crate::limits::BLOCK_BYTES;
use crate::manifest::{Manifest, ManifestBlob, parse};
use crate::monitor::{Event, Monitor, Step};
use crate::noun::{Cipher, DriveError, DrivePath, OnDrive, RecoveryPassword, hex_upper};
use crate::stop::StopFlag;
use crate::sys::aligned::AlignedBuffer;
use crate::volume::view::{FileView, FoundFile, find_volume, unlock};

pub use difference::Difference;

use blocks::Blocks;

/// Bytes read at once.
const READ_BYTES: usize = 16 << 20;
/// A manifest is read into memory, up to this.
const LARGEST_MANIFEST: u64 = 8 << 30;

/// How a drive is verified.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// Where its journal may lie.
    pub journals: Option<JournalFolder>,
    /// What unlocks it, if there is no journal.
    pub recovery_password: Option<RecoveryPassword>,
    /// Opens the recovery password where its journal holds it sealed.
    pub keeper: Arc<dyn SecretKeeper>,
    /// The wish to stop.
    pub stop: StopFlag,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        let (journals, recovery_password) = (None, None);
        let (keeper, stop) = (Arc::new(JournalOnly), StopFlag::default());
        VerifyOptions { journals, recovery_password, keeper, stop }
    }
}

/// What was compared with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Yardstick {
    /// Journal and manifest.
    Journal,
    /// The drive's own manifest only.
    Manifest,
}

/// What verifying a drive has found.
#[derive(Debug)]
pub struct VerifyReport {
    /// The drive.
    pub drive: Drive,
    /// What it was compared with.
    pub against: Yardstick,
    /// The cipher of its volume.
    pub cipher: Cipher,
    /// Files that were read and compared.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Everything that differs; none means that the drive is good.
    pub differences: Vec<Difference>,
    /// What others added since, outside of all that was shipped: no fault of the data.
    pub added: Vec<String>,
}

/// Verifies one drive. An error means that it could not be looked at.
pub fn verify(
    drive: &Drive,
    options: &VerifyOptions,
    monitor: &dyn Monitor,
) -> Result<VerifyReport, Error> {
    let serial = &drive.serial;
    let journal = journal_of(drive, options)?;
    let password = match (&options.recovery_password, &journal) {
        (Some(password), _) => password.clone(),
        (None, Some((history, _))) => history.begun.password(options.keeper.as_ref())?,
        (None, None) => return Err(DriveError::new(serial, Unready::NoRecoveryPassword).into()),
    };
    let device = open(drive)?;
    let (tables, place) = find_volume(&device).on(serial)?;
    let mut differences = Vec::new();
    for (copy, table) in [("primary", &tables.primary), ("backup", &tables.backup)] {
        if let Err(fault) = table {
            differences.push(Difference::PartitionTable { copy, fault: fault.to_string() });
        }
    }
    differences.extend(tables.doubts.iter().map(|&doubt| Difference::Layout { doubt }));
    if journal.as_ref().is_some_and(|(history, _)| !tables.names_disk(history.begun.disk_guid)) {
        differences.push(Difference::DiskGuid);
    }
    let volume = unlock(&device, place, &password).on(serial)?;
    if volume.intact_copies() < 3 {
        differences.push(Difference::MetadataCopies { intact: volume.intact_copies() });
    }
    if let Some(sealed) = journal.as_ref().and_then(|(history, _)| history.sealed.as_ref()) {
        check_header(&device, sealed.header_hash.as_deref().unwrap_or_default(), &mut differences);
    }
    let view = FileView::open(&volume).on(serial)?;
    let check = Check { drive, view: &view, options, monitor };
    let against = if journal.is_some() { Yardstick::Journal } else { Yardstick::Manifest };
    let mut added = Vec::new();
    let (files, bytes) = check.run(journal.as_ref(), &mut differences, &mut added).on(serial)?;
    Ok(VerifyReport {
        drive: drive.clone(),
        against,
        cipher: volume.cipher(),
        files,
        bytes,
        differences,
        added,
    })
}

/// Compares the ranges of the raw drive that the job's header hash names: `offset:length:HASH;…`.
fn check_header(device: &FileDevice, hash: &str, differences: &mut Vec<Difference>) {
    for range in hash.split(';').filter(|range| !range.is_empty()) {
        let mut fields = range.split(':');
        let mut field = || fields.next().unwrap_or_default();
        let (offset, length, expected) = (field(), field(), field());
        let same = match (offset.parse::<u64>(), length.parse::<usize>()) {
            (Ok(at), Ok(length)) if length as u64 <= BLOCK_BYTES => {
                let mut bytes = vec![0; length];
                device.read_at(&mut bytes, at).is_ok()
                    && hex_upper(&Sha512::digest(&bytes)) == expected
            }
            _ => false,
        };
        if !same {
            differences.push(Difference::HeaderHash { place: offset.to_owned() });
        }
    }
}

/// The drive opened for reading only.
pub fn open(drive: &Drive) -> Result<FileDevice, drive::Error> {
    if drive.kind == Kind::NewImage {
        return Err(drive::Error::NoSuchDrive { name: drive.path.display().to_string() });
    }
    let opened = File::open(&drive.path).and_then(|file| {
        // What lies in the page cache proves nothing about the medium. Only a hint to the kernel.
        let _ = fadvise(&file, 0, None, Advice::DontNeed);
        FileDevice::direct(file)
    });
    opened.map_err(|source| drive::Error::Open { path: drive.path.clone(), source })
}

type JournalAndPlan = (History, DrivePlan);

fn journal_of(drive: &Drive, options: &VerifyOptions) -> Result<Option<JournalAndPlan>, Error> {
    let Some(folder) = &options.journals else { return Ok(None) };
    let history = folder.history(&drive.serial)?;
    let Some(history) = history else { return Ok(None) };
    if history.sealed.is_none() {
        return Err(DriveError::new(&drive.serial, Unready::NotSealed).into());
    }
    let plan = folder.read_plan(&history)?;
    Ok(Some((history, plan)))
}

struct Check<'a, 'v> {
    drive: &'a Drive,
    view: &'a FileView<'v>,
    options: &'a VerifyOptions,
    monitor: &'a dyn Monitor,
}

impl Check<'_, '_> {
    /// Compares everything; returns how many files and bytes.
    fn run(
        &self,
        journal: Option<&JournalAndPlan>,
        differences: &mut Vec<Difference>,
        added: &mut Vec<String>,
    ) -> Result<(u64, u64), Fault> {
        let expected = journal.map(|(history, plan)| copied(history, plan));
        let sealed = journal.and_then(|(history, _)| history.sealed.as_ref());
        let Some((path, manifest)) = self.manifest(sealed, differences)? else {
            differences.extend(self.view.unreadable.iter().cloned().map(Difference::from));
            return Ok((0, 0));
        };
        if manifest.drive_id != self.drive.serial {
            let (manifest, drive) = (manifest.drive_id.to_string(), self.drive.serial.to_string());
            differences.push(Difference::DriveId { manifest, drive });
        }
        let mut listed: BTreeSet<&str> = BTreeSet::from([path.as_str()]);
        let mut blobs: Vec<(&ManifestBlob, &FoundFile)> = Vec::new();
        for blob in &manifest.blobs {
            listed.insert(blob.path.as_str());
            match self.view.files.get(blob.path.as_str()) {
                Some(found) => blobs.push((blob, found)),
                None => differences.push(Difference::FileMissing { path: blob.path.to_string() }),
            }
        }
        let mut buffer = AlignedBuffer::zeroed(READ_BYTES);
        for (path, expected) in &manifest.side_files {
            listed.insert(path.as_str());
            let path = path.to_string();
            match self.view.files.get(&path) {
                None => differences.push(Difference::FileMissing { path }),
                Some(found) => match self.digests(found, found.bytes, &mut buffer) {
                    Ok(digests) if digests.md5 == *expected => {}
                    Ok(_) => differences.push(Difference::FileMd5 { path }),
                    Err(fault) => differences.push(self.unreadable(path, fault)?),
                },
            }
        }
        self.list_strangers(&listed, expected.as_ref(), journal, differences, added);
        // As they lie on the drive, so that it reads in one direction.
        blobs.sort_by_key(|(_, found)| found.first_byte());
        let (drive, step) = (&self.drive.serial, Step::Verify);
        let total_bytes = blobs.iter().map(|(blob, _)| blob.bytes).sum();
        self.monitor.event(&Event::StepStarted { drive, step, done_bytes: 0, total_bytes });
        let mut done_bytes = 0;
        let mut blocks = Blocks::new();
        for (blob, found) in &blobs {
            let journalled = expected.as_ref().map(|files| files.get(blob.path.as_str()));
            match self.file(blob, found, journalled, &mut buffer, &mut blocks, differences) {
                Ok(()) => {}
                Err(fault) => differences.push(self.unreadable(blob.path.to_string(), fault)?),
            }
            done_bytes += blob.bytes;
            self.monitor.event(&Event::BytesDone { drive, step, done_bytes, total_bytes });
        }
        blocks.compare(differences);
        self.monitor.event(&Event::StepFinished { drive, step });
        Ok((blobs.len() as u64, done_bytes))
    }

    /// Reads the manifest and compares its hash; `None` if there is nothing to go on with.
    fn manifest(
        &self,
        sealed: Option<&Sealed>,
        differences: &mut Vec<Difference>,
    ) -> Result<Option<(String, Manifest)>, Fault> {
        let path = match sealed {
            Some(sealed) => sealed.manifest.to_string(),
            None => self.manifest_path(),
        };
        let found = self.view.files.get(&path).filter(|file| file.bytes <= LARGEST_MANIFEST);
        let Some(found) = found else {
            differences.push(Difference::ManifestMissing { path });
            return Ok(None);
        };
        let mut bytes = vec![0; found.bytes as usize];
        if let Err(fault) = self.read(found, 0, &mut bytes) {
            differences.push(self.unreadable(path, fault)?);
            return Ok(None);
        }
        if let Some(sealed) = sealed {
            let actual = if sealed.manifest_hash.len() == 32 {
                hex_upper(&Md5::digest(&bytes))
            } else {
                hex_upper(&Sha256::digest(&bytes))
            };
            if actual != sealed.manifest_hash {
                let expected = sealed.manifest_hash.clone();
                differences.push(Difference::ManifestHash { expected, actual });
            }
        }
        match parse(&bytes) {
            Ok(manifest) => Ok(Some((path, manifest))),
            Err(error) => {
                differences.push(Difference::ManifestForm { fault: error.to_string() });
                Ok(None)
            }
        }
    }

    /// Without a journal: the one file at the root that is named like a manifest.
    fn manifest_path(&self) -> String {
        let at_root = |path: &&String| path.rfind('\\') == Some(0) && path.ends_with(".manifest");
        self.view.files.keys().find(at_root).cloned().unwrap_or("\\DriveManifest.xml".to_owned())
    }

    /// Files that are in one list and not in the other.
    fn list_strangers(
        &self,
        listed: &BTreeSet<&str>,
        expected: Option<&BTreeMap<String, Copied>>,
        journal: Option<&JournalAndPlan>,
        differences: &mut Vec<Difference>,
        added: &mut Vec<String>,
    ) {
        for path in expected.into_iter().flat_map(|files| files.keys()) {
            if !listed.contains(path.as_str()) {
                differences.push(Difference::NotInManifest { path: path.clone() });
            }
        }
        let planned: BTreeSet<DrivePath> = journal
            .into_iter()
            .flat_map(|(_, plan)| plan.files.iter())
            .flat_map(|file| {
                let made = file.listing().content_md5().map(|made| made.path.clone());
                [file.path()].into_iter().chain(made)
            })
            .collect();
        let planned: BTreeSet<&str> = planned.iter().map(DrivePath::as_str).collect();
        let known = listed.iter().chain(&planned);
        let ours: BTreeSet<&str> = known.filter_map(|path| top(path)).collect();
        for path in self.view.files.keys() {
            let known = listed.contains(path.as_str())
                || planned.contains(path.as_str())
                || path.starts_with("\\System Volume Information\\FVE2.{");
            if !known && is_below(&ours, path) {
                differences.push(Difference::Extra { path: path.clone() });
            } else if !known {
                added.push(path.clone());
            }
        }
        for unreadable in &self.view.unreadable {
            if unreadable.path.is_empty() || is_below(&ours, &unreadable.path) {
                differences.push(unreadable.clone().into());
            } else {
                added.push(unreadable.to_string());
            }
        }
    }

    /// Reads a file once and compares everything that is known of it; its blocks are compared with
    /// those of others. `journalled` is `None` without a journal, `Some(None)` when the journal does
    /// not know the file.
    fn file<'b>(
        &self,
        blob: &'b ManifestBlob,
        found: &FoundFile,
        journalled: Option<Option<&Copied>>,
        buffer: &mut [u8],
        blocks: &mut Blocks<'b>,
        differences: &mut Vec<Difference>,
    ) -> Result<(), Fault> {
        let path = || blob.path.to_string();
        if found.bytes != blob.bytes {
            let (expected, actual) = (blob.bytes, found.bytes);
            differences.push(Difference::FileLength { path: path(), expected, actual });
            return Ok(());
        }
        for range in &blob.ranges {
            self.options.stop.check()?;
            blocks.take(blob, range, differences, |room| self.read(found, range.offset, room))?;
        }
        let Some(copied) = journalled else { return Ok(()) };
        let Some(copied) = copied else {
            differences.push(Difference::NotInJournal { path: path() });
            return Ok(());
        };
        // What no range covers only the journal knows.
        if blob.ranges.iter().map(|range| range.bytes).sum::<u64>() < blob.bytes {
            let digests = self.digests(found, blob.bytes, buffer)?;
            if copied.md5 != digests.md5 {
                differences.push(Difference::FileMd5 { path: path() });
            }
            if copied.sha256 != digests.sha256 {
                differences.push(Difference::FileSha256 { path: path() });
            }
        }
        Ok(())
    }

    /// All digests of a file.
    fn digests(
        &self,
        found: &FoundFile,
        bytes: u64,
        buffer: &mut [u8],
    ) -> Result<FileDigests, Fault> {
        let mut hasher = FileHasher::new();
        let mut at = 0;
        while at < bytes {
            self.options.stop.check()?;
            let length = (bytes - at).min(buffer.len() as u64) as usize;
            self.read(found, at, &mut buffer[..length])?;
            hasher.update(&buffer[..length]);
            at += length as u64;
        }
        Ok(hasher.finish())
    }

    fn read(&self, found: &FoundFile, at: u64, buffer: &mut [u8]) -> Result<(), Fault> {
        Ok(self.view.read(found, at, buffer)?)
    }

    /// What keeps a file from being compared is a difference like any other; a wish to stop is
    /// none.
    fn unreadable(&self, path: String, fault: Fault) -> Result<Difference, Fault> {
        if let Fault::Stopped(_) = fault {
            return Err(fault);
        }
        let error = DriveError::new(&self.drive.serial, fault);
        let mut fault = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(error) = source {
            fault = format!("{fault}: {error}");
            source = error.source();
        }
        Ok(Difference::Unreadable { path, fault })
    }
}

/// The folder at the root that a path lies in, or the path itself at the root.
fn top(path: &str) -> Option<&str> {
    path.strip_prefix('\\')?.split('\\').next()
}

/// Whether a path lies in a folder at the root that holds something of ours, or is one.
fn is_below(ours: &BTreeSet<&str>, path: &str) -> bool {
    top(path).is_none_or(|top| ours.contains(top))
}

/// What the journal says was copied, by path.
fn copied(history: &History, plan: &DrivePlan) -> BTreeMap<String, Copied> {
    let ends = history.files.all_copied();
    let ends = ends.filter_map(|(index, copied)| Some((plan.files.get(index)?, copied)));
    // The manifest names metadata and properties only if a blob has them.
    let blobs = ends.filter(|(file, _)| *file.listing() != Listing::SideFile);
    blobs.map(|(file, copied)| (file.path().into(), copied)).collect()
}
