//! The attributes of a record taken apart, those of files too whose attributes are spread over
//! several records.

use super::found::FoundFile;
use super::records::{
    Geometry, RecordFault, each_attribute, each_run, list_of_runs, name_of, resident, sure,
};
use crate::volume::fields::{u16_at, u64_at};

pub(super) const STANDARD_INFORMATION: u32 = 0x10;
pub(super) const LIST: u32 = 0x20;
pub(super) const FILE_NAME: u32 = 0x30;
pub(super) const SECURITY_DESCRIPTOR: u32 = 0x50;
pub(super) const VOLUME_INFORMATION: u32 = 0x70;
pub(super) const DATA: u32 = 0x80;
pub(super) const INDEX_ROOT: u32 = 0x90;
pub(super) const INDEX_ALLOCATION: u32 = 0xa0;
pub(super) const BITMAP: u32 = 0xb0;

/// An attribute.
#[derive(Debug)]
pub(super) struct Part<'r> {
    pub kind: u32,
    /// UTF-16, as it stands there.
    name: &'r [u8],
    pub flags: u16,
    pub instance: u16,
    pub value: Value<'r>,
}

/// Where the value of an attribute lies.
#[derive(Debug)]
pub(super) enum Value<'r> {
    /// In the record.
    Inside(&'r [u8]),
    /// In clusters.
    Outside(Outside),
}

/// A value in clusters, or a part of it.
#[derive(Debug)]
pub(super) struct Outside {
    /// Which of the clusters of the whole value the first one is.
    pub first: u64,
    /// Bytes of its clusters, as its record says.
    pub allocated: u64,
    pub bytes: u64,
    /// Bytes that were ever written.
    pub valid: u64,
    /// Clusters, holes included.
    pub clusters: u64,
    /// First cluster, or none of a hole, and count.
    pub runs: Vec<(Option<u64>, u64)>,
    /// Whether what is always zero is zero.
    pub is_plain: bool,
}

/// The attributes of a record whose sectors were put right.
pub(super) fn parts<'r>(
    record: &'r [u8],
    geometry: &Geometry,
) -> Result<Vec<Part<'r>>, RecordFault> {
    let mut parts = Vec::new();
    each_attribute(record, |kind, bytes| {
        let value = match bytes[8] {
            0 => Value::Inside(resident(bytes)?),
            1 => Value::Outside(outside(bytes, geometry)?),
            _ => return Err(RecordFault::Field { field: "kind of attribute" }),
        };
        let (name, flags, instance) = (name_of(bytes)?, u16_at(bytes, 12), u16_at(bytes, 14));
        parts.push(Part { kind, name, flags, instance, value });
        Ok(())
    })?;
    Ok(parts)
}

fn outside(bytes: &[u8], geometry: &Geometry) -> Result<Outside, RecordFault> {
    let (head, list) = list_of_runs(bytes)?;
    let mut runs = Vec::new();
    let clusters = each_run(list, geometry, |first, count| runs.push((first, count)))?;
    // What lies in no cluster ends before it begins.
    let end = u64_at(head, 24).wrapping_add(1);
    sure(u64_at(head, 16).checked_add(clusters) == Some(end), "runs")?;
    Ok(Outside {
        first: u64_at(head, 16),
        allocated: u64_at(head, 40),
        bytes: u64_at(head, 48),
        valid: u64_at(head, 56),
        clusters,
        runs,
        is_plain: head[34..40].iter().all(|&byte| byte == 0),
    })
}

impl Part<'_> {
    /// Whether it is of a kind and has this name.
    pub fn is(&self, kind: u32, name: &str) -> bool {
        let units = || name.encode_utf16().flat_map(u16::to_le_bytes);
        self.kind == kind && units().eq(self.name.iter().copied())
    }

    /// The value if it lies in the record.
    pub fn inside(&self) -> Option<&[u8]> {
        match &self.value {
            Value::Inside(value) => Some(value),
            Value::Outside(_) => None,
        }
    }

    /// What is to be read of it: never more than it has clusters.
    pub fn found(&self, geometry: &Geometry) -> FoundFile {
        match &self.value {
            Value::Inside(value) => FoundFile {
                bytes: value.len() as u64,
                runs: Vec::new(),
                resident: Some(value.to_vec()),
            },
            Value::Outside(outside) => {
                let cluster = geometry.cluster_bytes;
                let in_bytes = |&(first, count): &(Option<u64>, u64)| {
                    (first.map(|first| first * cluster), count * cluster)
                };
                let room = outside.clusters * cluster;
                FoundFile {
                    bytes: outside.bytes.min(outside.valid).min(room),
                    runs: outside.runs.iter().map(in_bytes).collect(),
                    resident: None,
                }
            }
        }
    }
}
