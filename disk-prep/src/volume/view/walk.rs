//! The walk through all folders, in bounds: so many names as the file table has records, so deep,
//! so much text; each folder once. A part that cannot be read is told and left out, the rest read.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ntfs::attribute_value::NtfsAttributeValue;
use ntfs::structured_values::{NtfsFileName, NtfsFileNamespace};
use ntfs::{KnownNtfsFileRecordNumber, Ntfs, NtfsError, NtfsFile};

use super::super::bitlocker::unlock::UnlockedVolume;
use super::files::FoundFiles;
use super::found::{FileSystemFacts, FoundFile, Unreadable, ViewError};
use super::nodes::are_marked;
use super::sentry::Sentry;
use super::time::is_time;

/// Folders within folders, at most.
const DEEPEST: usize = 512;
/// UTF-16 units of a path, as Windows has them at most.
const LONGEST_PATH: usize = 32_767;
/// The first record that is not the file system's own.
const FIRST_OWN: u64 = 24;
/// Names of one record, on average: long and short, or a few hard links.
const NAMES_PER_RECORD: u64 = 4;
const SPARE_NAMES: u64 = 4096;
/// Bytes of all paths: the shortest allowance, and so much for each record.
const LEAST_TEXT: u64 = 64 << 20;
const TEXT_PER_RECORD: u64 = 1024;
/// Faults that are told one by one.
const MOST_FAULTS: usize = 1000;

/// What was found.
pub(super) struct Walked {
    pub facts: FileSystemFacts,
    pub files: FoundFiles,
    pub unreadable: Vec<Unreadable>,
    /// What can be read and is not right.
    pub odd: Vec<Unreadable>,
}

/// Walks all folders of a volume.
pub(super) fn walk(volume: &UnlockedVolume<'_>) -> Result<Walked, ViewError> {
    let mut sentry = Sentry::open(volume)?;
    let whole = |fault: String| ViewError::FileSystem { fault };
    let ntfs = guarded(|| Ntfs::new(&mut sentry)).map_err(whole)?;
    guarded(|| ntfs.file(&mut sentry, KnownNtfsFileRecordNumber::MFT as u64)).map_err(whole)?;
    let table = sentry.last().data.ok_or_else(|| whole("there is no file table".to_owned()))?;
    let records = table.bytes / sentry.geometry().record_bytes as u64;
    sentry.allow(records);
    let facts = guarded(|| facts(&ntfs, &mut sentry)).map_err(whole)?;
    let mut walk = Walk {
        ntfs: &ntfs,
        names_left: records.saturating_mul(NAMES_PER_RECORD).saturating_add(SPARE_NAMES),
        text_left: records.saturating_mul(TEXT_PER_RECORD).saturating_add(LEAST_TEXT),
        data_left: sentry.geometry().volume_bytes,
        volume,
        sentry: &mut sentry,
        records,
        seen: HashSet::new(),
        files: FoundFiles::default(),
        unreadable: Vec::new(),
        odd: Vec::new(),
        untold: 0,
    };
    walk.run()?;
    let Walk { files, unreadable, odd, .. } = walk;
    Ok(Walked { facts, files, unreadable, odd })
}

/// Calls into the foreign reader. A panic of it is a fault like any other: the checks before it
/// leave no known cause for one.
fn guarded<T>(call: impl FnOnce() -> Result<T, NtfsError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(NtfsError::Io(error))) => Err(chain(&error)),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the reader of file systems gave up".to_owned()),
    }
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

fn facts(ntfs: &Ntfs, sentry: &mut Sentry<'_>) -> Result<FileSystemFacts, NtfsError> {
    let info = ntfs.volume_info(sentry)?;
    let label = match ntfs.volume_name(sentry) {
        Some(name) => name?.name().to_string_lossy(),
        None => String::new(),
    };
    Ok(FileSystemFacts {
        label,
        version: format!("{}.{}", info.major_version(), info.minor_version()),
        serial: ntfs.serial_number(),
        cluster_bytes: ntfs.cluster_size(),
        bytes: ntfs.size(),
    })
}

struct Walk<'a, 'v> {
    ntfs: &'a Ntfs,
    volume: &'v UnlockedVolume<'v>,
    sentry: &'a mut Sentry<'v>,
    records: u64,
    names_left: u64,
    text_left: u64,
    data_left: u64,
    /// Folders that were walked.
    seen: HashSet<u64>,
    files: FoundFiles,
    unreadable: Vec<Unreadable>,
    odd: Vec<Unreadable>,
    untold: u64,
}

