//! Stands between an unlocked volume and the crate `ntfs`: the crate sees the boot sector and
//! records that were checked, nothing else, each node of a folder once, and only so many of them
//! all. So a hostile volume can neither lead it astray nor keep it for ever.

use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom};

use super::super::bitlocker::unlock::{UnlockedVolume, VolumeCursor};
use super::found::ViewError;
use super::records::{FileFacts, Geometry, LARGEST_RECORD, check_file, check_index};
use crate::limits::SECTOR_BYTES;

/// Nodes above one another; a folder of a billion names has six.
const DEEPEST_NODE: u8 = 32;
/// Records that may be read beside those that the file table has room for.
const SPARE_READS: u64 = 4096;
/// How often a record may be read: itself, its share of its folder's nodes, once more for each name.
const READS_PER_RECORD: u64 = 16;

/// `Read` and `Seek` over what was checked.
#[derive(Debug)]
pub(super) struct Sentry<'v> {
    cursor: VolumeCursor<'v>,
    position: u64,
    boot: [u8; SECTOR_BYTES as usize],
    geometry: Geometry,
    /// The record of the file table, which the crate reads before each other.
    table: Option<(Vec<u8>, FileFacts)>,
    /// What the last record says of itself.
    last: FileFacts,
    /// The nodes that the last folder's own nodes lead to, and how deep they lie.
    nodes: HashMap<i64, u8>,
    reads_left: u64,
}

impl<'v> Sentry<'v> {
    /// Reads and checks the boot sector.
    pub fn open(volume: &'v UnlockedVolume<'v>) -> Result<Self, ViewError> {
        let mut boot = [0; SECTOR_BYTES as usize];
        volume.read_at(0, &mut boot)?;
        let geometry = Geometry::parse(&boot, volume.size())
            .map_err(|fault| ViewError::FileSystem { fault: fault.to_string() })?;
        Ok(Sentry {
            cursor: volume.cursor(),
            position: 0,
            boot,
            geometry,
            table: None,
            last: FileFacts::default(),
            nodes: HashMap::new(),
            reads_left: SPARE_READS,
        })
    }

    /// The volume.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// What the record that was read last says of itself.
    pub fn last(&self) -> &FileFacts {
        &self.last
    }

    /// The nodes that the nodes of the last folder lead to, so far.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = i64> {
        self.nodes.keys().copied()
    }

    /// Bounds the reads by the records that there are.
    pub fn allow(&mut self, records: u64) {
        self.reads_left = records.saturating_mul(READS_PER_RECORD).saturating_add(SPARE_READS);
    }

    /// Checks a record that was read from the position.
    fn check(&mut self, bytes: &[u8]) -> io::Result<()> {
        let at = self.position;
        let fault = |fault: &dyn std::fmt::Display| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{fault} (at {at:#x})"))
        };
        let left = self.reads_left.checked_sub(1);
        self.reads_left = left.ok_or_else(|| fault(&"more is read than the volume can hold"))?;
        match bytes {
            [b'F', b'I', b'L', b'E', ..] if bytes.len() == self.geometry.record_bytes => {
                let facts = check_file(bytes, &self.geometry).map_err(|error| fault(&error))?;
                self.nodes.clear();
                let mut below = facts.nodes.iter().flatten().copied();
                let is_tree = below.all(|node| self.nodes.insert(node, 1).is_none());
                if !is_tree {
                    return Err(fault(&"a folder leads to one node twice"));
                }
                if self.table.is_none() && at == self.geometry.table {
                    self.table = Some((bytes.to_vec(), facts.clone()));
                }
                self.last = facts;
                Ok(())
            }
            [b'I', b'N', b'D', b'X', ..] => {
                let (node, below) = check_index(bytes).map_err(|error| fault(&error))?;
                let depth = self.nodes.get(&node).copied();
                let depth = depth.ok_or_else(|| fault(&"a node is not the one it should be"))?;
                if depth >= DEEPEST_NODE {
                    return Err(fault(&"the nodes of a folder lie too deep"));
                }
                for node in below {
                    if self.nodes.insert(node, depth + 1).is_some() {
                        return Err(fault(&"the nodes of a folder lead back to themselves"));
                    }
                }
                Ok(())
            }
            _ => Err(fault(&"there is no record where one should be")),
        }
    }
}

impl Read for Sentry<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len();
        if let Some(rest) = self.boot.get(usize::try_from(self.position).unwrap_or(usize::MAX)..)
            && !rest.is_empty()
        {
            let count = rest.len().min(length);
            buffer[..count].copy_from_slice(&rest[..count]);
            self.position += count as u64;
            return Ok(count);
        }
        if length > LARGEST_RECORD {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a record is too long"));
        }
        match &self.table {
            Some((table, facts))
                if self.position == self.geometry.table && table.len() == length =>
            {
                buffer.copy_from_slice(table);
                self.last.clone_from(facts);
                self.nodes.clear();
            }
            _ => {
                self.cursor.seek(SeekFrom::Start(self.position))?;
                self.cursor.read_exact(buffer)?;
                self.check(buffer)?;
            }
        }
        self.position += length as u64;
        Ok(length)
    }
}

impl Seek for Sentry<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.geometry.volume_bytes.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
