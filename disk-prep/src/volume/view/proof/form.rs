//! The records of the system: what each must have, and what a folder says of it.

use super::super::parts::{
    BITMAP, DATA, FILE_NAME, INDEX_ROOT, LIST, Part, SECURITY_DESCRIPTOR, STANDARD_INFORMATION,
    VOLUME_INFORMATION, Value,
};
use super::super::records::{Geometry, RecordFault, sure};
use super::super::time::are_times;
use super::descriptor::is_of_the_system;
use super::index_root;
use super::site::{
    ATTR_DEF, BAD_CLUS, BITMAP_FILE, BOOT, EXTEND, LOG_FILE, MFT, MFT_MIRROR, ROOT, SECURE, Site,
    SystemFile, UP_CASE, VOLUME,
};
use super::tree::each_entry;
use crate::volume::fields::{u16_at, u32_at, u64_at};

const QUOTA: SystemFile = (24, "$Quota");
const OBJECT_IDS: SystemFile = (25, "$ObjId");
const REPARSE_POINTS: SystemFile = (26, "$Reparse");

const FOLDER: u16 = 3;
const VIEW: u16 = 9;
const VIEW_BELOW: u16 = 13;
/// Hidden, and of the system.
const HIDDEN: u32 = 6;
/// Namespace of a name that is a long and a short one.
const LONG_AND_SHORT: u8 = 3;

/// A file of the system: the flags of its record and the streams that it has.
struct Form {
    file: SystemFile,
    folder: SystemFile,
    flags: u16,
    streams: &'static [(u32, &'static str)],
}

const fn form(
    file: SystemFile,
    folder: SystemFile,
    flags: u16,
    streams: &'static [(u32, &'static str)],
) -> Form {
    Form { file, folder, flags, streams }
}

const FORMS: [Form; 15] = [
    form(MFT, ROOT, 1, &[(DATA, ""), (BITMAP, "")]),
    form(MFT_MIRROR, ROOT, 1, &[(DATA, "")]),
    form(LOG_FILE, ROOT, 1, &[(DATA, "")]),
    form(VOLUME, ROOT, 1, &[(VOLUME_INFORMATION, "")]),
    form(ATTR_DEF, ROOT, 1, &[(SECURITY_DESCRIPTOR, ""), (DATA, "")]),
    form(ROOT, ROOT, FOLDER, &[(INDEX_ROOT, "$I30")]),
    form(BITMAP_FILE, ROOT, 1, &[(DATA, "")]),
    form(BOOT, ROOT, 1, &[(SECURITY_DESCRIPTOR, ""), (DATA, "")]),
    form(BAD_CLUS, ROOT, 1, &[(DATA, ""), (DATA, "$Bad")]),
    form(SECURE, ROOT, VIEW, &[(DATA, "$SDS"), (INDEX_ROOT, "$SDH"), (INDEX_ROOT, "$SII")]),
    form(UP_CASE, ROOT, 1, &[(DATA, ""), (DATA, "$Info")]),
    form(EXTEND, ROOT, FOLDER, &[(INDEX_ROOT, "$I30")]),
    form(QUOTA, EXTEND, VIEW_BELOW, &[(INDEX_ROOT, "$O"), (INDEX_ROOT, "$Q")]),
    form(OBJECT_IDS, EXTEND, VIEW_BELOW, &[(INDEX_ROOT, "$O")]),
    form(REPARSE_POINTS, EXTEND, VIEW_BELOW, &[(INDEX_ROOT, "$R")]),
];

/// Whether a record must be one of the system's.
pub(super) fn is_system(number: u64) -> bool {
    number < 16 || form_of(number).is_some()
}

fn form_of(number: u64) -> Option<&'static Form> {
    FORMS.iter().find(|form| form.file.0 == number)
}

/// The file of a record that is wrong: its own, or the table.
pub(super) fn file_of(number: u64) -> SystemFile {
    form_of(number).map_or(MFT, |form| form.file)
}

