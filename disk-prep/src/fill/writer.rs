//! The one writer of a drive: puts batches on the device, and at each checkpoint flushes it,
//! writes one journal record, and only then says how far it is.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Instant;

use super::batch::{Batch, BatchEnd};
use super::batch_load::Ahead;
use super::fault::Fault;
use super::options::FillOptions;
use super::target::Target;
use crate::journal::{
    FileEnd, FileRecord, Finished, Journal, LeftOut, Progress, Record, StreamMark,
};
use crate::monitor::{Event, Monitor, Step};

/// Writes what the workers hand over.
pub struct Writer<'a> {
    pub target: &'a Target<'a>,
    pub options: &'a FillOptions,
    pub journal: &'a mut Journal,
    pub monitor: &'a dyn Monitor,
    pub empty: Vec<Sender<Batch>>,
    pub ahead: Ahead,
    pub done_bytes: u64,
    /// Bytes of the whole pass.
    pub total_bytes: u64,
    pub pending: Pending,
}

/// What is written but not confirmed.
#[derive(Debug, Default)]
pub struct Pending {
    bytes: u64,
    progress: Progress,
    marks: BTreeMap<u64, StreamMark>,
    /// Of each worker what it wrote last.
    ends: BTreeMap<usize, BatchEnd>,
}

impl Writer<'_> {
    /// Writes until all workers have ended; then confirms what arrived, also after a failure.
    pub fn run(
        mut self,
        full: &Receiver<Result<Batch, Fault>>,
        abort: impl Fn(),
    ) -> Result<(), Fault> {
        let mut failure = None;
        let mut confirmed_at = Instant::now();
        loop {
            let wait = self.options.checkpoint_every.saturating_sub(confirmed_at.elapsed());
            match full.recv_timeout(wait) {
                Ok(Ok(batch)) => self.write(batch)?,
                Ok(Err(fault)) => {
                    abort();
                    failure.get_or_insert(fault);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.pending.bytes >= self.options.checkpoint_bytes
                || self.pending.progress.finished.len() >= self.options.checkpoint_files
                || confirmed_at.elapsed() >= self.options.checkpoint_every
            {
                self.confirm()?;
                confirmed_at = Instant::now();
            }
        }
        self.confirm()?;
        failure.map_or(Ok(()), Err)
    }

    fn write(&mut self, mut batch: Batch) -> Result<(), Fault> {
        for (offset, bytes) in batch.pieces() {
            self.target.write(bytes, offset)?;
        }
        self.ahead.written();
        let pending = &mut self.pending;
        pending.bytes += batch.bytes();
        if let Some(end) = batch.end(self.target.volume_start) {
            pending.ends.insert(batch.worker, end);
        }
        for end in batch.finished.drain(..) {
            pending.marks.remove(&end.segment);
            pending.progress.finished.push(end);
        }
        if let Some(mut mark) = batch.mark.take() {
            if let Some(before) = pending.marks.remove(&mark.segment) {
                mark.new_blocks.splice(0..0, before.new_blocks);
            }
            pending.marks.insert(mark.segment, mark);
        }
        let home = &self.empty[batch.worker];
        batch.clear();
        // A worker that has ended needs no buffer.
        let _ = home.send(batch);
        Ok(())
    }

    /// Data flushed, then the journal, then the screen.
    fn confirm(&mut self) -> Result<(), Fault> {
        if self.pending.progress.finished.is_empty() && self.pending.marks.is_empty() {
            return Ok(());
        }
        let pending = std::mem::take(&mut self.pending);
        self.target.flush()?;
        let drive = self.target.serial;
        let progress = Progress {
            streams: pending.marks.into_values().collect(),
            tails: pending.ends.values().map(BatchEnd::tail).collect(),
            ..pending.progress
        };
        let left_out: Vec<_> = progress.finished.iter().filter_map(left_out).collect();
        self.journal.append(Record::Progress(progress))?;
        self.pending.ends = pending.ends;
        self.done_bytes += pending.bytes;
        let (step, done_bytes, total_bytes) = (Step::Fill, self.done_bytes, self.total_bytes);
        self.monitor.event(&Event::BytesDone { drive, step, done_bytes, total_bytes });
        for (index, why) in left_out {
            let path = &self.target.pass.files().at(index).path();
            self.monitor.event(&Event::FileLeftOut { drive, path, why: &why });
        }
        Ok(())
    }
}

/// The file of a segment, by its index in the plan, and why it was left out, if it was.
fn left_out(end: &Finished) -> Option<(usize, LeftOut)> {
    match end.file.as_ref() {
        Some(FileRecord { index, end: FileEnd::LeftOut(why), .. }) => Some((*index, why.clone())),
        _ => None,
    }
}
