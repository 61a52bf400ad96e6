//! `$Secure`: descriptors that stand twice in one stream, each with its hash and place, and two
//! indexes that lead to them.

use std::collections::{HashMap, HashSet};

use super::super::found::FoundFile;
use super::super::parts::DATA;
use super::descriptor::{hash, is_descriptor};
use super::index_root::view;
use super::site::{SECURE, Site};
use super::tree::each_entry;
use crate::volume::fields::{u32_at, u64_at};

/// The descriptors stand in parts of so many bytes, each of which is followed by its copy.
const PART: u64 = 0x4_0000;
/// What stands before a descriptor, and in the indexes: hash, id, place, length.
const HEAD: usize = 20;
/// Descriptors, at most.
const MOST: usize = 1 << 20;

type Head = [u8; HEAD];

/// Checks the file; the ids of the descriptors, if they are all known.
pub(super) fn check(site: &mut Site<'_>) -> Option<HashSet<u32>> {
    let stream = site.stream(SECURE, DATA, "$SDS")?;
    let heads = descriptors(site, &stream)?;
    // By id; by hash and id.
    let mut are_whole = true;
    for (name, id_at) in [("$SII", 0), ("$SDH", 4)] {
        let mut listed = HashSet::new();
        let is_whole = each_entry(site, SECURE, name, &mut |site, entry| match listed_id(
            entry, id_at, &heads,
        ) {
            Some(id) => drop(listed.insert(id)),
            None => site.tell(SECURE, format!("{name}: an entry leads to no descriptor")),
        });
        let missing = heads.keys().filter(|&id| !listed.contains(id)).min();
        if let Some(id) = missing.filter(|_| is_whole) {
            site.tell(SECURE, format!("{name} does not list the descriptor {id:#x}"));
        }
        are_whole &= is_whole;
    }
    are_whole.then(|| heads.into_keys().collect())
}

/// The id in an entry of an index, if it leads to a descriptor; `id_at` is where it is in the key.
fn listed_id(entry: &[u8], id_at: usize, heads: &HashMap<u32, Head>) -> Option<u32> {
    let (key, head) = view(entry)?;
    let id = (key.len() == id_at + 4).then(|| u32_at(key, id_at))?;
    let is_key = id_at == 0 || key[..4] == *head.get(..4)?;
    (is_key && heads.get(&id)? == head).then_some(id)
}

/// The heads of all descriptors by their ids; `None` if there are faults, which are told.
fn descriptors(site: &mut Site<'_>, stream: &FoundFile) -> Option<HashMap<u32, Head>> {
    let mut heads = HashMap::new();
    let (mut part, mut copy) = (vec![0; PART as usize], vec![0; PART as usize]);
    let (mut at, mut is_right) = (0, true);
    while at < stream.bytes {
        let length = stream.bytes.saturating_sub(at + PART).min(PART) as usize;
        let is_read = !site.is_stopped()
            && site.read(SECURE, stream, at, &mut part)
            && site.read(SECURE, stream, at + PART, &mut copy[..length]);
        if !is_read {
            return None;
        }
        if part[..length] != copy[..length] {
            site.tell(SECURE, format!("$SDS: the copy of the part at {at:#x} differs from it"));
            is_right = false;
        }
        if part[length..].iter().any(|&byte| byte != 0) {
            site.tell(SECURE, format!("$SDS: the part at {at:#x} has no whole copy"));
            is_right = false;
        }
        if let Err(fault) = take_part(&part, at, &mut heads) {
            site.tell(SECURE, format!("$SDS: {fault}"));
            is_right = false;
        }
        at += 2 * PART;
    }
    is_right.then_some(heads)
}

/// Takes the descriptors of one part of the stream.
fn take_part(part: &[u8], start: u64, heads: &mut HashMap<u32, Head>) -> Result<(), String> {
    let mut at = 0;
    while let Some(Ok(head)) = part.get(at..at + HEAD).map(Head::try_from) {
        if head == [0; HEAD] {
            break;
        }
        let place = start + at as u64;
        let length = u32_at(&head, 16) as usize;
        let bytes = part.get(at + HEAD..at.saturating_add(length));
        let is_its_own = u64_at(&head, 8) == place;
        let Some(bytes) = bytes.filter(|_| is_its_own) else {
            return Err(format!("the head of the descriptor at {place:#x} is wrong"));
        };
        if hash(bytes) != u32_at(&head, 0) || !is_descriptor(bytes) {
            return Err(format!("the descriptor at {place:#x} is not that of its hash"));
        }
        if heads.len() >= MOST || heads.insert(u32_at(&head, 4), head).is_some() {
            return Err(format!("the id of the descriptor at {place:#x} is that of another"));
        }
        at += length.next_multiple_of(16);
    }
    match part.get(at..).is_some_and(|rest| rest.iter().any(|&byte| byte != 0)) {
        true => {
            Err(format!("there are bytes behind the last descriptor before {:#x}", start + PART))
        }
        false => Ok(()),
    }
}
