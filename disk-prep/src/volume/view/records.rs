//! Checks the records of an NTFS file system before its reader, the crate `ntfs`, is shown them:
//! every length, place and chain inside a record, so that the crate cannot be led out of it, or
//! round in it. Pure; layouts as in the public documentation of NTFS
//! (<https://flatcap.github.io/linux-ntfs/ntfs/>).
//!
//! | at | bytes | `FILE` record | `INDX` record |
//! |---|---|---|---|
//! | 4, 6 | 2, 2 | place and count of the update sequence | the same |
//! | 16 | | sequence number | 8: its own VCN |
//! | 20, 22 | 2, 2 | first attribute, flags | 24: node header |
//! | 24, 28 | 4, 4 | bytes used, bytes allocated | |
//! | 32 | 8 | base record | |

use super::time::are_times;
use crate::limits::SECTOR_BYTES;
use crate::volume::fields::{i64_at, u16_at, u32_at, u64_at};

const SECTOR: usize = SECTOR_BYTES as usize;
/// Larger records than any file system has.
pub(super) const LARGEST_RECORD: usize = 64 << 10;
const INFORMATION: u32 = 0x10;
const LIST: u32 = 0x20;
const NAME: u32 = 0x30;
const VOLUME_NAME: u32 = 0x60;
const VOLUME_INFORMATION: u32 = 0x70;
const DATA: u32 = 0x80;
const INDEX_ROOT: u32 = 0x90;
const REPARSE: u32 = 0xc0;
const END: u32 = 0xffff_ffff;
/// The name of a folder's index.
const NAMES: &[u8] = b"$\x00I\x003\x000\x00";

/// Why a record is not shown to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum RecordFault {
    /// The sectors of a record are not of one write, or were never written.
    #[error("sector {sector} of a record is torn or damaged")]
    Torn { sector: usize },
    /// A length or place that leads out of its record, or contradicts another.
    #[error("a record has a {field} that does not fit")]
    Field { field: &'static str },
    /// Clusters that the volume does not have.
    #[error("a record names clusters that the volume does not have")]
    Clusters,
    /// Attributes in other records, which this reader does not follow.
    #[error("its attributes are spread over several records, which is not read")]
    Spread,
}

pub(super) fn sure(right: bool, field: &'static str) -> Result<(), RecordFault> {
    if right { Ok(()) } else { Err(RecordFault::Field { field }) }
}

/// The volume that the records are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    pub cluster_bytes: u64,
    pub record_bytes: usize,
    /// Bytes that can be read.
    pub volume_bytes: u64,
    /// Where the file table begins, bytes.
    pub table: u64,
}

impl Geometry {
    /// Checks a boot sector, of which the reader believes the more.
    pub fn parse(boot: &[u8; SECTOR], volume_bytes: u64) -> Result<Self, RecordFault> {
        sure(boot[3..11] == *b"NTFS    " && boot[510..] == [0x55, 0xaa], "boot signature")?;
        sure(usize::from(u16_at(boot, 11)) == SECTOR, "sector size")?;
        let sectors = u64::from(boot[13]);
        sure(sectors.is_power_of_two() && sectors <= 128, "cluster size")?;
        let cluster_bytes = sectors * SECTOR_BYTES;
        let total = u64_at(boot, 40).checked_mul(SECTOR_BYTES);
        sure(total.is_some_and(|total| total <= volume_bytes), "number of sectors")?;
        let record_bytes = match boot[64] as i8 {
            exponent @ -12..=-10 => 1 << -exponent,
            clusters @ 1.. => u64::from(clusters.unsigned_abs()) * cluster_bytes,
            _ => 0,
        };
        sure((1024..=4096).contains(&record_bytes), "record size")?;
        let table = u64_at(boot, 48).checked_mul(cluster_bytes);
        let table = table.filter(|start| {
            start.checked_add(record_bytes).is_some_and(|end| end <= volume_bytes && *start > 0)
        });
        let table = table.ok_or(RecordFault::Field { field: "place of the file table" })?;
        let record_bytes = record_bytes as usize;
        Ok(Geometry { cluster_bytes, record_bytes, volume_bytes, table })
    }

