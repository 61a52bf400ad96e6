//! What compression would make of the sources, by a look at a few pieces that lie evenly among all
//! their bytes. It reads no more than these, however large the sources are, and writes nothing. What
//! the repository saves beyond compression, by holding equal pieces once, is not in it.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::OFlags;

use super::backup::BackupPlan;
use super::error::Error;
use super::filter::Filter;

/// Pieces that are looked at, at most.
const PIECES: u64 = 256;
/// Bytes of a piece, at most.
const PIECE_BYTES: u64 = 256 << 10;
/// Parts of a whole.
const WHOLE: u64 = 1000;

/// What a look at a few pieces has shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sample {
    /// Pieces that were compressed.
    pub pieces: u64,
    /// Bytes that were read.
    pub read_bytes: u64,
    /// Pieces that could not be read.
    pub unread: u64,
    /// What is left of each piece, in thousandths, added up.
    left: u64,
}

impl Sample {
    /// What is left, in thousandths; all of it if nothing was seen.
    pub fn thousandths(&self) -> u64 {
        self.left.checked_div(self.pieces).map_or(WHOLE, |left| left.min(WHOLE))
    }

    /// What so many bytes may become.
    pub fn of(&self, bytes: u64) -> u64 {
        let left = u128::from(bytes) * u128::from(self.thousandths()) / u128::from(WHOLE);
        u64::try_from(left).unwrap_or(bytes)
    }

    fn add(&mut self, piece: io::Result<(u64, u64)>) {
        match piece {
            Ok((0, _)) => {}
            Ok((read, packed)) => {
                self.pieces += 1;
                self.read_bytes += read;
                self.left += packed.min(read) * WHOLE / read;
            }
            Err(_) => self.unread += 1,
        }
    }
}

/// Walks the sources of a plan, whose bytes are known, and compresses a few pieces of their files.
pub fn sample(plan: &BackupPlan, level: i32) -> Result<Sample, Error> {
    let filter = Arc::new(Filter::new(&plan.choice, &plan.never)?);
    let stride = (plan.bytes / PIECES).max(PIECE_BYTES);
    // The first piece lies in the middle of its stretch.
    let (mut seen, mut next, mut sample) = (0_u64, stride / 2, Sample::default());
    for path in plan.sources.iter().filter(|path| filter.takes(path, path.is_dir())) {
        for entry in filter.walk(path).flatten() {
            let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
            let Some(about) = entry.metadata().ok().filter(|_| is_file) else { continue };
            let end = seen.saturating_add(about.len());
            while next < end {
                sample.add(piece(entry.path(), next - seen, level));
                next = next.saturating_add(stride);
            }
            seen = end;
        }
    }
    // Where all is smaller than half a stretch.
    if sample.pieces == 0 {
        sample.add(first(plan, &filter, level));
    }
    Ok(sample)
}

/// The first piece of the first file that has any.
fn first(plan: &BackupPlan, filter: &Arc<Filter>, level: i32) -> io::Result<(u64, u64)> {
    let mut entries = plan.sources.iter().flat_map(|path| filter.walk(path).flatten());
    let is_some = |entry: &ignore::DirEntry| {
        entry.metadata().is_ok_and(|about| about.is_file() && about.len() > 0)
    };
    entries.find(is_some).map_or(Ok((0, 0)), |entry| piece(entry.path(), 0, level))
}

/// How many bytes stand at this place of a file, and what compression makes of them.
fn piece(path: &Path, at: u64, level: i32) -> io::Result<(u64, u64)> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    let mut bytes = vec![0; usize::try_from(PIECE_BYTES).unwrap_or(usize::MAX)];
    let mut read = 0;
    while read < bytes.len() {
        match file.read_at(&mut bytes[read..], at + read as u64)? {
            0 => break,
            more => read += more,
        }
    }
    let packed = zstd::bulk::compress(&bytes[..read], level)?;
    Ok((read as u64, packed.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(folder: &Path, bytes: u64) -> BackupPlan {
        BackupPlan { sources: vec![folder.to_owned()], bytes, ..BackupPlan::default() }
    }

    #[test]
    fn what_is_left_is_told_by_pieces_of_all_files_and_no_more_is_read() {
        let folder = tempfile::tempdir().unwrap();
        // A quarter that compression makes nothing of, three that it makes nothing of it.
        let mut state = 7_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .take(40 << 20)
        .collect();
        std::fs::write(folder.path().join("noise"), noise).unwrap();
        let zeros = File::create(folder.path().join("zeros")).unwrap();
        zeros.set_len(120 << 20).unwrap();
        let seen = sample(&plan(folder.path(), 160 << 20), 3).unwrap();
        assert!((240..260).contains(&seen.thousandths()), "{seen:?}");
        assert!(seen.pieces == PIECES && seen.read_bytes <= PIECES * PIECE_BYTES, "{seen:?}");
        assert!((38 << 20..42 << 20).contains(&seen.of(160 << 20)));
    }

    #[test]
    fn of_small_sources_something_is_seen_and_of_nothing_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let none = sample(&plan(folder.path(), 0), 3).unwrap();
        assert_eq!((none.pieces, none.thousandths(), none.of(7)), (0, 1000, 7));
        std::fs::write(folder.path().join("text"), "text ".repeat(400)).unwrap();
        let some = sample(&plan(folder.path(), 2000), 3).unwrap();
        assert!(some.pieces == 1 && some.thousandths() < 100, "{some:?}");
    }
}
