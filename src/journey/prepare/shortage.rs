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
    /// Whether the drives that were named were sealed before this run, and so take nothing.
    pub were_sealed: bool,
    /// How many more drives of how many bytes, like the largest named one.
    pub drives: Option<(usize, u64)>,
}

impl Shortage {
    /// What `missing` needs beside the drives that were named.
    pub fn of(missing: &FileList, named: &[NamedDrive], were_sealed: bool) -> Self {
        let sizes = named.iter().map(|named| named.drive.bytes);
        let drives = |bytes: u64| {
            let like = room(&Serial::new("DRIVE").ok()?, bytes).ok()?;
            count_drives(missing, &like).ok().map(|drives| (drives, bytes))
        };
        Shortage {
            files: missing.len(),
            bytes: missing.total_bytes(),
            were_sealed,
            drives: sizes.max().filter(|_| !missing.is_empty()).and_then(drives),
        }
    }

    /// In a sentence.
    pub fn text(&self) -> String {
        let wanted = self.drives.map_or(String::new(), |(drives, bytes)| {
            format!("; {} of {} would do", count(drives, "more drive"), ByteSize(bytes))
        });
        let files = count(self.files, "file");
        let why = match self.were_sealed {
            true => "are on no drive, and those that were named are sealed, so they take nothing",
            false => "found no room",
        };
        format!("{} in {files} {why}{wanted}", ByteSize(self.bytes))
    }
}
