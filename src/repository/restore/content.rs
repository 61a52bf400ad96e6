//! The content of files: compared with what is there, copied from it, or fetched from the
//! repository, blob by blob. Each blob is proven by its hash before it is written; zeros become
//! holes. Several threads work side by side, on at most so many blobs at a time.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use disk_prep::sys::discard::discard;
use disk_prep::sys::hold::hold;
use rustic_core::{DataId, Progress};

use super::super::error::Error;
use super::reading::{Location, Reader, Unread, is_named};

/// Threads that read, decrypt and write.
const THREADS: usize = 4;
/// Blobs that are planned at a time.
const MOST_PIECES: usize = 2048;
/// The most bytes of a pack that are read at once.
const MOST_RUN_BYTES: u64 = 8 << 20;
/// What lies between two blobs that are wanted is read with them up to so many bytes.
const MOST_GAP_BYTES: u64 = 256 << 10;
/// Zeros become holes in whole blocks of this size, the page of most file systems.
const BLOCK: usize = 4096;
static ZEROS: [u8; BLOCK] = [0; BLOCK];

/// A file whose content is to be there.
pub(super) struct Content<'a> {
    ids: &'a [DataId],
    bytes: u64,
    /// What is there already, to compare and to copy from.
    old: Option<File>,
    /// Whether what is there is the content, as far as it was compared.
    is_same: AtomicBool,
    draft: Option<Draft>,
    fault: Mutex<Option<Fault>>,
}

/// Where new content is written.
pub(super) struct Draft {
    pub file: File,
    /// Whether an earlier run wrote to it.
    pub is_used: bool,
}

/// Why a file's content is not there.
#[derive(Debug)]
pub(super) enum Fault {
    Damaged(String),
    Io(io::Error),
}

/// What ends a restore.
pub(super) enum Stopped {
    /// The disk is full; which of the files had no room.
    Full(usize),
    Ended(Error),
}

/// Whether there is no room left, for content or for names.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

impl<'a> Content<'a> {
    /// The content of these blobs, which has so many bytes; `old` is what is there, which may
    /// stay if it is the content.
    pub(super) fn new(ids: &'a [DataId], bytes: u64, old: Option<File>, may_stay: bool) -> Self {
        let length = old.as_ref().and_then(|old| old.metadata().ok()).map(|about| about.len());
        let is_same = AtomicBool::new(may_stay && length == Some(bytes));
        Content { ids, bytes, old, is_same, draft: None, fault: Mutex::default() }
    }

    /// What is there, if it is the content.
    pub(super) fn same(&self) -> Option<&File> {
        self.old.as_ref().filter(|_| self.is_same.load(Ordering::Relaxed))
    }

    /// Names the draft and gives it the content's length.
    pub(super) fn write_to(&mut self, draft: Draft) -> io::Result<()> {
        draft.file.set_len(self.bytes)?;
        self.draft = Some(draft);
        Ok(())
    }

    pub(super) fn draft(&self) -> Option<&File> {
        self.draft.as_ref().map(|draft| &draft.file)
    }

    /// Leaves the draft alone; it has no content.
    pub(super) fn give_up(&mut self) {
        self.draft = None;
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn take_fault(&self) -> Option<Fault> {
        hold(&self.fault).take()
    }

    fn fail(&self, fault: Fault) {
        let mut own = hold(&self.fault);
        own.get_or_insert(fault);
    }

    fn io_fault<T>(&self, of: impl FnOnce(&io::Error) -> T) -> Option<T> {
        match &*hold(&self.fault) {
            Some(Fault::Io(error)) => Some(of(error)),
            _ => None,
        }
    }

    /// Writes a stretch to the draft, zeros as holes.
    fn write(&self, offset: u64, data: &[u8]) {
        let Some(draft) = &self.draft else { return };
        let end = offset + data.len() as u64;
        // What an earlier run left there must not shine through.
        let is_hole = !draft.is_used || discard(&draft.file, offset..end).is_ok();
        let written = if is_hole {
            write_but_zeros(&draft.file, offset, data)
        } else {
            draft.file.write_all_at(data, offset)
        };
        if let Err(error) = written {
            self.fail(Fault::Io(error));
        }
    }
}

/// Writes whole blocks of the file that are not all zeros.
fn write_but_zeros(file: &File, offset: u64, data: &[u8]) -> io::Result<()> {
    let first = (BLOCK as u64 - offset % BLOCK as u64) as usize;
    let mut at = 0;
    let mut from = None;
    while at < data.len() {
        let end = (if at == 0 { first } else { at + BLOCK }).min(data.len());
        let is_zero = data[at..end] == ZEROS[..end - at];
        match (is_zero, from) {
            (false, None) => from = Some(at),
            (true, Some(start)) => {
                file.write_all_at(&data[start..at], offset + start as u64)?;
                from = None;
            }
            _ => {}
        }
        at = end;
    }
    match from {
        Some(start) => file.write_all_at(&data[start..], offset + start as u64),
        None => Ok(()),
    }
}

/// Where a blob of a file goes.
struct Piece {
    file: usize,
    offset: u64,
    id: DataId,
    at: Location,
}

/// A blob and everywhere it goes.
struct Wanted {
    id: DataId,
    at: Location,
    places: Vec<(usize, u64)>,
}

/// Compares, copies and fetches.
pub(super) struct Filler<'a> {
    pub reader: &'a Reader,
    pub progress: &'a Progress,
    /// Bytes that were written.
    pub written: AtomicU64,
}