    /// Clusters that can be read.
    pub fn clusters(&self) -> u64 {
        self.volume_bytes / self.cluster_bytes
    }
}

/// What a record says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FileFacts {
    pub in_use: bool,
    /// Part of another file.
    pub is_extension: bool,
    pub is_reparse_point: bool,
    /// Something that no reader needs and that is not right.
    pub oddity: Option<&'static str>,
    /// Its unnamed data, if it has any.
    pub data: Option<DataFacts>,
    /// The nodes that the root of its names leads to; `None` if it has no names.
    pub nodes: Option<Vec<i64>>,
}

/// What a record says of its data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct DataFacts {
    pub bytes: u64,
    /// Bytes that were ever written; what is behind them reads as zeros.
    pub valid_bytes: u64,
    /// Bytes of its clusters.
    pub allocated_bytes: u64,
    pub is_compressed: bool,
    pub is_encrypted: bool,
}

/// Checks a `FILE` record as it lies on the volume.
pub(super) fn check_file(raw: &[u8], geometry: &Geometry) -> Result<FileFacts, RecordFault> {
    let bytes = fixed_up(raw, 42)?;
    let flags = u16_at(&bytes, 22);
    let mut facts = FileFacts {
        in_use: flags & 1 != 0,
        is_extension: u64_at(&bytes, 32) != 0,
        ..FileFacts::default()
    };
    each_attribute(&bytes, |kind, bytes| check_attribute(kind, bytes, geometry, &mut facts))?;
    Ok(facts)
}

/// Goes through the attributes of a record whose sectors were put right, each within its record.
pub(super) fn each_attribute<'r>(
    bytes: &'r [u8],
    mut visit: impl FnMut(u32, &'r [u8]) -> Result<(), RecordFault>,
) -> Result<(), RecordFault> {
    let (used, allocated) = (u32_at(bytes, 24) as usize, u32_at(bytes, 28) as usize);
    sure(allocated <= bytes.len() && used <= allocated, "size")?;
    let mut at = usize::from(u16_at(bytes, 20));
    sure(at >= 42 && at.is_multiple_of(8), "first attribute")?;
    loop {
        sure(at + 4 <= used, "end of its attributes")?;
        let kind = u32_at(bytes, at);
        if kind == END {
            return Ok(());
        }
        sure(at + 24 <= used, "attribute")?;
        let length = u32_at(bytes, at + 4) as usize;
        let fits = length >= 24 && length.is_multiple_of(8) && length <= used - at;
        sure(fits, "attribute length")?;
        visit(kind, &bytes[at..at + length])?;
        at += length;
    }
}

fn check_attribute(
    kind: u32,
    bytes: &[u8],
    geometry: &Geometry,
    facts: &mut FileFacts,
) -> Result<(), RecordFault> {
    let name = name_of(bytes)?;
    let flags = u16_at(bytes, 12);
    let data = match bytes[8] {
        0 => {
            let value = resident(bytes)?;
            match kind {
                INDEX_ROOT => {
                    let nodes = check_root(value, name == NAMES)?;
                    if name == NAMES && facts.nodes.replace(nodes).is_some() {
                        return Err(RecordFault::Field { field: "second list of names" });
                    }
                }
                INFORMATION if !is_information(value) => {
                    facts.oddity = Some("its times and attributes are none");
                }
                NAME if !is_name(value, geometry) => {
                    facts.oddity = Some("the times and sizes beside its name are none");
                }
                VOLUME_NAME => sure(value.len().is_multiple_of(2), "volume name")?,
                VOLUME_INFORMATION => sure(value.len() >= 12, "volume information")?,
                _ => {}
            }
            let bytes = value.len() as u64;
            DataFacts { bytes, valid_bytes: bytes, ..DataFacts::default() }
        }
        1 => {
            let small = matches!(kind, 0x10 | 0x30 | VOLUME_NAME | VOLUME_INFORMATION | INDEX_ROOT);
            sure(!small, "attribute outside of its record")?;
            non_resident(bytes, geometry)?
        }
        _ => return Err(RecordFault::Field { field: "kind of attribute" }),
    };
    match kind {
        LIST => return Err(RecordFault::Spread),
        REPARSE => facts.is_reparse_point = true,
        DATA if name.is_empty() => {
            let (is_compressed, is_encrypted) = (flags & 0xff != 0, flags & 0x4000 != 0);
            let data = DataFacts { is_compressed, is_encrypted, ..data };
            sure(facts.data.replace(data).is_none(), "second data attribute")?;
        }
        _ => {}
    }
    Ok(())
}

