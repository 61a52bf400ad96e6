//! A worker takes work from the queue, brings it into memory, hashes it, encrypts it and hands it
//! to the writer. It touches no device. Short segments share a batch; a long one is a stream of
//! batches that can be resumed between any two.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};

use super::batch::Batch;
use super::batch_load::{Ahead, BatchLoad};
use super::fault::Fault;
use super::hall::Member;
use super::options::FillOptions;
use super::pass::Pass;
use super::source::{Root, Source};
use super::stream::FileStream;
use super::target::Target;
use crate::dataset::DataFile;
use crate::hash::{FileDigests, FileHasher};
use crate::journal::{Copied, FileEnd, FileRecord, Finished, LeftOut, Stream, StreamMark};
use crate::sys::beneath::named;
use crate::sys::hold::hold;

/// A share of the pass for one worker at a time.
#[derive(Debug, PartialEq, Eq)]
enum Work {
    /// Segments that fit in one batch together.
    Short(Vec<usize>),
    /// One segment that does not.
    Long(usize),
}

/// The segments that are not on the medium yet, ascending.
pub struct Queue<'a>(Mutex<Peekable<Box<dyn Iterator<Item = usize> + Send + 'a>>>);

impl<'a> Queue<'a> {
    /// All these segments, none of which is asked for before its turn.
    pub fn new(segments: impl Iterator<Item = usize> + Send + 'a) -> Self {
        let segments: Box<dyn Iterator<Item = usize> + Send + 'a> = Box::new(segments);
        Queue(Mutex::new(segments.peekable()))
    }

    fn next(
        &self,
        pass: &Pass<'_>,
        options: &FillOptions,
        begun: &BTreeMap<u64, Stream>,
    ) -> Option<Work> {
        let room = options.batch_bytes as u64;
        let mut left = hold(&self.0);
        let is_long =
            |number: usize| pass.bytes(number) > room || begun.contains_key(&(number as u64));
        let first = left.next()?;
        if is_long(first) {
            return Some(Work::Long(first));
        }
        let mut bytes = pass.bytes(first);
        let mut short = vec![first];
        while let Some(&next) = left.peek() {
            let is_full = short.len() >= options.batch_files || bytes + pass.bytes(next) > room;
            if is_full || is_long(next) {
                break;
            }
            bytes += pass.bytes(next);
            short.push(next);
            left.next();
        }
        Some(Work::Short(short))
    }
}

/// What a worker works with.
pub struct Worker<'a, 'q> {
    pub number: usize,
    /// Batches that it has made so far.
    pub made: Cell<usize>,
    pub pass: &'a Pass<'a>,
    pub root: &'a Root<'a>,
    pub target: &'a Target<'a>,
    pub options: &'a FillOptions,
    pub begun: &'a BTreeMap<u64, Stream>,
    pub queue: &'a Queue<'q>,
    pub abort: &'a AtomicBool,
    pub empty: Receiver<Batch>,
    pub full: SyncSender<Result<Batch, Fault>>,
    pub member: Member<'a, BatchLoad>,
    pub ahead: Ahead,
}

/// Files of a batch with their digests so far, and where their bytes lie in it.
type Feeds = Vec<(FileHasher, Range<usize>)>;

/// Why a worker ends before its work is done.
enum End {
    /// The writer is gone; it knows why.
    Unheard,
    /// Something to tell the writer.
    Failed(Fault),
}

impl<F: Into<Fault>> From<F> for End {
    fn from(fault: F) -> Self {
        End::Failed(fault.into())
    }
}

impl Worker<'_, '_> {
    /// Works until the queue is empty, somebody asks to stop, or something fails.
    pub fn run(self) {
        if let Err(End::Failed(fault)) = self.work() {
            // If nobody listens, the writer has failed already and says so itself.
            let _ = self.full.send(Err(fault));
        }
    }

    fn work(&self) -> Result<(), End> {
        while let Some(work) = self.queue.next(self.pass, self.options, self.begun) {
            match work {
                Work::Short(segments) => self.short(&segments)?,
                Work::Long(number) => self.long(number)?,
            }
        }
        Ok(())
    }

    fn batch(&self) -> Result<Batch, End> {
        self.options.stop.check()?;
        if self.abort.load(Ordering::Relaxed) {
            return Err(End::Unheard);
        }
        match self.empty.try_recv() {
            Ok(batch) => Ok(batch),
            // Another one only if all are on their way: what was just written is near to the CPU,
            // and a fast drive needs few.
            Err(TryRecvError::Empty) if self.made.get() < self.options.batches_per_worker => {
                self.made.update(|made| made + 1);
                Ok(Batch::new(self.number, self.options.batch_bytes))
            }
            Err(TryRecvError::Empty) => {
                self.member.away(|| self.empty.recv()).map_err(|_| End::Unheard)
            }
            Err(TryRecvError::Disconnected) => Err(End::Unheard),
        }
    }