impl Filler<'_> {
    /// How many bytes these blobs have together.
    pub(super) fn measure(&self, ids: &[DataId]) -> Result<u64, String> {
        ids.iter().map(|id| self.reader.locate(id).map(|at| u64::from(at.bytes))).sum()
    }

    /// Compares what is there, where its length is the right one, with the content.
    pub(super) fn compare(&self, files: &[Content<'_>]) {
        let mut cursor = Cursor::default();
        loop {
            let pieces = self.pieces(files, &mut cursor, |file| file.same().is_some());
            if pieces.is_empty() {
                return;
            }
            side_by_side(pieces.len(), &|number| {
                let (piece, file) = (&pieces[number], &files[pieces[number].file]);
                if let Some(old) = file.same() {
                    if read_named(old, piece).is_none() {
                        file.is_same.store(false, Ordering::Relaxed);
                    } else {
                        self.progress.inc(piece.at.bytes.into());
                    }
                }
            });
        }
    }

    /// Completes every draft. A file that cannot be completed has a fault afterwards.
    pub(super) fn fill(&self, files: &[Content<'_>]) -> Result<(), Stopped> {
        let mut cursor = Cursor::default();
        loop {
            let pieces = self.pieces(files, &mut cursor, |file| {
                file.draft.is_some() && file.io_fault(|_| ()).is_none()
            });
            if pieces.is_empty() {
                return Ok(());
            }
            let missing: Vec<AtomicBool> = pieces.iter().map(|_| AtomicBool::new(false)).collect();
            side_by_side(pieces.len(), &|number| {
                let piece = &pieces[number];
                let is_here = self.find_here(piece, &files[piece.file]);
                missing[number].store(!is_here, Ordering::Relaxed);
            });
            let missing = missing.iter().map(|own| own.load(Ordering::Relaxed));
            let missing = pieces.iter().zip(missing).filter_map(|(piece, is)| is.then_some(piece));
            self.fetch(missing.collect(), files)?;
            let full = |file: &Content<'_>| file.io_fault(is_full) == Some(true);
            if let Some(number) = files.iter().position(full) {
                return Err(Stopped::Full(number));
            }
        }
    }

    /// The next blobs of the files that are meant.
    fn pieces(
        &self,
        files: &[Content<'_>],
        cursor: &mut Cursor,
        is_meant: impl Fn(&Content<'_>) -> bool,
    ) -> Vec<Piece> {
        let mut pieces = Vec::new();
        while let Some(file) = files.get(cursor.file) {
            let next = file.ids.get(cursor.blob).filter(|_| is_meant(file));
            let Some(id) = next else {
                *cursor = Cursor { file: cursor.file + 1, ..Cursor::default() };
                continue;
            };
            if pieces.len() == MOST_PIECES {
                break;
            }
            // Measured before, so it is known.
            if let Ok(at) = self.reader.locate(id) {
                pieces.push(Piece { file: cursor.file, offset: cursor.offset, id: *id, at });
                cursor.offset += u64::from(at.bytes);
            }
            cursor.blob += 1;
        }
        pieces
    }

    /// Whether a blob is in the draft already, or could be copied from what is there.
    fn find_here(&self, piece: &Piece, file: &Content<'_>) -> bool {
        let bytes = u64::from(piece.at.bytes);
        if let Some(draft) = file.draft.as_ref().filter(|draft| draft.is_used)
            && read_named(&draft.file, piece).is_some()
        {
            self.progress.inc(bytes);
            return true;
        }
        let Some(data) = file.old.as_ref().and_then(|old| read_named(old, piece)) else {
            return false;
        };
        file.write(piece.offset, &data);
        self.note(bytes);
        true
    }

    fn note(&self, bytes: u64) {
        self.progress.inc(bytes);
        self.written.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Fetches blobs in the order of packs, and each only once.
    fn fetch(&self, mut pieces: Vec<&Piece>, files: &[Content<'_>]) -> Result<(), Stopped> {
        pieces.sort_by_key(|piece| (piece.at, piece.id));
        let mut wanted: Vec<Wanted> = Vec::new();
        for Piece { file, offset, id, at } in pieces {
            match wanted.last_mut() {
                Some(last) if last.id == *id => last.places.push((*file, *offset)),
                _ => wanted.push(Wanted { id: *id, at: *at, places: vec![(*file, *offset)] }),
            }
        }
        let runs: Vec<&[Wanted]> = wanted.chunk_by(continues(MOST_RUN_BYTES)).collect();
        let failed = Mutex::new(Vec::new());
        side_by_side(runs.len(), &|number| {
            let again = self.fetch_run(runs[number], files);
            hold(&failed).extend(again);
        });
        for one in std::mem::take(&mut *hold(&failed)) {
            self.fetch_alone(one, files)?;
        }
        Ok(())
    }

    /// Fetches blobs that lie side by side; returns those that could not be had.
    fn fetch_run<'w>(&self, run: &'w [Wanted], files: &[Content<'_>]) -> Vec<&'w Wanted> {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { return Vec::new() };
        let length = last.at.offset + last.at.length - first.at.offset;
        let ahead = self.reader.ahead();
        let loaded = (run.len() > 1).then(|| ahead.load(first.at.pack, first.at.offset, length));
        if matches!(loaded, Some(Err(_))) {
            return run.iter().collect();
        }
        let mut failed = Vec::new();
        for wanted in run {
            match self.reader.try_data(&wanted.id) {
                Some(data) if data.len() == wanted.at.bytes as usize => {
                    self.place(wanted, &data, files);
                }
                _ => failed.push(wanted),
            }
        }
        failed
    }

    /// Tries a blob once more, when nobody else reads.
    fn fetch_alone(&self, wanted: &Wanted, files: &[Content<'_>]) -> Result<(), Stopped> {
        let why = match self.reader.data(&wanted.id) {
            Ok(data) if data.len() == wanted.at.bytes as usize => {
                self.place(wanted, &data, files);
                return Ok(());
            }
            Ok(_) => "the index of the repository gives a blob another length".to_owned(),
            Err(Unread::Damaged(why)) => why,
            Err(Unread::Ended(error)) => return Err(Stopped::Ended(error)),
        };
        for (file, _) in &wanted.places {
            files[*file].fail(Fault::Damaged(why.clone()));
        }
        Ok(())
    }

    fn place(&self, wanted: &Wanted, data: &[u8], files: &[Content<'_>]) {
        for (file, offset) in &wanted.places {
            files[*file].write(*offset, data);
            self.note(data.len() as u64);
        }
    }
}

#[derive(Default)]
struct Cursor {
    file: usize,
    blob: usize,
    offset: u64,
}

/// Whether the second blob is read with the first: it lies behind it, close by, and all that is
/// read at once stays small.
fn continues(most: u64) -> impl FnMut(&Wanted, &Wanted) -> bool {
    let mut start: Option<(Location, u64)> = None;
    move |one, other| {
        let end = |at: &Location| u64::from(at.offset) + u64::from(at.length);
        let first = match start {
            Some((last, first)) if last == one.at => first,
            _ => u64::from(one.at.offset),
        };
        let gap = u64::from(other.at.offset).checked_sub(end(&one.at));
        let is_close = gap.is_some_and(|gap| gap <= MOST_GAP_BYTES);
        let goes_on = one.at.pack == other.at.pack && is_close && end(&other.at) - first <= most;
        start = goes_on.then_some((other.at, first));
        goes_on
    }
}

/// The bytes of a file where a blob belongs, if they are the blob.
fn read_named(file: &File, piece: &Piece) -> Option<Vec<u8>> {
    let end = piece.offset.checked_add(piece.at.bytes.into())?;
    if file.metadata().ok()?.len() < end {
        return None;
    }
    let mut data = vec![0; piece.at.bytes as usize];
    file.read_exact_at(&mut data, piece.offset).ok()?;
    is_named(&data, &piece.id).then_some(data)
}

/// Calls `work` for each number below `count`, on several threads. If a thread cannot be made,
/// fewer do.
fn side_by_side(count: usize, work: &(dyn Fn(usize) + Sync)) {
    let next = AtomicUsize::new(0);
    let run = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            work(number);
        }
    };
    thread::scope(|scope| {
        for _ in 1..THREADS.min(count) {
            let made = thread::Builder::new().name("restore".to_owned()).spawn_scoped(scope, run);
            if let Err(error) = made {
                tracing::debug!("one thread fewer: {error}");
            }
        }
        run();
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::os::unix::fs::MetadataExt;

    fn at(pack: u8, offset: u32, length: u32) -> Wanted {
        let at = Location { pack: rustic_core::Id::new([pack; 32]), offset, length, bytes: length };
        Wanted { id: DataId::from(rustic_core::Id::new([pack; 32])), at, places: Vec::new() }
    }

    #[test]
    fn blobs_side_by_side_are_read_at_once_within_bounds() {
        let gap = MOST_GAP_BYTES as u32;
        let wanted = [
            at(1, 0, 400),
            at(1, 400, 400),
            at(1, 800 + gap, 200),
            at(1, 1001 + 2 * gap, 100),
            at(2, 1200 + 2 * gap, 100),
            at(2, 1100 + 2 * gap, 50),
        ];
        let runs: Vec<usize> =
            wanted.chunk_by(continues(MOST_RUN_BYTES)).map(<[Wanted]>::len).collect();
        assert_eq!(runs, [3, 1, 1, 1]);
        let wanted = [at(1, 0, 400), at(1, 400, 400), at(1, 800, 300), at(1, 1100, 700)];
        let runs: Vec<usize> = wanted.chunk_by(continues(1000)).map(<[Wanted]>::len).collect();
        assert_eq!(runs, [2, 2], "the bound counts from the first of a run");
    }

    #[test]
    fn zeros_are_not_written_and_all_else_is_wherever_it_begins() {
        let mut data = vec![0; 5 * BLOCK];
        data[2 * BLOCK + 7] = 1;
        data[5 * BLOCK - 1] = 2;
        for offset in [0, 1, 4095, 4096, 5000] {
            let file = tempfile::tempfile().unwrap();
            file.set_len(offset + data.len() as u64).unwrap();
            write_but_zeros(&file, offset, &data).unwrap();
            let mut read = vec![9; data.len()];
            file.read_exact_at(&mut read, offset).unwrap();
            assert!(read == data, "at {offset}");
            let used = file.metadata().unwrap().blocks() * 512;
            assert!(used <= 4 * BLOCK as u64, "{used} bytes at {offset}");
        }
    }

    #[test]
    fn what_an_earlier_run_left_does_not_shine_through() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&[7; 40_000], 0).unwrap();
        let mut content = Content::new(&[], 30_000, None, false);
        content.write_to(Draft { file: file.try_clone().unwrap(), is_used: true }).unwrap();
        content.write(10_000, &[0; 20_000]);
        let mut read = vec![1; 30_000];
        file.read_exact_at(&mut read, 0).unwrap();
        assert!(read[..10_000] == [7; 10_000] && read[10_000..] == [0; 20_000]);
        assert_eq!(file.metadata().unwrap().len(), 30_000);
    }

    #[test]
    fn every_number_is_worked_on_once() {
        let seen = Mutex::new(BTreeSet::new());
        side_by_side(1000, &|number| assert!(seen.lock().unwrap().insert(number)));
        assert_eq!(seen.into_inner().unwrap().len(), 1000);
        side_by_side(0, &|_| panic!("nothing to do"));
    }
}