/// Whether times and attributes can be those of a file; nobody has versions or classes.
fn is_information(value: &[u8]) -> bool {
    matches!(value.len(), 48 | 72) && are_times(&value[..32]) && value[36..48] == [0; 12]
}

/// Whether what stands beside a name can be that of a file; so in its folder too.
pub(super) fn is_name(value: &[u8], geometry: &Geometry) -> bool {
    value.len() > 66
        && are_times(&value[8..40])
        && u64_at(value, 40).max(u64_at(value, 48)) <= geometry.volume_bytes
}

/// The name of an attribute, UTF-16.
pub(super) fn name_of(bytes: &[u8]) -> Result<&[u8], RecordFault> {
    let (at, length) = (usize::from(u16_at(bytes, 10)), usize::from(bytes[9]) * 2);
    bytes.get(at..at + length).ok_or(RecordFault::Field { field: "attribute name" })
}

/// The value of an attribute that lies in its record.
pub(super) fn resident(bytes: &[u8]) -> Result<&[u8], RecordFault> {
    let (length, at) = (u32_at(bytes, 16) as usize, usize::from(u16_at(bytes, 20)));
    let value = at.checked_add(length).and_then(|end| bytes.get(at..end));
    value.filter(|_| at >= 24).ok_or(RecordFault::Field { field: "attribute value" })
}

fn non_resident(bytes: &[u8], geometry: &Geometry) -> Result<DataFacts, RecordFault> {
    let (head, runs) = list_of_runs(bytes)?;
    let (first, last) = (i64_at(head, 16), i64_at(head, 24));
    let clusters = each_run(runs, geometry, |_, _| ())?;
    sure(first == 0 && last.checked_add(1).is_some_and(|end| end as u64 == clusters), "runs")?;
    let (allocated, size, valid) = (u64_at(bytes, 40), u64_at(bytes, 48), u64_at(bytes, 56));
    let room = clusters * geometry.cluster_bytes;
    sure(size <= room && allocated <= room && valid <= size, "size")?;
    let allocated_bytes = room;
    Ok(DataFacts { bytes: size, valid_bytes: valid, allocated_bytes, ..DataFacts::default() })
}

/// The head of an attribute that lies outside of its record, and the list of its runs.
pub(super) fn list_of_runs(bytes: &[u8]) -> Result<(&[u8], &[u8]), RecordFault> {
    sure(bytes.len() >= 64, "attribute length")?;
    let at = usize::from(u16_at(bytes, 32));
    sure(at >= 64 && at <= bytes.len(), "place of its runs")?;
    Ok(bytes.split_at(at))
}

/// Goes through a list of runs, each with its first cluster, or none of a hole, and its count, and
/// within the volume; how many clusters there are, holes included.
pub(super) fn each_run(
    mut bytes: &[u8],
    geometry: &Geometry,
    mut visit: impl FnMut(Option<u64>, u64),
) -> Result<u64, RecordFault> {
    let broken = RecordFault::Field { field: "list of runs" };
    let (mut clusters, mut lcn) = (0u64, 0i64);
    while let Some((&head, rest)) = bytes.split_first() {
        if head == 0 {
            break;
        }
        let (count_bytes, place_bytes) = (usize::from(head & 15), usize::from(head >> 4));
        if !(1..=8).contains(&count_bytes) || place_bytes > 8 {
            return Err(broken);
        }
        let (count, rest) = rest.split_at_checked(count_bytes).ok_or(broken)?;
        let (place, rest) = rest.split_at_checked(place_bytes).ok_or(broken)?;
        bytes = rest;
        let count = u64::try_from(number(count)).map_err(|_| broken)?;
        clusters = clusters.checked_add(count).ok_or(RecordFault::Clusters)?;
        // No file of ours, or of Windows beside ours, is larger than its volume.
        if count == 0 || clusters > geometry.clusters() {
            return Err(RecordFault::Clusters);
        }
        let mut first = None;
        if place_bytes > 0 {
            lcn = lcn.checked_add(number(place)).ok_or(RecordFault::Clusters)?;
            let end = u64::try_from(lcn).ok().and_then(|lcn| lcn.checked_add(count));
            if end.is_none_or(|end| end > geometry.clusters()) {
                return Err(RecordFault::Clusters);
            }
            first = Some(lcn as u64);
        }
        visit(first, count);
    }
    Ok(clusters)
}

