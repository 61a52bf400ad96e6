//! The roots of the indexes of the system: what they hold, how it is sorted, and, where nothing
//! else leads there, the entries.

use super::super::parts::Part;
use super::super::records::{Geometry, RecordFault, sure};
use super::super::time::are_times;
use super::descriptor::sid_bytes;
use super::site::{EXTEND, ROOT, SECURE};
use super::tree::{check_root, entries_of};
use crate::volume::fields::{i64_at, u16_at, u32_at, u64_at};

const QUOTA: u64 = 24;
const NAME: u32 = 0x30;
/// Blocks of an index.
const BLOCK_BYTES: usize = 4096;
/// What stands before the entries of a root.
const HEAD: usize = 32;
/// What stands before the owner of a quota.
const QUOTA_BYTES: usize = 48;

/// Record and name of an index, the attribute that it is of, and how it is sorted.
const INDEXES: [(u64, &str, u32, u32); 8] = [
    (ROOT.0, "$I30", NAME, 1),
    (SECURE.0, "$SDH", 0, 0x12),
    (SECURE.0, "$SII", 0, 0x10),
    (EXTEND.0, "$I30", NAME, 1),
    (QUOTA, "$O", 0, 0x11),
    (QUOTA, "$Q", 0, 0x10),
    (25, "$O", 0, 0x13),
    (26, "$R", 0, 0x13),
];

/// Checks a root of an index of a record of the system.
pub(super) fn check(
    number: u64,
    part: &Part<'_>,
    root: &[u8],
    geometry: &Geometry,
) -> Result<(), RecordFault> {
    let is_it =
        |(own, name, ..): &&(u64, &str, u32, u32)| *own == number && part.is(part.kind, name);
    let Some(&(_, name, kind, collation)) = INDEXES.iter().find(is_it) else { return Ok(()) };
    let bytes = check_root(root, kind == NAME)?;
    let unit = match geometry.cluster_bytes {
        cluster @ ..=4096 => BLOCK_BYTES as u64 / cluster,
        _ => BLOCK_BYTES as u64 / 512,
    };
    let is_sorted = u32_at(root, 0) == kind && u32_at(root, 4) == collation;
    let is_plain = root[13..16] == [0; 3] && root[28] <= 1 && root[29..HEAD] == [0; 3];
    let is_ours = bytes == BLOCK_BYTES && u64::from(root[12]) == unit;
    sure(is_sorted && is_plain && is_ours, "index root")?;
    for entry in entries_of(&root[16..]) {
        let is_last = entry[12] & 2 != 0;
        let is_right = match (number, name) {
            _ if is_last => entry[..8] == [0; 8] && entry[13..16] == [0; 3],
            (QUOTA, "$Q") => {
                view(entry).is_some_and(|(key, quota)| key.len() == 4 && is_quota(quota, geometry))
            }
            (QUOTA, _) => view(entry)
                .is_some_and(|(owner, id)| sid_bytes(owner) == Some(owner.len()) && id.len() == 4),
            _ => entry[13..16] == [0; 3],
        };
        sure(is_right, "entry of an index")?;
    }
    Ok(())
}

/// Key and data of an entry that is no name.
pub(super) fn view(entry: &[u8]) -> Option<(&[u8], &[u8])> {
    let (at, length) = (usize::from(u16_at(entry, 0)), usize::from(u16_at(entry, 2)));
    let key = entry.get(16..16 + usize::from(u16_at(entry, 10)))?;
    let is_plain = entry[4..8] == [0; 4] && entry[13..16] == [0; 3] && at >= 16 + key.len();
    let data = entry.get(at..at + length)?;
    is_plain.then_some((key, data))
}

/// Whether the data is a quota: what is used, since when, how much is allowed, and for whom.
fn is_quota(data: &[u8], geometry: &Geometry) -> bool {
    if data.len() < QUOTA_BYTES {
        return false;
    }
    let owner = &data[QUOTA_BYTES..];
    u32_at(data, 0) == 2
        && u32_at(data, 4) < 1 << 16
        && u64_at(data, 8) <= geometry.volume_bytes
        && are_times(&data[16..24])
        && (i64_at(data, 24) >= -1 && i64_at(data, 32) >= -1)
        && are_times(&data[40..48])
        && (owner.is_empty() || sid_bytes(owner) == Some(owner.len()))
}