    fn hand_over(&self, mut batch: Batch) -> Result<(), End> {
        batch.encrypt(self.target.cipher);
        self.ahead.ready();
        self.full.send(Ok(batch)).map_err(|_| End::Unheard)
    }

    /// Hashes files in the hall.
    fn digest(&self, batch: Batch, files: Feeds) -> (Batch, Feeds) {
        let load = BatchLoad { batch, files, ahead: self.ahead.clone() };
        let BatchLoad { batch, files, .. } = self.member.digest(load);
        (batch, files)
    }

    fn short(&self, segments: &[usize]) -> Result<(), End> {
        let mut batch = self.batch()?;
        let (mut files, mut ends) = (Vec::new(), Vec::new());
        for &number in segments {
            let begin = batch.plain().len();
            let room = batch.take(self.pass, number, 0, self.pass.bytes(number));
            let Some((_, file)) = self.pass.file(number) else {
                self.pass.fill(number, 0, room);
                ends.push(None);
                continue;
            };
            let file = &file.unpack();
            let (data, padding) = room.split_at_mut(file.bytes as usize);
            padding.fill(0);
            ends.push(match read_whole(self.root, file, data) {
                Ok(()) => {
                    files.push((FileHasher::new(), begin..begin + data.len()));
                    None
                }
                Err(why) => {
                    data.fill(0);
                    Some(self.leave_out(file, why)?)
                }
            });
        }
        let (mut batch, files) = self.digest(batch, files);
        let mut digests = files.into_iter().map(|(hasher, _)| hasher.finish());
        for (&number, end) in segments.iter().zip(ends) {
            let file = self.pass.file(number).and_then(|(index, file)| {
                let copied = |end: FileDigests| Copied::new(end.md5, end.sha256, end.blocks);
                let end = end.or_else(|| Some(FileEnd::Copied(copied(digests.next()?))))?;
                Some(record(index, file.bytes(), file.modified_ns(), end))
            });
            batch.finished.push(Finished { segment: number as u64, file });
        }
        self.hand_over(batch)
    }

    fn long(&self, number: usize) -> Result<(), End> {
        let segment = number as u64;
        let begun = self.begun.get(&segment);
        let total = self.pass.bytes(number);
        let mut at = begun.map_or(0, |stream| stream.done_bytes);
        let planned = self.pass.file(number).map(|(index, file)| (index, file.unpack()));
        let open = |(_, file)| FileStream::open(self.root, file, begun);
        let mut file = planned.as_ref().map(|(index, file)| (index, file)).map(open);
        while at < total {
            let mut batch = self.batch()?;
            let bytes = (total - at).min(self.options.batch_bytes as u64);
            let mut mark = StreamMark::new(segment, at + bytes);
            match &mut file {
                None => {
                    self.pass.fill(number, at, batch.take(self.pass, number, at, bytes));
                }
                Some(stream) => batch = self.go_on(stream, number, at, batch, &mut mark)?,
            }
            at += bytes;
            if at < total {
                batch.mark = Some(mark);
            } else {
                let file = match (file.take(), &planned) {
                    (Some(stream), Some((index, file))) => {
                        let end = match stream.finish() {
                            Ok(copied) => FileEnd::Copied(copied),
                            Err(why) => self.leave_out(file, why)?,
                        };
                        Some(record(*index, file.bytes, file.modified_ns, end))
                    }
                    _ => None,
                };
                batch.finished.push(Finished { segment, file });
            }
            self.hand_over(batch)?;
        }
        Ok(())
    }

    /// Reads the next bytes of a long file into an empty batch and hashes them.
    fn go_on(
        &self,
        stream: &mut FileStream<'_>,
        number: usize,
        at: u64,
        mut batch: Batch,
        mark: &mut StreamMark,
    ) -> Result<Batch, End> {
        let bytes = mark.done_bytes - at;
        let data = stream.read(at, batch.take(self.pass, number, at, bytes));
        let files = vec![(stream.hasher(), 0..data)];
        let (batch, files) = self.digest(batch, files);
        files.into_iter().for_each(|(hasher, _)| stream.advanced(hasher, mark));
        if let Some(why) = stream.fault() {
            self.leave_out(stream.planned(), why.clone())?;
        }
        Ok(batch)
    }

    /// A file is left out, unless that must cost the drive, or the whole source is gone.
    fn leave_out(&self, file: &DataFile, why: LeftOut) -> Result<FileEnd, Fault> {
        if let Err(source) = self.root.check(file) {
            return Err(Fault::SourceGone { path: named(self.root.path), source });
        }
        if self.options.strict {
            return Err(Fault::SourceChanged { path: file.path.clone(), why });
        }
        Ok(FileEnd::LeftOut(why))
    }
}

fn record(index: usize, bytes: u64, modified_ns: i64, end: FileEnd) -> FileRecord {
    FileRecord { index, bytes, modified_ns, end }
}

fn read_whole<'a>(root: &'a Root<'a>, file: &'a DataFile, data: &mut [u8]) -> Result<(), LeftOut> {
    let mut source = Source::open(root, file)?;
    source.read(0, data)?;
    source.finish()
}