/// A little-endian number of up to eight bytes, with its sign.
fn number(bytes: &[u8]) -> i64 {
    let sign = bytes.last().is_some_and(|top| top & 0x80 != 0);
    let mut wide = if sign { [0xff; 8] } else { [0; 8] };
    wide[..bytes.len()].copy_from_slice(bytes);
    i64::from_le_bytes(wide)
}

/// Checks the root of an index; the nodes that it leads to.
fn check_root(value: &[u8], is_names: bool) -> Result<Vec<i64>, RecordFault> {
    sure(value.len() >= 32, "index root")?;
    let record_bytes = u32_at(value, 8) as usize;
    let fits = record_bytes.is_power_of_two() && (SECTOR..=LARGEST_RECORD).contains(&record_bytes);
    sure(fits, "size of index records")?;
    check_node(&value[16..], is_names)
}

/// Checks an `INDX` record of a folder as it lies on the volume: its VCN, and the nodes that it
/// leads to.
pub(super) fn check_index(raw: &[u8]) -> Result<(i64, Vec<i64>), RecordFault> {
    let bytes = fixed_up(raw, 40)?;
    Ok((i64_at(&bytes, 16), check_node(&bytes[24..], true)?))
}

/// Checks a node, from its header on.
pub(super) fn check_node(node: &[u8], is_names: bool) -> Result<Vec<i64>, RecordFault> {
    let (mut at, used) = (u32_at(node, 0) as usize, u32_at(node, 4) as usize);
    let allocated = u32_at(node, 8) as usize;
    let fits = at >= 16 && at <= used && used <= allocated && allocated <= node.len();
    sure(fits, "size of its index node")?;
    let mut below = Vec::new();
    loop {
        sure(at + 16 <= used, "end of its index node")?;
        let (length, key) = (usize::from(u16_at(node, at + 8)), usize::from(u16_at(node, at + 10)));
        let flags = node[at + 12];
        let (leads_down, is_last) = (flags & 1 != 0, flags & 2 != 0);
        let least = 16 + if leads_down { 8 } else { 0 } + if is_last { 0 } else { key };
        let fits = length >= least && length.is_multiple_of(8) && length <= used - at;
        sure(fits, "length of an index entry")?;
        let entry = &node[at..at + length];
        if is_names && !is_last {
            let name = entry.get(16 + 64).map(|&units| usize::from(units) * 2);
            sure(name.is_some_and(|name| name > 0 && 66 + name <= key), "name in an index entry")?;
        }
        if leads_down {
            below.push(i64_at(entry, length - 8));
        }
        if is_last {
            return Ok(below);
        }
        at += length;
    }
}

/// A record with the last two bytes of each sector put back; `least` is where the update sequence
/// may begin.
pub(super) fn fixed_up(raw: &[u8], least: usize) -> Result<Vec<u8>, RecordFault> {
    let sectors = raw.len() / SECTOR;
    sure(sectors > 0 && sectors * SECTOR == raw.len() && raw.len() <= LARGEST_RECORD, "size")?;
    let (at, count) = (usize::from(u16_at(raw, 4)), usize::from(u16_at(raw, 6)));
    let end = at + 2 * count;
    let fits = at >= least && count == sectors + 1 && end <= SECTOR - 2;
    sure(fits && at.is_multiple_of(2), "update sequence")?;
    let mut bytes = raw.to_vec();
    for sector in 0..sectors {
        let tail = (sector + 1) * SECTOR - 2;
        if raw[tail..tail + 2] != raw[at..at + 2] {
            return Err(RecordFault::Torn { sector });
        }
        let kept = at + 2 * (sector + 1);
        bytes[tail..tail + 2].copy_from_slice(&raw[kept..kept + 2]);
    }
    Ok(bytes)
}
