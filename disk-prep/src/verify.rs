//! Reads a sealed drive back as the datacenter will, through readers of its own, and compares it
//! with journal and manifest. Names exactly what differs.

mod blocks;
mod contents;
mod difference;
mod listed;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;
use std::thread;

use rustix::fs::{Advice, fadvise};
use sha2::{Digest, Sha512};

use crate::dataset::Listing;
use crate::device::{Device, FileDevice};
use crate::drive::{self, Drive, Kind};
use crate::error::{Error, Fault, Unready};
use crate::hash::{FileDigests, FileHasher};
use crate::journal::{Copied, History, JournalFolder, JournalOnly, SecretKeeper};
use crate::limits::BLOCK_BYTES;
use crate::monitor::{Event, Monitor, Step};
use crate::noun::{Cipher, DriveError, OnDrive, RecoveryPassword, hex_upper};
use crate::stop::StopFlag;
use crate::sys::aligned::AlignedBuffer;
use crate::volume::view::{FileView, FoundFile, find_volume, unlock};

pub use difference::Difference;

use blocks::Blocks;
use contents::{Contents, Ours, contents};
use difference::unreadable;
use listed::{Listed, Numbers};

/// Bytes read at once.
const READ_BYTES: usize = 16 << 20;

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
    let is_other = |(history, _): &Journalled<'_>| !tables.names_disk(history.begun.disk_guid);
    let is_other = journal.as_ref().is_some_and(is_other);
    if is_other {
        differences.push(Difference::DiskGuid);
    }
    let volume = match unlock(&device, place, &password) {
        // The journal's password is right for the journal's drive.
        Err(_) if is_other && options.recovery_password.is_none() => {
            return Err(DriveError::new(serial, drive::Fault::other_tables()).into());
        }
        opened => opened.on(serial)?,
    };
    if volume.intact_copies() < 3 {
        differences.push(Difference::MetadataCopies { intact: volume.intact_copies() });
    }
    if let Some(sealed) = journal.as_ref().and_then(|(history, _)| history.sealed.as_ref()) {
        check_header(&device, sealed.header_hash.as_deref().unwrap_or_default(), &mut differences);
    }
    let view = FileView::open(&volume).on(serial)?;
    let damages = view.damages(&|| options.stop.is_asked());
    options.stop.check().on(serial)?;
    differences.extend(damages.into_iter().map(Difference::from));
    let check = Check { drive, view: &view, options, monitor };
    let against = if journal.is_some() { Yardstick::Journal } else { Yardstick::Manifest };
    let mut added = Vec::new();
    let (files, bytes) = check.run(journal.as_ref(), &mut differences, &mut added)?;
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

/// What the journal of a drive says, and where it lies.
type Journalled<'a> = (History, &'a JournalFolder);

fn journal_of<'a>(
    drive: &Drive,
    options: &'a VerifyOptions,
) -> Result<Option<Journalled<'a>>, Error> {
    let Some(folder) = &options.journals else { return Ok(None) };
    let Some(history) = folder.ends_of(&drive.serial)? else { return Ok(None) };
    if history.sealed.is_none() {
        return Err(DriveError::new(&drive.serial, Unready::NotSealed).into());
    }
    Ok(Some((history, folder)))
}

struct Check<'a, 'v> {
    drive: &'a Drive,
    view: &'a FileView<'v>,
    options: &'a VerifyOptions,
    monitor: &'a dyn Monitor,
}

/// What the journal knows of the files of a drive, by their numbers there.
struct Known {
    /// Files that it says were copied.
    copied: Numbers,
    /// Digests of those of them that the manifest does not cover with ranges.
    digests: BTreeMap<usize, Copied>,
}

impl Check<'_, '_> {
    /// Compares everything; returns how many files and bytes.
    fn run(
        &self,
        journal: Option<&Journalled<'_>>,
        differences: &mut Vec<Difference>,
        added: &mut Vec<String>,
    ) -> Result<(u64, u64), Error> {
        let serial = &self.drive.serial;
        let sealed = journal.and_then(|(history, _)| history.sealed.as_ref());
        let Some(contents) = contents(self.view, serial, sealed, differences).on(serial)? else {
            differences.extend(self.view.unreadable.iter().cloned().map(Difference::from));
            return Ok((0, 0));
        };
        let Contents { frame, mut listed, files, bytes } = contents;
        if frame.drive_id != self.drive.serial {
            let (manifest, drive) = (frame.drive_id.to_string(), self.drive.serial.to_string());
            differences.push(Difference::DriveId { manifest, drive });
        }
        let mut buffer = AlignedBuffer::zeroed(READ_BYTES);
        for (path, expected) in &frame.side_files {
            let path = path.to_string();
            let found = self.view.files.find(&path);
            listed.note(&path, found);
            match found.map(|number| self.view.files.at(number)) {
                None => differences.push(Difference::FileMissing { path }),
                Some(found) => match self.digests(&found, found.bytes, &mut buffer) {
                    Ok(digests) if digests.md5 == *expected => {}
                    Ok(_) => differences.push(Difference::FileMd5 { path }),
                    Err(fault) => differences.push(unreadable(serial, path, fault).on(serial)?),
                },
            }
        }
        let known = self.list_strangers(&listed, journal, differences, added)?;
        // As they lie on the drive, so that it reads in one direction.
        listed.sort_by_key(|number| self.view.files.first_byte(number));
        let (drive, step) = (&self.drive.serial, Step::Verify);
        let total_bytes = bytes;
        // Those of another length are not read.
        let reads: u64 = (0..listed.len()).map(|at| self.view.files.bytes(listed.found(at))).sum();
        let mut done_bytes = bytes.saturating_sub(reads);
        self.monitor.event(&Event::StepStarted { drive, step, done_bytes: 0, total_bytes });
        thread::scope(|scope| -> Result<(), Error> {
            let mut blocks = Blocks::new(&self.view.files, scope);
            for at in 0..listed.len() {
                let number = listed.found(at);
                let read =
                    self.file(&listed, at, known.as_ref(), &mut buffer, &mut blocks, differences);
                if let Err(fault) = read {
                    let path = self.view.files.path(number);
                    differences.push(unreadable(serial, path, fault).on(serial)?);
                }
                done_bytes += self.view.files.bytes(number);
                self.monitor.event(&Event::BytesDone { drive, step, done_bytes, total_bytes });
            }
            blocks.finish(differences);
            Ok(())
        })?;
        self.monitor.event(&Event::StepFinished { drive, step });
        Ok((files, bytes))
    }

