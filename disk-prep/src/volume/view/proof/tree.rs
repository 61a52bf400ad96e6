//! The entries of an index of the system, in its root and in all nodes below: each node once.

use std::collections::HashSet;

use super::super::found::FoundFile;
use super::super::parts::{INDEX_ALLOCATION, INDEX_ROOT};
use super::super::records::{LARGEST_RECORD, RecordFault, check_node, fixed_up, sure};
use super::site::{Site, SystemFile};
use crate::volume::fields::{i64_at, u16_at, u32_at};

/// What stands before the node of a root, and of a block.
const ROOT_HEAD: usize = 16;
const BLOCK_HEAD: usize = 24;
/// Nodes of one index; a hundred million names have as many.
const MOST_NODES: usize = 1 << 22;

/// Hands each entry of an index to `visit`; what is wrong with the index itself is told, and
/// whether all of it was seen is returned.
pub(super) fn each_entry(
    site: &mut Site<'_>,
    file: SystemFile,
    name: &str,
    visit: &mut dyn FnMut(&mut Site<'_>, &[u8]),
) -> bool {
    let Some(root) = site.stream(file, INDEX_ROOT, name).and_then(|root| root.resident) else {
        return false;
    };
    let is_names = name == "$I30";
    let block_bytes = match check_root(&root, is_names) {
        Ok(bytes) => bytes,
        Err(fault) => {
            site.tell(file, format!("{name}: {fault}"));
            return false;
        }
    };
    let mut pending = entries(site, &root[ROOT_HEAD..], visit);
    let mut seen = HashSet::new();
    let mut blocks: Option<FoundFile> = None;
    while let Some(node) = pending.pop() {
        if site.is_stopped() {
            return false;
        }
        if blocks.is_none() {
            blocks = site.stream(file, INDEX_ALLOCATION, name);
        }
        let Some(blocks) = &blocks else { return false };
        let unit = if site.geometry.cluster_bytes <= block_bytes as u64 {
            site.geometry.cluster_bytes
        } else {
            512
        };
        let place = u64::try_from(node).ok().and_then(|node| node.checked_mul(unit));
        let place = place.filter(|place| place.saturating_add(block_bytes as u64) <= blocks.bytes);
        let Some(place) = place.filter(|_| seen.len() < MOST_NODES && seen.insert(node)) else {
            site.tell(file, format!("{name}: an entry leads to a node that is not below it"));
            return false;
        };
        let mut raw = vec![0; block_bytes];
        if !site.read(file, blocks, place, &mut raw) {
            return false;
        }
        match block(&raw, node, is_names) {
            Ok(bytes) => pending.extend(entries(site, &bytes[BLOCK_HEAD..], visit)),
            Err(fault) => {
                site.tell(file, format!("{name}: {fault}"));
                return false;
            }
        }
    }
    true
}

/// Checks a root; how long the blocks of its index are.
pub(super) fn check_root(root: &[u8], is_names: bool) -> Result<usize, RecordFault> {
    sure(root.len() >= 32, "index root")?;
    let bytes = u32_at(root, 8) as usize;
    sure(bytes.is_power_of_two() && (512..=LARGEST_RECORD).contains(&bytes), "index root")?;
    check_node(&root[ROOT_HEAD..], is_names)?;
    Ok(bytes)
}

/// Checks a block and puts its sectors right.
fn block(raw: &[u8], node: i64, is_names: bool) -> Result<Vec<u8>, RecordFault> {
    sure(raw[..4] == *b"INDX", "signature of an index node")?;
    let bytes = fixed_up(raw, 40)?;
    sure(i64_at(&bytes, 16) == node, "number of an index node")?;
    check_node(&bytes[BLOCK_HEAD..], is_names)?;
    Ok(bytes)
}

/// Visits the entries of a node that was checked; the nodes that they lead to.
fn entries(
    site: &mut Site<'_>,
    node: &[u8],
    visit: &mut dyn FnMut(&mut Site<'_>, &[u8]),
) -> Vec<i64> {
    let mut below = Vec::new();
    for entry in entries_of(node) {
        if entry[12] & 1 != 0 {
            below.push(i64_at(entry, entry.len() - 8));
        }
        if entry[12] & 2 == 0 {
            visit(site, entry);
        }
    }
    below
}

/// The entries of a node that was checked, the last one too, which has no key.
pub(super) fn entries_of(node: &[u8]) -> Vec<&[u8]> {
    let mut at = u32_at(node, 0) as usize;
    let mut entries = Vec::new();
    loop {
        let entry = &node[at..at + usize::from(u16_at(node, at + 8))];
        entries.push(entry);
        if entry[12] & 2 != 0 {
            return entries;
        }
        at += entry.len();
    }
}
