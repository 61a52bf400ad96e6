//! The dock's parsers as functions of bytes, for tests that give them anything.

use super::manifest;
use super::side::{self, SideKind};
use crate::blobs::record::Properties;

/// Length of a blob, and the places and lengths of its parts.
pub type Parts = (u64, Vec<(u64, u64)>);

/// Reads a manifest.
pub fn read_manifest(bytes: &[u8]) -> Option<Vec<Parts>> {
    let manifest = manifest::parse(bytes).ok()?;
    let parts = |entry: &manifest::Entry| {
        entry.parts.iter().map(|part| (part.offset, part.length)).collect::<Vec<_>>()
    };
    Some(manifest.entries.iter().map(|entry| (entry.length, parts(entry))).collect())
}

/// Reads a file of metadata or properties and gives it to a blob; what it says if that was taken.
pub fn read_side_file(is_metadata: bool, bytes: &[u8]) -> Option<Vec<(String, String)>> {
    let kind = if is_metadata { SideKind::Metadata } else { SideKind::Properties };
    let values = side::parse(kind, bytes)?;
    side::apply(&mut Properties::default(), kind, values.clone()).then_some(values)
}
