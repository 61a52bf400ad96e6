//! The system files, records 0 to 26 (`ntfs-write-once` 5), and the records of everything else.

use super::error::Error;
use super::index::blocks_unit;
use super::layout::Layout;
use super::map::{Content, EXTEND, EXTEND_NAMES, FIRST_RECORD, ROOT, ROOT_NAMES};
use super::record::{
    Mapping, NameFacts, RECORD_BYTES, RecordWriter, file_name, flag, kind, standard_information,
    up8,
};
use super::tables::{
    Edition, SECURITY_FILE, SECURITY_FOLDER, SECURITY_READ_ONLY, SECURITY_SYSTEM, SECURITY_VOLUME,
    by_hash, by_id, own_descriptor, owners, quotas, view_root,
};
use super::time::FileTimes;
use super::tree::Entry;

const HIDDEN_SYSTEM: u32 = 0x06;
const ARCHIVE: u32 = 0x20;
const FOLDER: u32 = 0x1000_0000;
const VIEW: u32 = 0x2000_0000;
/// Namespace of system files: long and short name in one.
const WIN32_AND_DOS: u8 = 3;
/// Namespace of all other names.
const POSIX: u8 = 0;
/// CRC-64 of the table in `$UpCase:$Info`.
const UPCASE_CRC: u64 = 0xdadc_7e77_6b1b_690c;

/// Collations of the view indexes.
mod collation {
    pub const ULONG: u32 = 0x10;
    pub const SID: u32 = 0x11;
    pub const SECURITY_HASH: u32 = 0x12;
    pub const ULONGS: u32 = 0x13;
}

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

impl Layout {
    /// Whether a record is in use.
    pub(super) fn is_record_used(&self, record: u64) -> bool {
        matches!(record, 0..=15 | 24..=26)
            || (FIRST_RECORD..FIRST_RECORD + self.tree().len()).contains(&record)
    }

    /// Writes a record into `out`, which has its length.
    pub(super) fn fill_record(&self, record: u64, out: &mut [u8]) {
        match record {
            _ if !self.is_record_used(record) => RecordWriter::new().finish(record, 0, 0, out),
            0..FIRST_RECORD => self.fill_system(record, out),
            _ => match self.tree().node(record).entry {
                Entry::Folder(folder) => self.fill_folder(record, folder as usize, out),
                Entry::File(_) | Entry::Pinned(_) => self.fill_file(record, out),
            },
        }
    }

    /// The attributes of a name that is not of the system.
    fn name_facts(&self, record: u64) -> NameFacts {
        let node = self.tree().node(record);
        let parent = node.parent.into();
        let format = FileTimes::from(self.params().format_time);
        let (times, bytes, allocated, attributes) = match node.entry {
            Entry::Folder(folder) => {
                let hidden =
                    if self.tree().folders()[folder as usize].hidden { HIDDEN_SYSTEM } else { 0 };
                (format, 0, 0, FOLDER | hidden)
            }
            Entry::File(file) => {
                let (bytes, time) = self.file(file as usize);
                (time.into(), bytes, bytes.next_multiple_of(self.cluster_bytes()), ARCHIVE)
            }
            Entry::Pinned(range) => {
                let bytes = self.pinned()[range as usize].cluster_count * self.cluster_bytes();
                (format, bytes, bytes, ARCHIVE | HIDDEN_SYSTEM)
            }
        };
        NameFacts { parent, times, allocated, bytes, attributes, namespace: POSIX }
    }

    fn fill_file(&self, record: u64, out: &mut [u8]) {
        let facts = self.name_facts(record);
        let entry = self.tree().node(record).entry;
        let is_volumes = matches!(entry, Entry::Pinned(_));
        let security = self.security(is_volumes, SECURITY_FILE);
        let writer = self.named(record, &facts, facts.attributes, security);
        let runs = match entry {
            Entry::File(file) => self.runs(file as usize),
            Entry::Pinned(range) => vec![self.pinned()[range as usize].run()],
            Entry::Folder(_) => Vec::new(),
        };
        let writer = if facts.bytes == 0 {
            writer.resident(kind::DATA, &[], &[])
        } else {
            let mapping = Mapping::new(&runs, facts.bytes, self.cluster_bytes());
            writer.non_resident(kind::DATA, &[], &mapping)
        };
        writer.finish(record, 1, flag::IN_USE, out);
    }

    fn fill_folder(&self, record: u64, folder: usize, out: &mut [u8]) {
        let writer = self.folder_record(record, folder);
        writer.finish(record, 1, flag::IN_USE | flag::DIRECTORY, out);
    }