    /// Files that are in one list and not in the other; what the journal knows, if there is one.
    fn list_strangers(
        &self,
        listed: &Listed,
        journal: Option<&Journalled<'_>>,
        differences: &mut Vec<Difference>,
        added: &mut Vec<String>,
    ) -> Result<Option<Known>, Error> {
        let files = &self.view.files;
        let mut ours = Ours::new();
        let mut planned = Numbers::none_of(files.len());
        let known = match journal {
            None => None,
            Some(journal) => {
                Some(self.planned(listed, journal, differences, &mut planned, &mut ours)?)
            }
        };
        listed.absent().for_each(|path| ours.add(path));
        for number in (0..files.len()).filter(|&number| listed.has(number)) {
            ours.add(&top_of(files.parts(number)));
        }
        for number in 0..files.len() {
            if listed.has(number) || planned.has(number) {
                continue;
            }
            let path = files.path(number);
            if path.starts_with("\\System Volume Information\\FVE2.{") {
                continue;
            }
            if ours.is_below(&path) {
                differences.push(Difference::Extra { path });
            } else {
                added.push(path);
            }
        }
        for unreadable in &self.view.unreadable {
            if unreadable.path.is_empty() || ours.is_below(&unreadable.path) {
                differences.push(unreadable.clone().into());
            } else {
                added.push(unreadable.to_string());
            }
        }
        for odd in &self.view.odd {
            if odd.path.is_empty() || ours.is_below(&odd.path) {
                let file = if odd.path.is_empty() { "\\" } else { &odd.path }.to_owned();
                differences.push(Difference::FileSystem { file, fault: odd.fault.clone() });
            }
        }
        Ok(known)
    }

    /// Goes through the plan, file by file: what was copied must be listed.
    fn planned(
        &self,
        listed: &Listed,
        (history, folder): &Journalled<'_>,
        differences: &mut Vec<Difference>,
        planned: &mut Numbers,
        ours: &mut Ours,
    ) -> Result<Known, Error> {
        let files = &self.view.files;
        let mut copied = Numbers::none_of(files.len());
        // Files of which only the journal has digests of all bytes, by their places in the plan.
        let mut bare = BTreeMap::new();
        let (mut index, mut last) = (0, None);
        folder.each_planned(history, &mut |file| {
            let path = file.path.as_str();
            let found = files.find_behind(last, path);
            last = found.or(last);
            ours.add(path);
            if let Some(number) = found {
                planned.insert(number);
            }
            if let Some(made) = file.listing.content_md5() {
                ours.add(made.path.as_str());
                if let Some(number) = files.find(made.path.as_str()) {
                    planned.insert(number);
                }
            }
            // The manifest names metadata and properties only if a blob has them.
            if file.listing != Listing::SideFile && history.files.is_copied(index) {
                if let Some(number) = found {
                    copied.insert(number);
                    if listed.is_uncovered(number) {
                        bare.insert(index, number);
                    }
                }
                if !found.map_or(listed.is_absent(path), |number| listed.has(number)) {
                    differences.push(Difference::NotInManifest { path: path.to_owned() });
                }
            }
            index += 1;
        })?;
        let mut digests = BTreeMap::new();
        if !bare.is_empty()
            && let Some(history) = folder.history(&self.drive.serial)?
        {
            let own = bare.into_iter();
            digests.extend(
                own.filter_map(|(index, number)| Some((number, history.files.copied(index)?))),
            );
        }
        Ok(Known { copied, digests })
    }

    /// Reads a listed file once and compares everything that is known of it; its blocks are
    /// compared with those of others.
    fn file(
        &self,
        listed: &Listed,
        at: usize,
        known: Option<&Known>,
        buffer: &mut [u8],
        blocks: &mut Blocks<'_>,
        differences: &mut Vec<Difference>,
    ) -> Result<(), Fault> {
        let number = listed.found(at);
        let found = self.view.files.at(number);
        let path = || self.view.files.path(number);
        for range in listed.ranges(at, found.bytes) {
            self.options.stop.check()?;
            blocks
                .take(number, range, differences, |room| self.read(&found, range.offset, room))?;
        }
        let Some(known) = known else { return Ok(()) };
        if !known.copied.has(number) {
            differences.push(Difference::NotInJournal { path: path() });
            return Ok(());
        }
        // What no range covers only the journal knows.
        if let Some(copied) = known.digests.get(&number) {
            let digests = self.digests(&found, found.bytes, buffer)?;
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
}

/// Of a path in two parts one that shows what stands at the root.
fn top_of<'a>((folder, name): (&'a str, &'a str)) -> Cow<'a, str> {
    match folder {
        "\\" => [folder, name].concat().into(),
        _ => folder.into(),
    }
}

#[cfg(test)]
mod tests;
