//! The bitmap of a folder, compared with the nodes that its names are in.

use super::super::bitlocker::unlock::UnlockedVolume;
use super::parts::{BITMAP, INDEX_ROOT, parts};
use super::records::{Geometry, fixed_up};
use crate::volume::fields::u32_at;

/// Bytes of a bitmap, at most; a folder of two hundred million names has as many.
const MOST_BYTES: u64 = 1 << 20;

/// Whether the bitmap of the folder whose record lies there marks these nodes and no others.
/// `None` if it cannot be read.
pub(super) fn are_marked(
    volume: &UnlockedVolume<'_>,
    geometry: &Geometry,
    record: u64,
    nodes: impl ExactSizeIterator<Item = i64>,
) -> Option<bool> {
    let mut raw = vec![0; geometry.record_bytes];
    volume.read_at(record, &mut raw).ok()?;
    let bytes = fixed_up(&raw, 42).ok()?;
    let parts = parts(&bytes, geometry).ok()?;
    let part = |kind| parts.iter().find(move |part| part.is(kind, "$I30"));
    let block_bytes = u64::from(u32_at(part(INDEX_ROOT)?.inside()?.get(..12)?, 8));
    let Some(bitmap) = part(BITMAP).map(|bitmap| bitmap.found(geometry)) else {
        return Some(false);
    };
    if bitmap.bytes > MOST_BYTES {
        return None;
    }
    let mut bits = vec![0; bitmap.bytes as usize];
    bitmap.read(volume, 0, &mut bits).ok()?;
    let count: usize = bits.iter().map(|byte| byte.count_ones() as usize).sum();
    // Nodes are counted in clusters, or in sectors where clusters are larger.
    let unit = if geometry.cluster_bytes <= block_bytes { geometry.cluster_bytes } else { 512 };
    let is_marked = |node: i64| {
        let block = u64::try_from(node).ok()?.checked_mul(unit)? / block_bytes.max(1);
        Some(bits.get(usize::try_from(block / 8).ok()?)? & 1 << (block % 8) != 0)
    };
    Some(count == nodes.len() && { nodes }.all(|node| is_marked(node) == Some(true)))
}
