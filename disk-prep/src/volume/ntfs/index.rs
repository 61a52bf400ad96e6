//! The index of a folder: a B-tree of names, built from the sorted list, kept as the numbers of
//! its entries and turned into bytes block by block (`ntfs-write-once` 9).

use std::ops::Range;

use super::record::{RECORD_BYTES, protect, up8};

/// Bytes of an index block.
pub const BLOCK_BYTES: usize = 4096;
const BLOCK_HEAD: usize = 0x40;
const CAPACITY: usize = BLOCK_BYTES - BLOCK_HEAD;
const END_BYTES: usize = 16;
const CHILD_BYTES: usize = 8;

/// A block: entries of the folder, with the block below each, if it is an inner one.
#[derive(Debug, PartialEq, Eq)]
enum Block {
    Leaf(Range<u32>),
    Inner(Vec<Separator>, u32),
}

/// An entry and the block of what sorts before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Separator {
    entry: u32,
    child: u32,
}

/// The index of one folder.
#[derive(Debug, PartialEq, Eq)]
pub struct Index {
    blocks: Vec<Block>,
    root: Block,
}

/// Bytes of an entry with a name of so many units, without a child.
pub fn entry_bytes(name_units: usize) -> usize {
    up8(16 + 66 + 2 * name_units)
}

/// Room for entries in the record of a folder whose own name has so many units.
pub fn small_room(folder_name_units: usize) -> usize {
    let head = 0x38 + 96 + up8(90 + 2 * folder_name_units) + 8;
    RECORD_BYTES - head - 64
}

/// What `$INDEX_ALLOCATION` and `$BITMAP` take from that room.
const LARGE_COST: usize = 160;

/// What is known of a folder's entries without a list of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct EntrySums {
    count: usize,
    bytes: usize,
    longest_bytes: usize,
}

impl EntrySums {
    /// Adds an entry.
    pub fn add(&mut self, bytes: usize) {
        self.count += 1;
        self.bytes += bytes;
        self.longest_bytes = self.longest_bytes.max(bytes);
    }

    /// Takes an entry back; the longest stays the longest there ever was.
    pub fn remove(&mut self, bytes: usize) {
        self.count -= 1;
        self.bytes -= bytes;
    }
}

/// How many blocks [`Index::build`] makes at most of such entries; exact if all have one length.
///
/// A block and the entry behind it, which goes up as the separator, are more than fits: at least
/// the entries that fit if all are the longest, and one. Where a block gives its last entry away,
/// the last block's only entry makes up for it.
pub fn most_blocks(entries: &EntrySums, folder_name_units: usize) -> usize {
    let EntrySums { count, bytes, longest_bytes } = *entries;
    let small = small_room(folder_name_units);
    if bytes + END_BYTES <= small {
        return 0;
    }
    let split = |count: usize, room: usize, cost: usize| count / (room / cost + 1) + 1;
    let leaf_room = CAPACITY - END_BYTES;
    let mut level = bytes.div_ceil(leaf_room).min(split(count, leaf_room, longest_bytes));
    let mut blocks = level;
    let separator_bytes = longest_bytes + CHILD_BYTES;
    while (level - 1) * separator_bytes + END_BYTES + CHILD_BYTES > small - LARGE_COST {
        level = split(level - 1, leaf_room - CHILD_BYTES, separator_bytes);
        blocks += level;
    }
    blocks
}

impl Index {
    /// Builds the tree of `count` entries, whose lengths `bytes` tells.
    pub fn build(count: usize, folder_name_units: usize, bytes: impl Fn(usize) -> usize) -> Self {
        let small = small_room(folder_name_units);
        let mut total = END_BYTES;
        let fits = (0..count).all(|entry| {
            total += bytes(entry);
            total <= small
        });
        if fits {
            return Index { blocks: Vec::new(), root: Block::Leaf(0..count as u32) };
        }
        let large = small - LARGE_COST;
        let mut blocks = Vec::new();
        let mut level = leaves(count, &bytes, &mut blocks);
        loop {
            let last = blocks.len() as u32 - 1;
            let with_children: usize =
                level.iter().map(|entry| bytes(entry.entry as usize) + CHILD_BYTES).sum();
            if with_children + END_BYTES + CHILD_BYTES <= large {
                return Index { blocks, root: Block::Inner(level, last) };
            }
            level = inner(&level, last, &bytes, &mut blocks);
        }
    }

    /// How many blocks it has beside the record.
    pub fn block_count(&self) -> usize {
        self.blocks.len()
    }

    /// Whether it has blocks beside the record.
    pub fn is_large(&self) -> bool {
        !self.blocks.is_empty()
    }
}

/// How many of the entries from `start` on fill a block, `cost` bytes each.
fn cut(start: usize, count: usize, end_bytes: usize, cost: impl Fn(usize) -> usize) -> usize {
    let mut used = end_bytes;
    let mut end = start;
    while end < count && used + cost(end) <= CAPACITY {
        used += cost(end);
        end += 1;
    }
    // The next entry becomes a separator, and the block behind it may not be empty.
    if end + 1 == count { end - 1 } else { end }
}