/// A folder that is still to be walked.
struct Pending {
    record: u64,
    path: String,
    depth: usize,
}

/// A name in a folder.
struct Named {
    record: u64,
    sequence: u16,
    name: String,
    /// Its length, as the folder says.
    bytes: u64,
    /// Whether what the folder says of it can be.
    is_plain: bool,
}

impl Walk<'_, '_> {
    fn run(&mut self) -> Result<(), ViewError> {
        let root = KnownNtfsFileRecordNumber::RootDirectory as u64;
        let mut pending = vec![Pending { record: root, path: String::new(), depth: 0 }];
        let mut is_root = true;
        while let Some(Pending { record, path, depth }) = pending.pop() {
            if depth > DEEPEST {
                self.tell(path, format!("it lies below more than {DEEPEST} folders"));
                continue;
            }
            if !self.seen.insert(record) {
                self.tell(path, "it is a folder that was met before".to_owned());
                continue;
            }
            let mut names = Vec::new();
            match self.names(record, &mut names) {
                Ok(true) => {}
                Ok(false) => self.tell_odd(&path, "its bitmap does not mark where its names are"),
                Err(fault) if is_root && names.is_empty() => {
                    return Err(ViewError::FileSystem { fault });
                }
                Err(fault) => self.tell(path.clone(), fault),
            }
            is_root = false;
            self.files.folder(&path);
            for named in names {
                let Named { record, ref name, .. } = named;
                let whole = format!("{path}\\{}", name.escape_debug());
                let length = path.encode_utf16().count() + name.encode_utf16().count() + 1;
                let text = self.text_left.checked_sub(2 * whole.len() as u64);
                if let Some(left) = text {
                    self.text_left = left;
                } else {
                    self.tell(path, "there is more text in names than can be held".to_owned());
                    self.sort();
                    return Ok(());
                }
                match self.take(&named, length, &whole) {
                    Ok(Taken::Folder) => {
                        let depth = depth + 1;
                        pending.push(Pending { record, path: format!("{path}\\{name}"), depth });
                    }
                    Ok(Taken::File(file)) => self.files.push(name, &file),
                    Err(fault) => self.tell(whole, fault),
                }
            }
        }
        self.sort();
        if self.untold > 0 {
            let fault = format!("{} more files and folders cannot be read", self.untold);
            self.unreadable.push(Unreadable { path: String::new(), fault });
        }
        Ok(())
    }

    fn sort(&mut self) {
        for path in self.files.sort() {
            self.tell(path, "there are two files of this name".to_owned());
        }
    }

    fn tell(&mut self, path: String, fault: String) {
        if self.unreadable.len() < MOST_FAULTS {
            self.unreadable.push(Unreadable { path, fault });
        } else {
            self.untold += 1;
        }
    }

    fn tell_odd(&mut self, path: &str, fault: impl Into<String>) {
        if self.odd.len() < MOST_FAULTS {
            self.odd.push(Unreadable { path: path.to_owned(), fault: fault.into() });
        }
    }

    /// The names of a folder with their records, without those of the system and short aliases;
    /// those before a fault are kept. Whether the folder's bitmap marks its nodes.
    fn names(&mut self, record: u64, names: &mut Vec<Named>) -> Result<bool, String> {
        let Walk { ntfs, volume, sentry, names_left, .. } = self;
        let folder = guarded(|| ntfs.file(*sentry, record))?;
        if !sentry.last().in_use || sentry.last().nodes.is_none() {
            return Err("its record is not that of a folder".to_owned());
        }
        let index = guarded(|| folder.directory_index(*sentry))?;
        let parent = u64::from(folder.sequence_number()) << 48 | record;
        let most = sentry.geometry().volume_bytes;
        let mut entries = index.entries();
        loop {
            let next = guarded(|| {
                let Some(entry) = entries.next(*sentry) else { return Ok(None) };
                let entry = entry?;
                let reference = entry.file_reference();
                let (record, sequence) =
                    (reference.file_record_number(), reference.sequence_number());
                let Some(name) = entry.key() else { return Ok(Some(None)) };
                let name = name?;
                let is_own = record >= FIRST_OWN && name.namespace() != NtfsFileNamespace::Dos;
                let named = || Named {
                    record,
                    sequence,
                    name: name.name().to_string_lossy(),
                    bytes: name.data_size(),
                    is_plain: is_plain(&name, parent, most),
                };
                Ok(Some(is_own.then(named)))
            })?;
            let Some(named) = next else { break };
            *names_left = names_left
                .checked_sub(1)
                .ok_or("there are more names than the file table has records")?;
            names.extend(named);
        }
        let place = folder.position().value().map_or(0, |place| place.get());
        let nodes = sentry.nodes();
        let is_large = nodes.len() > 0;
        Ok(!is_large || are_marked(volume, sentry.geometry(), place, nodes) != Some(false))
    }

