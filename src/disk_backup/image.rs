//! A point becomes an image file: sparse, and gone on with where a run was killed. Until it is whole
//! it lies beside its name as `.part`, with a note of which point it is and how far it is.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use disk_prep::sys::durable::{self, Access};
use rustix::fs::{CWD, OFlags, RenameFlags};
use rustix::process::geteuid;
use serde::{Deserialize, Serialize};

use super::compare::{block, block_of, length, sweep};
use super::error::Error;
use super::listing::{Spans, listed};
use super::pages::{AT_ONCE, read};
use super::points::DiskPoint;
use super::ranges::{Span, Work, works};
use super::record::Verify;
use super::table::{NOTHING, Table, block_count, sum};
use super::watch::Watch;
use crate::azure::{PageBlob, each};

/// Works between two notes of how far it is.
const WORKS_A_NOTE: usize = 32;
/// What holds nothing in so many bytes stays a hole.
const HOLE_BYTES: usize = 4096;
const FORM: u32 = 1;
/// A note has a few hundred bytes.
const NOTE_BYTES: u64 = 64 << 10;

/// What becomes which file.
#[derive(Debug)]
pub struct ImageFile<'a> {
    /// The point.
    pub point: &'a DiskPoint,
    /// The copy that has it.
    pub copy: &'a Arc<dyn PageBlob>,
    /// The file.
    pub path: &'a Path,
    /// What is read back.
    pub verify: Verify,
}

/// An image that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeImage {
    /// Bytes that this run read of the point.
    pub read_bytes: u64,
    /// Bytes that this run wrote into the file.
    pub written_bytes: u64,
    /// Bytes that were read back and compared; none if that was not asked for.
    pub proven_bytes: Option<u64>,
    /// Whether it was whole before.
    pub was_there: bool,
}

/// How far a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    version: u32,
    /// The copy's address.
    copy: String,
    /// The point's snapshot.
    snapshot: String,
    bytes: u64,
    /// All before is in the file.
    done_bytes: u64,
    /// The file's number in its file system; none before it is made.
    #[serde(default)]
    inode: Option<u64>,
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

fn at(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Image { path: path.clone(), source }
}

