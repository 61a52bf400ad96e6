//! File records: 1024 bytes of header and attributes, protected by fixups
//! (`ntfs-write-once` 3 and 4).

use super::space::Run;
use super::time::FileTimes;

/// Bytes of a file record.
pub const RECORD_BYTES: usize = 1024;
const FIRST_ATTRIBUTE: usize = 0x38;
const FIXUP_STRIDE: usize = 512;

/// Attribute types.
pub mod kind {
    pub const STANDARD_INFORMATION: u32 = 0x10;
    pub const FILE_NAME: u32 = 0x30;
    pub const SECURITY_DESCRIPTOR: u32 = 0x50;
    pub const VOLUME_NAME: u32 = 0x60;
    pub const VOLUME_INFORMATION: u32 = 0x70;
    pub const DATA: u32 = 0x80;
    pub const INDEX_ROOT: u32 = 0x90;
    pub const INDEX_ALLOCATION: u32 = 0xa0;
    pub const BITMAP: u32 = 0xb0;
}

/// Flags of a record.
pub mod flag {
    pub const IN_USE: u16 = 1;
    pub const DIRECTORY: u16 = 2;
    pub const EXTEND: u16 = 4;
    pub const VIEW: u16 = 8;
}

/// The reference to a record: number and sequence number.
pub fn reference(record: u64) -> u64 {
    record | u64::from(sequence(record)) << 48
}

fn sequence(record: u64) -> u16 {
    match record {
        1..=23 => record as u16,
        _ => 1,
    }
}

/// Rounds up to a multiple of 8, as attributes and entries are.
pub const fn up8(bytes: usize) -> usize {
    bytes.next_multiple_of(8)
}

/// Stores the update sequence: `at` is the offset of its array in the finished buffer.
pub fn protect(buffer: &mut [u8], at: usize) {
    const SEQUENCE: [u8; 2] = [1, 0];
    buffer[at..at + 2].copy_from_slice(&SEQUENCE);
    for stride in 0..buffer.len() / FIXUP_STRIDE {
        let end = (stride + 1) * FIXUP_STRIDE;
        let kept = [buffer[end - 2], buffer[end - 1]];
        let slot = at + 2 + 2 * stride;
        buffer[slot..slot + 2].copy_from_slice(&kept);
        buffer[end - 2..end].copy_from_slice(&SEQUENCE);
    }
}

/// `$STANDARD_INFORMATION`: 72 bytes with a security id, else 48.
pub fn standard_information(times: &FileTimes, attributes: u32, security: Option<u32>) -> Vec<u8> {
    let mut value = times.bytes().to_vec();
    value.extend(attributes.to_le_bytes());
    value.extend([0; 12]);
    if let Some(id) = security {
        value.extend([0; 4]);
        value.extend(id.to_le_bytes());
        value.extend([0; 16]);
    }
    value
}

/// What `$FILE_NAME` says of a file beside its name.
#[derive(Debug, Clone, Copy)]
pub struct NameFacts {
    /// Record of the folder.
    pub parent: u64,
    /// The file's times.
    pub times: FileTimes,
    /// Bytes of its clusters.
    pub allocated: u64,
    /// Bytes of its data.
    pub bytes: u64,
    /// Attributes.
    pub attributes: u32,
    /// Namespace of the name.
    pub namespace: u8,
}

/// `$FILE_NAME`, which is the key in the folder's index too.
pub fn file_name(facts: &NameFacts, name: &[u16]) -> Vec<u8> {
    let mut value = Vec::with_capacity(66 + 2 * name.len());
    value.extend(reference(facts.parent).to_le_bytes());
    value.extend(facts.times.bytes());
    value.extend(facts.allocated.to_le_bytes());
    value.extend(facts.bytes.to_le_bytes());
    value.extend(facts.attributes.to_le_bytes());
    value.extend([0; 4]);
    value.extend([name.len() as u8, facts.namespace]);
    value.extend(name.iter().flat_map(|unit| unit.to_le_bytes()));
    value
}

/// The mapping of clusters: runs with their lengths, `None` for a hole.
pub fn runlist(runs: impl IntoIterator<Item = (Option<u64>, u64)>) -> Vec<u8> {
    let mut list = Vec::new();
    let mut before = 0i64;
    for (place, count) in runs {
        let length = signed(count as i64);
        let offset = place.map(|place| {
            let difference = signed(place as i64 - before);
            before = place as i64;
            difference
        });
        let offset = offset.unwrap_or_default();
        list.push(length.len() as u8 | (offset.len() as u8) << 4);
        list.extend(length);
        list.extend(offset);
    }
    list.push(0);
    list
}

/// The fewest bytes of a signed number, little-endian.
fn signed(number: i64) -> Vec<u8> {
    let bytes = number.to_le_bytes();
    let fits = |count: &usize| {
        let shift = 64 - 8 * *count as u32;
        (number << shift) >> shift == number
    };
    let count = (1..8).find(fits).unwrap_or(8);
    bytes[..count].to_vec()
}

/// A non-resident attribute's mapping and sizes.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// The runs as they are stored.
    pub runlist: Vec<u8>,
    /// Clusters of all runs.
    pub clusters: u64,
    /// Bytes of all runs.
    pub allocated: u64,
    /// Bytes of the data.
    pub bytes: u64,
    /// Bytes that are initialised.
    pub initialised: u64,
}

