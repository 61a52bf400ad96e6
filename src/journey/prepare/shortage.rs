//! Files that found no room, and what would do.

use disk_prep::dataset::FileList;
use disk_prep::drive::NamedDrive;
use disk_prep::noun::{ByteSize, Serial, count};
use disk_prep::plan::count_drives;
use disk_prep::pool::room;

/// Files that found no room, and what would do.
#[derive(Debug, Default)]
pub struct Shortage {
    /// How many.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// How many more drives of how many bytes, like the largest named one.
    pub drives: Option<(usize, u64)>,
}

impl Shortage {
    /// What `missing` needs beside the drives that were named.
    pub fn of(missing: &FileList, named: &[NamedDrive]) -> Self {
        let sizes = named.iter().map(|named| named.drive.bytes);
        let drives = |bytes: u64| {
            let like = room(&Serial::new("DRIVE").ok()?, bytes).ok()?;
            count_drives(missing, &like).ok().map(|drives| (drives, bytes))
        };
        Shortage {
            files: missing.len(),
            bytes: missing.total_bytes(),
            drives: sizes.max().filter(|_| !missing.is_empty()).and_then(drives),
        }
    }

    /// In a sentence.
    pub fn text(&self) -> String {
        let wanted = self.drives.map_or(String::new(), |(drives, bytes)| {
            format!("; {} of {} would do", count(drives, "more drive"), ByteSize(bytes))
        });
        let files = count(self.files, "file");
        format!("{} in {files} found no room{wanted}", ByteSize(self.bytes))
    }
}