/// Opens a plain file, if it is there. A link would lead elsewhere, and a pipe would keep us waiting:
/// what else is there is left alone.
fn plain(path: &Path, is_written: bool) -> Result<Option<File>, Error> {
    let there = || Error::ImageThere { path: path.to_owned() };
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    match File::options().read(true).write(is_written).custom_flags(flags).open(path) {
        Ok(file) if file.metadata().map_err(at(path))?.is_file() => Ok(Some(file)),
        Ok(_) => Err(there()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(_) if path.symlink_metadata().is_ok_and(|own| !own.is_file()) => Err(there()),
        Err(error) => Err(at(path)(error)),
    }
}

/// The same of one that has to be there.
fn present(path: &Path) -> Result<File, Error> {
    plain(path, false)?.ok_or_else(|| at(path)(io::ErrorKind::NotFound.into()))
}

/// What lies beside a file that is being made; `None` if nothing does.
fn read_note(path: &Path) -> Result<Option<Note>, Error> {
    let Some(file) = plain(path, false)? else { return Ok(None) };
    let mut text = Vec::new();
    file.take(NOTE_BYTES).read_to_end(&mut text).map_err(at(path))?;
    let damaged = |source| Error::ImageNote { path: path.to_owned(), source };
    serde_json::from_slice(&text).map(Some).map_err(damaged)
}

/// The snapshot of the point that a file was begun with and is not whole with. What cannot be
/// read is told by who goes on with it.
pub fn file_begun_with(path: &Path) -> Option<String> {
    let note = read_note(&beside(path, ".part.json")).ok()??;
    Some(note.snapshot)
}

impl ImageFile<'_> {
    /// Makes it.
    pub fn make(&self, watch: &dyn Watch) -> Result<MadeImage, Error> {
        let (part, note_path) = (beside(self.path, ".part"), beside(self.path, ".part.json"));
        let begun = self.begun(&note_path)?;
        let is_resumed = begun.is_some();
        let is_there = |path: &Path| path.symlink_metadata().is_ok();
        match (is_there(self.path), is_there(&part)) {
            (false, is_begun) if is_resumed || !is_begun => {}
            // It was renamed, and the run was killed before its note went.
            (true, false) if is_resumed => {
                durable::remove(&note_path).map_err(at(&note_path))?;
                return self.ended((0, 0), true, watch);
            }
            (true, _) => return self.whole(watch),
            (false, _) => return Err(Error::ImageThere { path: part }),
        }
        let mut note = begun.unwrap_or_else(|| self.note());
        self.keep(&note_path, &note)?;
        let file = self.part(&part, &mut note)?;
        self.keep(&note_path, &note)?;
        let counts = self.fill(&file, (&part, &note_path), &mut note, watch)?;
        file.sync_all().map_err(at(&part))?;
        let renamed = rustix::fs::renameat_with(CWD, &part, CWD, self.path, RenameFlags::NOREPLACE);
        renamed.map_err(|errno| at(self.path)(errno.into()))?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        durable::sync_folder(folder).map_err(at(folder))?;
        durable::remove(&note_path).map_err(at(&note_path))?;
        self.ended(counts, false, watch)
    }

    /// The file that is filled. One that is not what the note speaks of holds nothing of the point.
    fn part(&self, path: &Path, note: &mut Note) -> Result<File, Error> {
        let there = plain(path, true)?;
        let (is_new, file) = match there {
            Some(file) => (false, file),
            None => (true, durable::create_new(path, Access::Private).map_err(at(path))?),
        };
        let about = file.metadata().map_err(at(path))?;
        let is_other = note.inode.is_some_and(|inode| inode != about.ino());
        // It has one name, which nobody else has given it.
        let is_ours = about.nlink() == 1 && about.uid() == geteuid().as_raw();
        if !is_new && (is_other || !is_ours) {
            return Err(Error::ImageThere { path: path.to_owned() });
        }
        if is_new || note.inode.is_none() || about.len() != self.point.bytes {
            note.done_bytes = 0;
            // What it held would stay where the point holds nothing.
            file.set_len(0).map_err(at(path))?;
            file.set_len(self.point.bytes).map_err(at(path))?;
        }
        note.inode = Some(about.ino());
        Ok(file)
    }

    /// A file that is there already: a run that was killed at its very end, or one that has ended, has
    /// made it, if it is the point. Any other is left alone.
    fn whole(&self, watch: &dyn Watch) -> Result<MadeImage, Error> {
        let there = || Error::ImageThere { path: self.path.to_owned() };
        let own = self.path.symlink_metadata().map_err(at(self.path))?;
        if !own.is_file() || own.len() != self.point.bytes {
            return Err(there());
        }
        match self.prove(watch) {
            Ok(bytes) => Ok(MadeImage {
                read_bytes: 0,
                written_bytes: 0,
                proven_bytes: Some(bytes),
                was_there: true,
            }),
            Err(Error::ReadBack { .. }) => Err(there()),
            Err(error) => Err(error),
        }
    }

    fn note(&self) -> Note {
        let (copy, snapshot) = (self.copy.address(), self.point.backup_snapshot.clone());
        Note { version: FORM, copy, snapshot, bytes: self.point.bytes, done_bytes: 0, inode: None }
    }

    /// How far a run before is, if it was with this point.
    fn begun(&self, path: &Path) -> Result<Option<Note>, Error> {
        let Some(note) = read_note(path)? else { return Ok(None) };
        let Note { done_bytes, inode, .. } = note;
        let own = Note { done_bytes, inode, ..self.note() };
        match note == own {
            true => Ok(Some(note)),
            false => {
                let (path, snapshot) = (self.path.to_owned(), note.snapshot);
                Err(Error::ImageBegun { path, snapshot })
            }
        }
    }

    fn keep(&self, path: &Path, note: &Note) -> Result<(), Error> {
        let text = serde_json::to_vec(note).expect("texts and numbers can be written");
        durable::write(path, &text, Access::Private).map_err(at(path))
    }

    /// Fills it from where the note is; what was read and written.
    fn fill(
        &self,
        file: &File,
        (part, note_path): (&Path, &Path),
        note: &mut Note,
        watch: &dyn Watch,
    ) -> Result<(u64, u64), Error> {
        let (read_bytes, written_bytes) = (AtomicU64::new(0), AtomicU64::new(0));
        let snapshot = self.point.backup_snapshot.as_str();
        let begin = note.done_bytes;
        listed(self.copy.as_ref(), Some(snapshot), None, self.point.bytes, |ranges| {
            let all = works(ranges);
            let left: Vec<Span> = all.iter().map(span).filter(|own| own.1 > begin).collect();
            for some in left.chunks(WORKS_A_NOTE) {
                each(some, AT_ONCE, |own| {
                    let content = read(self.copy.as_ref(), Some(snapshot), *own)?;
                    let written = put(file, own.0, &content).map_err(at(part))?;
                    read_bytes.fetch_add(own.1 - own.0, Ordering::Relaxed);
                    written_bytes.fetch_add(written, Ordering::Relaxed);
                    watch.sent(own.1 - own.0)
                })?;
                file.sync_data().map_err(at(part))?;
                note.done_bytes = some.last().map_or(note.done_bytes, |own| own.1);
                self.keep(note_path, note)?;
            }
            Ok(())
        })?;
        Ok((read_bytes.into_inner(), written_bytes.into_inner()))
    }

    fn ended(
        &self,
        (read_bytes, written_bytes): (u64, u64),
        was_there: bool,
        watch: &dyn Watch,
    ) -> Result<MadeImage, Error> {
        let proven_bytes = match self.verify {
            Verify::Full => Some(self.prove(watch)?),
            Verify::None | Verify::Changed => None,
        };
        Ok(MadeImage { read_bytes, written_bytes, proven_bytes, was_there })
    }

    /// Reads both, all of them.
    fn prove(&self, watch: &dyn Watch) -> Result<u64, Error> {
        let file = present(self.path)?;
        let side = (self.copy.as_ref(), Some(self.point.backup_snapshot.as_str()));
        let bytes = length(side)?;
        let look = || {
            let mut spans = Spans::written(side, bytes)?;
            Ok(move |_: usize, span: Span| spans.extent(span.1).map(Some))
        };
        sweep(bytes, None, look, |_, span, written| {
            let theirs = block(side, span, *written)?;
            let mut own = vec![0; theirs.len()];
            file.read_exact_at(&mut own, span.0).map_err(at(self.path))?;
            if sum(&own) != sum(&theirs) {
                let blob = self.path.display().to_string();
                return Err(Error::ReadBack { blob, offset: span.0 });
            }
            watch.looked(span.1 - span.0)
        })?;
        Ok(bytes)
    }
}