impl Mapping {
    /// Data in these runs.
    pub fn new(runs: &[Run], bytes: u64, cluster_bytes: u64) -> Self {
        let clusters = runs.iter().map(|run| run.cluster_count).sum();
        Mapping {
            runlist: runlist(runs.iter().map(|run| (Some(run.first_cluster), run.cluster_count))),
            clusters,
            allocated: clusters * cluster_bytes,
            bytes,
            initialised: bytes,
        }
    }

    /// One hole.
    pub fn hole(clusters: u64, cluster_bytes: u64) -> Self {
        let bytes = clusters * cluster_bytes;
        let runlist = runlist([(None, clusters)]);
        Mapping { runlist, clusters, allocated: bytes, bytes, initialised: 0 }
    }
}

/// Builds one record; attributes are added in the order of the format.
pub struct RecordWriter {
    bytes: Vec<u8>,
    instance: u16,
}

impl RecordWriter {
    /// A record without attributes.
    pub fn new() -> Self {
        RecordWriter { bytes: vec![0; FIRST_ATTRIBUTE], instance: 0 }
    }

    fn header(&mut self, kind: u32, length: usize, non_resident: u8, name: &[u16], name_at: u16) {
        self.bytes.extend(kind.to_le_bytes());
        self.bytes.extend((length as u32).to_le_bytes());
        self.bytes.extend([non_resident, name.len() as u8]);
        self.bytes.extend(name_at.to_le_bytes());
        self.bytes.extend([0, 0]);
        self.bytes.extend(self.instance.to_le_bytes());
        self.instance += 1;
    }

    fn name(&mut self, name: &[u16]) {
        self.bytes.extend(name.iter().flat_map(|unit| unit.to_le_bytes()));
        self.bytes.resize(up8(self.bytes.len()), 0);
    }

    /// Adds an attribute whose value lies in the record.
    pub fn resident(mut self, kind: u32, name: &[u16], value: &[u8]) -> Self {
        let value_at = 0x18 + up8(2 * name.len());
        self.header(kind, up8(value_at + value.len()), 0, name, 0x18);
        self.bytes.extend((value.len() as u32).to_le_bytes());
        self.bytes.extend((value_at as u16).to_le_bytes());
        self.bytes.extend([u8::from(kind == kind::FILE_NAME), 0]);
        self.name(name);
        self.bytes.extend(value);
        self.bytes.resize(up8(self.bytes.len()), 0);
        self
    }

    /// Adds an attribute whose value lies in clusters.
    pub fn non_resident(mut self, kind: u32, name: &[u16], mapping: &Mapping) -> Self {
        let list_at = 0x40 + up8(2 * name.len());
        self.header(kind, up8(list_at + mapping.runlist.len()), 1, name, 0x40);
        self.bytes.extend(0u64.to_le_bytes());
        self.bytes.extend((mapping.clusters.wrapping_sub(1)).to_le_bytes());
        self.bytes.extend((list_at as u16).to_le_bytes());
        self.bytes.extend([0; 6]);
        for bytes in [mapping.allocated, mapping.bytes, mapping.initialised] {
            self.bytes.extend(bytes.to_le_bytes());
        }
        self.name(name);
        self.bytes.extend(&mapping.runlist);
        self.bytes.resize(up8(self.bytes.len()), 0);
        self
    }

    /// Bytes that the record would use.
    pub fn used(&self) -> usize {
        self.bytes.len() + 8
    }

    /// Ends the record and writes it into `out`.
    pub fn finish(mut self, record: u64, links: u16, flags: u16, out: &mut [u8]) {
        let used = self.used() as u32;
        self.bytes.extend([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
        let head = &mut self.bytes;
        head[..4].copy_from_slice(b"FILE");
        let mut put =
            |at: usize, value: u16| head[at..at + 2].copy_from_slice(&value.to_le_bytes());
        put(0x04, 0x30);
        put(0x06, (RECORD_BYTES / FIXUP_STRIDE + 1) as u16);
        put(0x10, sequence(record));
        put(0x12, links);
        put(0x14, FIRST_ATTRIBUTE as u16);
        put(0x16, flags);
        put(0x28, self.instance);
        head[0x18..0x1c].copy_from_slice(&used.to_le_bytes());
        head[0x1c..0x20].copy_from_slice(&(RECORD_BYTES as u32).to_le_bytes());
        head[0x2c..0x30].copy_from_slice(&(record as u32).to_le_bytes());
        out.fill(0);
        out[..self.bytes.len()].copy_from_slice(&self.bytes);
        protect(out, 0x30);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_take_the_fewest_signed_bytes() {
        assert_eq!(runlist([(Some(4), 64)]), [0x11, 0x40, 4, 0]);
        assert_eq!(runlist([(Some(0x2ac), 2)]), [0x21, 2, 0xac, 2, 0]);
        assert_eq!(runlist([(None, 16383)]), [0x02, 0xff, 0x3f, 0]);
        assert_eq!(runlist([(Some(127), 127)]), [0x11, 0x7f, 0x7f, 0]);
        assert_eq!(runlist([(Some(128), 128)]), [0x22, 0x80, 0, 0x80, 0, 0]);
        assert_eq!(runlist([(Some(300), 1), (Some(200), 1)]), [0x21, 1, 0x2c, 1, 0x11, 1, 0x9c, 0]);
    }
}