    fn folder_record(&self, record: u64, folder: usize) -> RecordWriter {
        let facts = self.name_facts(record);
        let is_volumes = self.tree().folders()[folder].hidden;
        let security = self.security(is_volumes, SECURITY_FOLDER);
        let writer = self.named(record, &facts, facts.attributes & !FOLDER, security);
        self.indexed(writer, folder)
    }

    /// The security id of what is BitLocker's, or else this one.
    fn security(&self, is_volumes: bool, other: u32) -> u32 {
        match self.params().edition {
            Edition::Second if is_volumes => SECURITY_VOLUME,
            Edition::First | Edition::Second => other,
        }
    }

    /// Refuses folders whose records would overflow: an index leaves room for where it lies, but
    /// not for the longest run there is.
    pub(super) fn check_folders(&self) -> Result<(), Error> {
        for (number, folder) in self.tree().folders().iter().enumerate() {
            if !self.index(number).is_large() {
                continue;
            }
            let writer = match folder.record {
                ROOT => self.system_record(ROOT),
                record => self.folder_record(record, number),
            };
            let (expected, actual) = (RECORD_BYTES, writer.used());
            if actual > expected {
                let path = format!("{}\\", self.tree().path(folder.record));
                return Err(Error::FolderRecord { path, expected, actual });
            }
        }
        Ok(())
    }

    fn named(
        &self,
        record: u64,
        facts: &NameFacts,
        attributes: u32,
        security: u32,
    ) -> RecordWriter {
        let information = standard_information(&facts.times, attributes, Some(security));
        RecordWriter::new().resident(kind::STANDARD_INFORMATION, &[], &information).resident(
            kind::FILE_NAME,
            &[],
            &file_name(facts, &units(self.tree().name(record))),
        )
    }

    /// Adds what makes a record a folder.
    fn indexed(&self, writer: RecordWriter, folder: usize) -> RecordWriter {
        let name = units("$I30");
        let index = self.index(folder);
        let writer = writer.resident(kind::INDEX_ROOT, &name, &self.encoder(folder).root(index));
        let Some(blocks) = self.mapping(Content::IndexBlocks(folder as u32)) else { return writer };
        let writer = writer.non_resident(kind::INDEX_ALLOCATION, &name, &blocks);
        match self.mapping(Content::IndexBitmap(folder as u32)) {
            Some(bitmap) => writer.non_resident(kind::BITMAP, &name, &bitmap),
            None => {
                let mut bitmap = [0; 8];
                self.fill_index_bitmap(folder, 0, &mut bitmap);
                writer.resident(kind::BITMAP, &name, &bitmap)
            }
        }
    }

    /// The reference and key of a name, for its folder's index.
    pub(super) fn index_key(&self, record: u64) -> Vec<u8> {
        if record < FIRST_RECORD {
            let name = units(ROOT_NAMES[record as usize]);
            return file_name(&self.system_facts(record), &name);
        }
        file_name(&self.name_facts(record), &units(self.tree().name(record)))
    }

    fn system_facts(&self, record: u64) -> NameFacts {
        let (parent, attributes) = match record {
            ROOT | EXTEND => (ROOT, HIDDEN_SYSTEM | FOLDER),
            9 => (ROOT, HIDDEN_SYSTEM | VIEW),
            24..=26 => (EXTEND, HIDDEN_SYSTEM | ARCHIVE | VIEW),
            _ => (ROOT, HIDDEN_SYSTEM),
        };
        let data = system_data(record).and_then(|content| self.mapping(content));
        let (allocated, bytes) = data.map_or((0, 0), |data| (data.allocated, data.bytes));
        let times = self.params().format_time.into();
        NameFacts { parent, times, allocated, bytes, attributes, namespace: WIN32_AND_DOS }
    }

    fn fill_system(&self, record: u64, out: &mut [u8]) {
        let links = u16::from(system_name(record).is_some());
        self.system_record(record).finish(record, links, system_flags(record), out);
    }

    fn system_record(&self, record: u64) -> RecordWriter {
        let times = FileTimes::from(self.params().format_time);
        let facts = self.system_facts(record);
        let security = match record {
            0 | 1 | 2 | 6 | 8 | 10 => Some(SECURITY_READ_ONLY),
            ROOT => Some(SECURITY_FOLDER),
            9 | 11 | 24..=26 => Some(SECURITY_SYSTEM),
            _ => None,
        };
        let attributes =
            if record == ROOT || record == EXTEND { HIDDEN_SYSTEM } else { facts.attributes };
        let information = standard_information(&times, attributes, security);
        let mut writer =
            RecordWriter::new().resident(kind::STANDARD_INFORMATION, &[], &information);
        if let Some(name) = system_name(record) {
            writer = writer.resident(kind::FILE_NAME, &[], &file_name(&facts, &units(name)));
        }
        if security.is_none() {
            let read_only = matches!(record, 4 | 7);
            writer = writer.resident(kind::SECURITY_DESCRIPTOR, &[], &own_descriptor(read_only));
        }
        if record == 3 {
            let label: Vec<u8> =
                self.params().label.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let version = [0, 0, 0, 0, 0, 0, 0, 0, 3, 1, 0, 0];
            writer = writer.resident(kind::VOLUME_NAME, &[], &label).resident(
                kind::VOLUME_INFORMATION,
                &[],
                &version,
            );
        }
        self.system_streams(record, writer)
    }