/// Compares an image file with the digest table of its point, which says what the disk was.
pub fn check_image(made: &ImageFile<'_>, table: &Table, watch: &dyn Watch) -> Result<(), Error> {
    let ImageFile { point, copy, path, .. } = made;
    let differs = |offset| Error::PointDiffers {
        snapshot: point.source_snapshot.clone(),
        blob: copy.address(),
        path: path.to_path_buf(),
        offset,
    };
    if table.bytes() != point.bytes {
        return Err(differs(table.bytes().min(point.bytes)));
    }
    let file = present(path)?;
    for number in 0..block_count(point.bytes) {
        let span = block_of(number, point.bytes);
        let mut own = vec![0; usize::try_from(span.1 - span.0).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut own, span.0).map_err(at(path))?;
        if sum(&own) != *table.blocks().get(number).unwrap_or(&NOTHING) {
            return Err(differs(span.0));
        }
        watch.looked(span.1 - span.0)?;
    }
    Ok(())
}

fn span(work: &Work) -> Span {
    match work {
        Work::Clear(span) | Work::Write { whole: span, .. } => *span,
    }
}

/// Writes what holds something, in stretches as long as may be, and how much that is.
fn put(file: &File, start: u64, content: &[u8]) -> io::Result<u64> {
    let pieces: Vec<&[u8]> = content.chunks(HOLE_BYTES).collect();
    let is_hole = |piece: &[u8]| piece.iter().all(|byte| *byte == 0);
    let mut written = 0;
    let mut at = start;
    for alike in pieces.chunk_by(|one, other| is_hole(one) == is_hole(other)) {
        let bytes = alike.iter().map(|piece| piece.len()).sum::<usize>();
        if !alike.first().is_none_or(|piece| is_hole(piece)) {
            file.write_all_at(&alike.concat(), at)?;
            written += bytes as u64;
        }
        at += bytes as u64;
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_nothing_stays_a_hole() {
        let mut file = tempfile::tempfile().unwrap();
        let mut content = vec![0; 5 * HOLE_BYTES + 512];
        content[HOLE_BYTES + 7] = 1;
        content[5 * HOLE_BYTES] = 2;
        file.set_len(1 << 20).unwrap();
        assert_eq!(put(&file, 8192, &content).unwrap(), HOLE_BYTES as u64 + 512);
        let mut found = Vec::new();
        io::Read::read_to_end(&mut file, &mut found).unwrap();
        assert_eq!(found[8192..8192 + content.len()], content);
        assert_eq!(found.iter().filter(|byte| **byte != 0).count(), 2);
    }
}
