//! What lies where by its number: the records of the system, the names that go with them, the
//! regions of metadata (`ntfs-write-once` 2, 5).

use super::names::UPCASE_BYTES;
use super::tables::{ATTRDEF_BYTES, SDS_BYTES};

/// Record of the root folder.
pub const ROOT: u64 = 5;
pub(super) const EXTEND: u64 = 11;
/// Record of the first name that is not of the system.
pub const FIRST_RECORD: u64 = 64;
/// Names of records 0 to 11, which the root lists.
pub const ROOT_NAMES: [&str; 12] = [
    "$MFT", "$MFTMirr", "$LogFile", "$Volume", "$AttrDef", ".", "$Bitmap", "$Boot", "$BadClus",
    "$Secure", "$UpCase", "$Extend",
];
/// Names in `$Extend` in collation order, with their records.
pub(super) const EXTEND_NAMES: [(&str, u64); 3] =
    [("$ObjId", 25), ("$Quota", 24), ("$Reparse", 26)];

/// What a region of metadata holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Boot,
    Mirror,
    RecordBitmap,
    Records,
    Bitmap,
    Log,
    UpCase,
    AttributeDefinitions,
    Security,
    IndexBlocks(u32),
    IndexBitmap(u32),
}

/// Lengths of the fixed tables.
pub(super) const TABLE_BYTES: [(Content, u64); 3] = [
    (Content::UpCase, UPCASE_BYTES as u64),
    (Content::AttributeDefinitions, ATTRDEF_BYTES as u64),
    (Content::Security, SDS_BYTES as u64),
];