    /// Data, indexes and bitmaps of a system file.
    fn system_streams(&self, record: u64, mut writer: RecordWriter) -> RecordWriter {
        if let Some(data) = system_data(record).and_then(|content| self.mapping(content)) {
            writer = writer.non_resident(kind::DATA, &[], &data);
        } else if matches!(record, 3 | 8 | 12..=15) {
            writer = writer.resident(kind::DATA, &[], &[]);
        }
        let unit = blocks_unit(self.cluster_bytes());
        let view = |writer: RecordWriter, name: &str, collation, entries: &[Vec<u8>]| {
            writer.resident(kind::INDEX_ROOT, &units(name), &view_root(collation, entries, unit))
        };
        match record {
            0 => match self.mapping(Content::RecordBitmap) {
                Some(bitmap) => writer.non_resident(kind::BITMAP, &[], &bitmap),
                None => writer,
            },
            ROOT => self.indexed(writer, 0),
            8 => {
                let hole = Mapping::hole(self.cluster_total(), self.cluster_bytes());
                writer.non_resident(kind::DATA, &units("$Bad"), &hole)
            }
            9 => {
                if let Some(stream) = self.mapping(Content::Security) {
                    writer = writer.non_resident(kind::DATA, &units("$SDS"), &stream);
                }
                let writer =
                    view(writer, "$SDH", collation::SECURITY_HASH, &by_hash(self.params().edition));
                view(writer, "$SII", collation::ULONG, &by_id(self.params().edition))
            }
            10 => {
                let mut info = 32u64.to_le_bytes().to_vec();
                info.extend(UPCASE_CRC.to_le_bytes());
                info.extend([0; 16]);
                writer.resident(kind::DATA, &units("$Info"), &info)
            }
            EXTEND => writer.resident(kind::INDEX_ROOT, &units("$I30"), &self.extend_root(unit)),
            24 => {
                let writer = view(writer, "$O", collation::SID, &owners());
                view(writer, "$Q", collation::ULONG, &quotas(self.params().format_time))
            }
            25 => view(writer, "$O", collation::ULONGS, &[]),
            26 => view(writer, "$R", collation::ULONGS, &[]),
            _ => writer,
        }
    }

    /// The names in `$Extend`; the form is that of a view index, but for type and collation.
    fn extend_root(&self, unit: u8) -> Vec<u8> {
        let entries: Vec<Vec<u8>> = EXTEND_NAMES
            .iter()
            .map(|&(name, record)| {
                let key = file_name(&self.system_facts(record), &units(name));
                let mut entry = super::record::reference(record).to_le_bytes().to_vec();
                entry.extend((up8(16 + key.len()) as u16).to_le_bytes());
                entry.extend((key.len() as u16).to_le_bytes());
                entry.extend([0; 4]);
                entry.extend(&key);
                entry.resize(up8(entry.len()), 0);
                entry
            })
            .collect();
        let mut root = view_root(1, &entries, unit);
        root[..4].copy_from_slice(&kind::FILE_NAME.to_le_bytes());
        root
    }
}

fn system_name(record: u64) -> Option<&'static str> {
    match record {
        0..12 => ROOT_NAMES.get(record as usize).copied(),
        _ => EXTEND_NAMES.iter().find(|(_, number)| *number == record).map(|(name, _)| *name),
    }
}

fn system_flags(record: u64) -> u16 {
    match record {
        ROOT | EXTEND => flag::IN_USE | flag::DIRECTORY,
        9 => flag::IN_USE | flag::VIEW,
        24..=26 => flag::IN_USE | flag::EXTEND | flag::VIEW,
        _ => flag::IN_USE,
    }
}

/// What the unnamed data of a system file is.
fn system_data(record: u64) -> Option<Content> {
    match record {
        0 => Some(Content::Records),
        1 => Some(Content::Mirror),
        2 => Some(Content::Log),
        4 => Some(Content::AttributeDefinitions),
        6 => Some(Content::Bitmap),
        7 => Some(Content::Boot),
        10 => Some(Content::UpCase),
        _ => None,
    }
}
