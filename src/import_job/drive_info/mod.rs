//! The drives in journals of Microsoft's tools: the record of text that the first version of
//! WAImportExport writes, the XML of the second, and the file of one drive between them
//! (`azure-import-export` 5.1 to 5.3). They may come from anybody, and hold the drives' keys.

mod element;
mod model;
mod records;
mod text;
mod write;

use super::job::DriveEntry;

pub use model::Fault;
pub use write::{Form, Journal, journals};

/// Bytes of such a file, at most; the portal takes two million.
pub const JOURNAL_BYTES: u64 = 64 << 20;
/// The drives that a journal tells of, each as the last finished record has it.
pub fn parse(bytes: &[u8]) -> Result<Vec<DriveEntry>, Fault> {
    let text = text::decode(bytes).ok_or(Fault::Encoding)?;
    let found =
        if records::is_record(&text) { records::parse(&text)? } else { element::drives(&text)? };
    if found.is_empty() {
        return Err(Fault::NoDrive);
    }
    let mut drives: Vec<DriveEntry> = Vec::new();
    for own in &found {
        add(&mut drives, own.checked()?)?;
    }
    Ok(drives)
}

/// Adds a drive that may be there already, if both are the same.
pub fn add(drives: &mut Vec<DriveEntry>, drive: DriveEntry) -> Result<(), Fault> {
    match drives.iter().find(|own| own.serial == drive.serial) {
        None => {
            drives.push(drive);
            Ok(())
        }
        Some(own) if is_same(own, &drive) => Ok(()),
        Some(_) => Err(Fault::Twice { serial: drive.serial }),
    }
}

fn is_same(one: &DriveEntry, other: &DriveEntry) -> bool {
    one.recovery_password == other.recovery_password
        && (&one.manifest_file, &one.manifest_hash, &one.header_hash)
            == (&other.manifest_file, &other.manifest_hash, &other.header_hash)
}

#[cfg(test)]
mod tests;