fn leaves(
    count: usize,
    bytes: &impl Fn(usize) -> usize,
    blocks: &mut Vec<Block>,
) -> Vec<Separator> {
    let mut separators = Vec::new();
    let mut start = 0;
    loop {
        let end = cut(start, count, END_BYTES, bytes);
        let child = blocks.len() as u32;
        blocks.push(Block::Leaf(start as u32..end as u32));
        if end == count {
            return separators;
        }
        separators.push(Separator { entry: end as u32, child });
        start = end + 1;
    }
}

fn inner(
    level: &[Separator],
    last: u32,
    bytes: &impl Fn(usize) -> usize,
    blocks: &mut Vec<Block>,
) -> Vec<Separator> {
    let cost = |at: usize| bytes(level[at].entry as usize) + CHILD_BYTES;
    let mut separators = Vec::new();
    let mut start = 0;
    loop {
        let end = cut(start, level.len(), END_BYTES + CHILD_BYTES, cost);
        let number = blocks.len() as u32;
        let behind = level.get(end).map_or(last, |separator| separator.child);
        blocks.push(Block::Inner(level[start..end].to_vec(), behind));
        let Some(separator) = level.get(end) else { return separators };
        separators.push(Separator { entry: separator.entry, child: number });
        start = end + 1;
    }
}

/// How an index turns into bytes: an entry's reference and key, and what a block is numbered by.
pub struct Encoder<K> {
    /// The reference and the `$FILE_NAME` of an entry.
    pub key: K,
    /// Bytes of a cluster.
    pub cluster_bytes: u64,
}

impl<K: Fn(usize) -> (u64, Vec<u8>)> Encoder<K> {
    fn vcn(&self, block: u32) -> u64 {
        if self.cluster_bytes <= BLOCK_BYTES as u64 {
            u64::from(block) * (BLOCK_BYTES as u64 / self.cluster_bytes)
        } else {
            u64::from(block) * 8
        }
    }

    fn entry(&self, out: &mut Vec<u8>, entry: u32, child: Option<u32>) {
        let (reference, key) = (self.key)(entry as usize);
        let own = up8(16 + key.len());
        let length = own + child.map_or(0, |_| CHILD_BYTES);
        let start = out.len();
        out.extend(reference.to_le_bytes());
        out.extend((length as u16).to_le_bytes());
        out.extend((key.len() as u16).to_le_bytes());
        out.extend([u8::from(child.is_some()), 0, 0, 0]);
        out.extend(key);
        out.resize(start + own, 0);
        out.extend(child.into_iter().flat_map(|child| self.vcn(child).to_le_bytes()));
    }

    fn end(&self, out: &mut Vec<u8>, child: Option<u32>) {
        let length = END_BYTES + child.map_or(0, |_| CHILD_BYTES);
        out.extend([0; 8]);
        out.extend((length as u16).to_le_bytes());
        out.extend([0, 0, 2 | u8::from(child.is_some()), 0, 0, 0]);
        out.extend(child.into_iter().flat_map(|child| self.vcn(child).to_le_bytes()));
    }

    fn entries(&self, block: &Block) -> Vec<u8> {
        let mut out = Vec::with_capacity(CAPACITY);
        match block {
            Block::Leaf(range) => {
                range.clone().for_each(|entry| self.entry(&mut out, entry, None));
                self.end(&mut out, None);
            }
            Block::Inner(separators, last) => {
                for separator in separators {
                    self.entry(&mut out, separator.entry, Some(separator.child));
                }
                self.end(&mut out, Some(*last));
            }
        }
        out
    }

    /// The value of `$INDEX_ROOT`.
    pub fn root(&self, index: &Index) -> Vec<u8> {
        let entries = self.entries(&index.root);
        let length = 16 + entries.len() as u32;
        let mut value = 0x30u32.to_le_bytes().to_vec();
        value.extend(1u32.to_le_bytes());
        value.extend((BLOCK_BYTES as u32).to_le_bytes());
        value.extend([blocks_unit(self.cluster_bytes), 0, 0, 0]);
        value.extend(16u32.to_le_bytes());
        value.extend(length.to_le_bytes());
        value.extend(length.to_le_bytes());
        value.extend(u32::from(index.is_large()).to_le_bytes());
        value.extend(entries);
        value
    }

    /// Writes a block into `out`, which has its length.
    pub fn block(&self, index: &Index, number: usize, out: &mut [u8]) {
        let block = &index.blocks[number];
        let entries = self.entries(block);
        out.fill(0);
        let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, b"INDX");
        put(4, &0x28u16.to_le_bytes());
        put(6, &((BLOCK_BYTES / 512 + 1) as u16).to_le_bytes());
        put(16, &self.vcn(number as u32).to_le_bytes());
        put(0x18, &0x28u32.to_le_bytes());
        put(0x1c, &(0x28 + entries.len() as u32).to_le_bytes());
        put(0x20, &0xfe8u32.to_le_bytes());
        put(0x24, &u32::from(matches!(block, Block::Inner(..))).to_le_bytes());
        put(BLOCK_HEAD, &entries);
        protect(out, 0x28);
    }
}

/// How `$INDEX_ROOT` counts the clusters of a block.
pub fn blocks_unit(cluster_bytes: u64) -> u8 {
    if cluster_bytes <= BLOCK_BYTES as u64 { (BLOCK_BYTES as u64 / cluster_bytes) as u8 } else { 8 }
}