    /// Looks at what a name stands for.
    fn take(&mut self, named: &Named, units: usize, path: &str) -> Result<Taken, String> {
        let &Named { record, sequence, ref name, bytes, is_plain } = named;
        if units > LONGEST_PATH {
            return Err(format!("its path is longer than {LONGEST_PATH} characters"));
        }
        let leads_away = |character| matches!(character, '\0' | '\\' | '/');
        if matches!(name.as_str(), "" | "." | "..") || name.contains(leads_away) {
            return Err("its name is none that a file can have".to_owned());
        }
        if record >= self.records {
            return Err(format!("its record {record} is not in the file table"));
        }
        let Walk { ntfs, sentry, .. } = self;
        let file = guarded(|| ntfs.file(*sentry, record))?;
        let facts = sentry.last().clone();
        if !facts.in_use || facts.is_extension || file.sequence_number() != sequence {
            return Err("its record is no longer its own".to_owned());
        }
        if facts.is_reparse_point {
            return Err("it is a link or reparse point, which is not followed".to_owned());
        }
        if !is_plain {
            self.tell_odd(path, "what its folder says beside its name cannot be");
        }
        if let Some(oddity) = facts.oddity {
            self.tell_odd(path, oddity);
        }
        if file.is_directory() {
            return Ok(Taken::Folder);
        }
        let data = facts.data.ok_or("it has no data")?;
        if data.is_compressed || data.is_encrypted {
            let how = if data.is_compressed { "compressed" } else { "encrypted" };
            return Err(format!("its data is {how} by the file system, which is not read"));
        }
        if data.valid_bytes < data.bytes {
            let (valid, all) = (data.valid_bytes, data.bytes);
            return Err(format!("only {valid} of its {all} bytes were ever written"));
        }
        if data.bytes != bytes {
            let fault = format!("its folder says that it has {bytes} bytes, it has {}", data.bytes);
            self.tell_odd(path, fault);
        }
        self.data_left = self
            .data_left
            .checked_sub(data.allocated_bytes)
            .ok_or("the files have more clusters than the volume")?;
        let sentry = &mut *self.sentry;
        guarded(|| found(&file, sentry)).map(Taken::File)
    }
}

/// Whether what a folder says beside a name can be: the folder itself, times, sizes.
fn is_plain(name: &NtfsFileName, parent: u64, most: u64) -> bool {
    let above = name.parent_directory_reference();
    let above = u64::from(above.sequence_number()) << 48 | above.file_record_number();
    let times = [
        name.creation_time(),
        name.modification_time(),
        name.mft_record_modification_time(),
        name.access_time(),
    ];
    above == parent
        && times.iter().all(|time| is_time(time.nt_timestamp()))
        && name.allocated_size().max(name.data_size()) <= most
}

enum Taken {
    Folder,
    File(FoundFile),
}

/// The data of a file: its attribute is known to be there, in this record.
fn found(file: &NtfsFile<'_>, sentry: &mut Sentry<'_>) -> Result<FoundFile, NtfsError> {
    let Some(item) = file.data(sentry, "") else {
        let gone = std::io::Error::new(std::io::ErrorKind::InvalidData, "it has no data");
        return Err(gone.into());
    };
    let item = item?;
    let attribute = item.to_attribute()?;
    let value = attribute.value(sentry)?;
    let mut found = FoundFile { bytes: value.len(), runs: Vec::new(), resident: None };
    match &value {
        NtfsAttributeValue::Resident(value) => found.resident = Some(value.data().to_vec()),
        NtfsAttributeValue::NonResident(value) => {
            for run in value.data_runs() {
                let run = run?;
                let place = run.data_position().value().map(|place| place.get());
                found.runs.push((place, run.allocated_size()));
            }
        }
        NtfsAttributeValue::AttributeListNonResident(_) => {
            let spread = "its data is spread over several records";
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, spread).into());
        }
    }
    Ok(found)
}
