//! Times as NTFS keeps them: 100 ns since 1601 (`ntfs-write-once` 1).

/// A Windows FILETIME.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct FileTime(pub u64);

impl FileTime {
    /// From nanoseconds since 1970; what lies before 1601 or beyond the format becomes its edge.
    pub fn from_unix_nanos(nanos: i128) -> Self {
        let ticks = nanos.div_euclid(100) + 116_444_736_000_000_000;
        FileTime(ticks.clamp(0, i64::MAX.into()) as u64)
    }
}

/// The four times of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileTimes {
    /// When it was made.
    pub created: FileTime,
    /// When its data changed.
    pub modified: FileTime,
    /// When its record changed.
    pub changed: FileTime,
    /// When it was read.
    pub accessed: FileTime,
}

impl From<FileTime> for FileTimes {
    fn from(time: FileTime) -> Self {
        FileTimes { created: time, modified: time, changed: time, accessed: time }
    }
}

impl FileTimes {
    /// The 32 bytes in the order of the format.
    pub(super) fn bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let times = [self.created, self.modified, self.changed, self.accessed];
        for (slot, time) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(times) {
            *slot = time.0.to_le_bytes();
        }
        bytes
    }
}