/// Checks what is special about a record of the system.
pub(super) fn check(
    number: u64,
    record: &[u8],
    parts: &[Part<'_>],
    geometry: &Geometry,
) -> Result<(), RecordFault> {
    // A list is made by systems that use the volume; it says what is elsewhere.
    if !is_system(number) || parts.iter().any(|part| part.kind == LIST) {
        return Ok(());
    }
    let form = form_of(number);
    if number < 16 {
        sure(u64::from(u16_at(record, 16)) == number.max(1), "sequence number")?;
    }
    sure(u16_at(record, 22) == form.map_or(1, |form| form.flags), "flags")?;
    sure(u64_at(record, 32) == 0, "base record")?;
    let next = u16_at(record, 40);
    let ordered = parts.is_sorted_by_key(|part| part.kind);
    sure(ordered && parts.iter().all(|part| part.instance < next), "order of its attributes")?;
    for part in parts {
        check_part(number, form, part, geometry)?;
    }
    let own = [(STANDARD_INFORMATION, "")];
    let wanted = own.iter().chain(form.map_or(&[][..], |form| form.streams));
    for (kind, name) in wanted {
        sure(parts.iter().any(|part| part.is(*kind, name)), "set of attributes")?;
    }
    let has_name = parts.iter().any(|part| part.kind == FILE_NAME);
    sure(has_name == form.is_some(), "name")
}

fn check_part(
    number: u64,
    form: Option<&Form>,
    part: &Part<'_>,
    geometry: &Geometry,
) -> Result<(), RecordFault> {
    sure((0x10..=0x100).contains(&part.kind) && part.kind.is_multiple_of(16), "kind of attribute")?;
    match &part.value {
        Value::Outside(outside) => {
            let room = outside.clusters * geometry.cluster_bytes;
            let fits = outside.allocated == room && outside.bytes <= room;
            sure(outside.first == 0 && fits && outside.valid <= outside.bytes, "size")?;
            sure(outside.is_plain && part.flags & 0x7fff == 0, "compression")
        }
        Value::Inside(value) => match (part.kind, form) {
            (STANDARD_INFORMATION, _) => check_information(value),
            (FILE_NAME, Some(form)) => sure(is_name(form, value, geometry), "name"),
            (INDEX_ROOT, _) => index_root::check(number, part, value, geometry),
            (SECURITY_DESCRIPTOR, _) => sure(is_of_the_system(value), "security descriptor"),
            _ => sure(part.flags == 0, "flags of an attribute"),
        },
    }
}

fn check_information(value: &[u8]) -> Result<(), RecordFault> {
    sure(matches!(value.len(), 48 | 72), "standard information")?;
    sure(are_times(&value[..32]), "time")?;
    // No versions, no class.
    let is_plain = u32_at(value, 32) & HIDDEN == HIDDEN && value[36..48] == [0; 12];
    sure(is_plain, "standard information")
}

/// Whether the value is the name of a file in its folder.
fn is_name(form: &Form, value: &[u8], geometry: &Geometry) -> bool {
    let units = form.file.1.encode_utf16().flat_map(u16::to_le_bytes);
    let folder = form.folder.0 << 48 | form.folder.0;
    value.len() >= 66
        && u64_at(value, 0) == folder
        && are_times(&value[8..40])
        && u64_at(value, 40).max(u64_at(value, 48)) <= geometry.volume_bytes
        && u32_at(value, 56) & HIDDEN == HIDDEN
        && value[65] == LONG_AND_SHORT
        && usize::from(value[64]) * 2 == value.len() - 66
        && units.eq(value[66..].iter().copied())
}

/// The names of all files of the system in their folders.
pub(super) fn check_names(site: &mut Site<'_>) {
    for folder in [ROOT, EXTEND] {
        let mut missing: Vec<&Form> =
            FORMS.iter().filter(|form| form.folder.0 == folder.0).collect();
        let geometry = site.geometry;
        let is_whole = each_entry(site, folder, "$I30", &mut |_, entry| {
            let (reference, length) = (u64_at(entry, 0), usize::from(u16_at(entry, 10)));
            let (number, sequence) = (reference & ((1 << 48) - 1), reference >> 48);
            let is_it = |form: &&Form| {
                let is_its_own = number >= 16 || sequence == number.max(1);
                let key = entry.get(16..16 + length).unwrap_or_default();
                form.file.0 == number && is_its_own && is_name(form, key, &geometry)
            };
            if is_system(number) {
                missing.retain(|form| !is_it(form));
            }
        });
        for form in missing.into_iter().filter(|_| is_whole) {
            let folder = if folder.0 == ROOT.0 { "\\" } else { folder.1 };
            site.tell(form.file, format!("it is not named rightly in {folder}"));
        }
    }
}
