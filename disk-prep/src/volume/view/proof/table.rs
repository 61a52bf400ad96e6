//! The whole file table, from its first record to its last: each record whole and where it should
//! be, in use exactly if its bitmap says so; and the clusters that all of them take.

use std::collections::HashSet;

use super::super::found::FoundFile;
use super::super::parts::{BITMAP, Part, STANDARD_INFORMATION, Value, parts};
use super::super::records::{Geometry, RecordFault, fixed_up, sure};
use super::form;
use super::marks::Marks;
use super::site::{MFT, PIECE_BYTES, Site};
use crate::volume::fields::{u16_at, u32_at};

/// Records that systems reserve without using them.
const RESERVED: std::ops::Range<u64> = 16..24;
/// Bytes of the bitmap beside those that the records need, at most.
const SPARE_BITMAP: u64 = 1 << 20;

/// What all records are compared with.
struct Known<'a> {
    geometry: Geometry,
    /// Ids of security descriptors, if they are known.
    descriptors: Option<&'a HashSet<u32>>,
}

/// Goes through the table and puts the clusters of all files into `taken`; whether all are there.
pub(super) fn check(
    site: &mut Site<'_>,
    descriptors: Option<&HashSet<u32>>,
    taken: &mut Marks,
) -> bool {
    let known = Known { geometry: site.geometry, descriptors };
    let record_bytes = known.geometry.record_bytes;
    let (table, bitmap) = (site.table.clone(), site.stream(MFT, BITMAP, ""));
    let count = table.bytes / record_bytes as u64;
    let mut buffer = vec![0; PIECE_BYTES];
    let step = PIECE_BYTES / record_bytes;
    let mut is_whole = bitmap.is_some();
    let mut number = 0;
    while number < count {
        let records = (count - number).min(step as u64) as usize;
        let piece = &mut buffer[..records * record_bytes];
        let mut bits = vec![0; records.div_ceil(8)];
        if site.is_stopped() {
            return false;
        }
        let is_read = site.read(MFT, &table, number * record_bytes as u64, piece);
        let has_bits =
            bitmap.as_ref().is_some_and(|own| site.read(MFT, own, number / 8, &mut bits));
        is_whole &= is_read;
        for (at, raw) in piece.chunks_exact(record_bytes).enumerate().filter(|_| is_read) {
            let number = number + at as u64;
            let is_marked = has_bits.then(|| bits[at / 8] & 1 << (at % 8) != 0);
            match record(raw, number, &known, taken) {
                Ok(is_used) => compare(site, number, is_used, is_marked),
                Err(fault) => {
                    site.tell(form::file_of(number), format!("record {number}: {fault}"));
                    is_whole = false;
                }
            }
        }
        number += records as u64;
    }
    if let Some(bitmap) = bitmap {
        rest(site, &bitmap, count);
    }
    is_whole
}

/// Whether the bitmap says of a record what the record says.
fn compare(site: &mut Site<'_>, number: u64, is_used: bool, is_marked: Option<bool>) {
    let Some(is_marked) = is_marked.filter(|&is_marked| is_marked != is_used) else { return };
    if is_marked && RESERVED.contains(&number) {
        return;
    }
    let (own, bits) = if is_marked { ("free", "used") } else { ("in use", "free") };
    site.tell(MFT, format!("record {number} is {own}, its bitmap says that it is {bits}"));
}

/// The bits behind the last record.
fn rest(site: &mut Site<'_>, bitmap: &FoundFile, count: u64) {
    let first = count / 8;
    let length = bitmap.bytes.saturating_sub(first);
    if bitmap.bytes.saturating_mul(8) < count || length > SPARE_BITMAP {
        return site.tell(MFT, "the size of its bitmap is not that of the table");
    }
    let mut bits = vec![0; length as usize];
    if site.is_stopped() || !site.read(MFT, bitmap, first, &mut bits) {
        return;
    }
    if let Some(bits) = bits.first_mut() {
        *bits &= u8::MAX << (count % 8);
    }
    if bits.iter().any(|&byte| byte != 0) {
        site.tell(MFT, "its bitmap marks records behind the last one");
    }
}

/// Checks a record; whether it is in use. Its clusters are taken.
fn record(
    raw: &[u8],
    number: u64,
    known: &Known<'_>,
    taken: &mut Marks,
) -> Result<bool, RecordFault> {
    // Never used: not even written.
    if raw[..4] == [0; 4] && raw.iter().all(|&byte| byte == 0) {
        sure(!form::is_system(number), "signature")?;
        return Ok(false);
    }
    sure(raw[..4] == *b"FILE", "signature")?;
    let bytes = fixed_up(raw, 42)?;
    let has_number = usize::from(u16_at(raw, 4)) >= 48;
    sure(!has_number || u64::from(u32_at(&bytes, 44)) == number, "number")?;
    sure(u32_at(&bytes, 28) as usize == bytes.len(), "size")?;
    let is_used = u16_at(&bytes, 22) & 1 != 0;
    if !is_used && !form::is_system(number) {
        return Ok(false);
    }
    let parts = parts(&bytes, &known.geometry)?;
    form::check(number, &bytes, &parts, &known.geometry)?;
    let is_known = |id| id == 0 || known.descriptors.is_none_or(|ids| ids.contains(&id));
    sure(security_id(&parts).is_none_or(is_known), "security descriptor")?;
    for part in &parts {
        if let Value::Outside(outside) = &part.value {
            for (first, count) in &outside.runs {
                if let Some(first) = first {
                    taken.begin(*first);
                    taken.end(first + count);
                }
            }
        }
    }
    Ok(true)
}

/// Which descriptor a record names, if it names any.
fn security_id(parts: &[Part<'_>]) -> Option<u32> {
    let value = parts.iter().find(|part| part.kind == STANDARD_INFORMATION)?.inside()?;
    value.get(52..56).map(|id| u32_at(id, 0))
}
