//! What a journal says, put together: the state of the drive, the finished files as a set, the
//! marks of the streams that were under way.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use super::fault::JournalFault;
use super::file_ends::FileEnds;
use super::line::Lines;
use super::reason::{LeftOut, SetAside};
use super::record::{Begun, FileEnd, FileRecord, Progress, Record, Sealed, Tail};
use super::segments::Segments;
use crate::noun::Md5Digest;

/// How far a drive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyState {
    /// Begun; the old partition table may still be there.
    Begun,
    /// Labelled; the pass is under way.
    Labelled,
    /// The pass is over; sealing is under way.
    Filled,
    /// Never written again.
    Sealed,
    /// Failed for good.
    SetAside,
    /// Given up.
    Released,
}

/// How far an unfinished segment is on the medium.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stream {
    /// Bytes of it.
    pub done_bytes: u64,
    /// MD5 of all blocks of the file up to there.
    pub blocks: Vec<Md5Digest>,
    /// CopyState of the whole-file hashers.
    pub hash_state: Vec<u8>,
    /// Why the file is left out, if that is known already.
    pub left_out: Option<LeftOut>,
}

/// How much of a journal is kept in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// All of it.
    All,
    /// Of the files what became of them, without their digests.
    Ends,
    /// Of the files only those that were left out.
    LeftOut,
}

/// A journal replayed.
#[derive(Debug, Clone)]
pub struct History {
    /// What was begun.
    pub begun: Begun,
    /// How far it is.
    pub state: CopyState,
    /// Finished segments.
    pub finished: Segments,
    /// What became of the files, by index in the plan.
    pub files: FileEnds,
    /// How far unfinished segments are, by number.
    pub streams: BTreeMap<u64, Stream>,
    /// Tails of the last checkpoint.
    pub tails: Vec<Tail>,
    /// What the job needs, once sealed.
    pub sealed: Option<Sealed>,
    /// Why the drive was set aside.
    pub set_aside: Option<SetAside>,
}

impl History {
    /// What the first record says.
    pub(super) fn begin(begun: Begun) -> Self {
        History {
            begun,
            state: CopyState::Begun,
            finished: Segments::default(),
            files: FileEnds::default(),
            streams: BTreeMap::new(),
            tails: Vec::new(),
            sealed: None,
            set_aside: None,
        }
    }

    /// Puts records together, in order, and shows each; nothing if not even the first is whole.
    pub(super) fn replay(
        lines: &mut Lines<impl BufRead>,
        keep: Keep,
        mut show: impl FnMut(&Record) -> io::Result<()>,
    ) -> io::Result<Result<Option<Self>, JournalFault>> {
        let mut history: Option<History> = None;
        for at in 0.. {
            let record = match lines.record()? {
                None => break,
                Some(Err(fault)) => return Ok(Err(fault)),
                Some(Ok(record)) => record,
            };
            show(&record)?;
            let applied = match (&mut history, record) {
                (None, Record::Begun(begun)) if begun.version > Begun::VERSION => {
                    Err(JournalFault::Newer { version: begun.version })
                }
                (None, Record::Begun(begun)) => {
                    history = Some(History::begin(*begun));
                    Ok(())
                }
                (None, _) => Err(JournalFault::NoBeginning),
                (Some(history), record) => history
                    .apply(record, keep)
                    .map_err(|fault| JournalFault::Unknown { record: at, fault: fault.to_owned() }),
            };
            if let Err(fault) = applied {
                return Ok(Err(fault));
            }
        }
        Ok(Ok(history))
    }

    pub(super) fn apply(&mut self, record: Record, keep: Keep) -> Result<(), &'static str> {
        match (self.state, record) {
            (CopyState::Sealed, Record::Released) => self.state = CopyState::Released,
            (CopyState::Sealed | CopyState::Released, _) => return Err("nothing follows a seal"),
            (_, Record::Begun(_)) => return Err("a drive is begun once"),
            (_, Record::Labelled) => self.state = CopyState::Labelled,
            (CopyState::Begun, Record::Progress(_) | Record::Filled | Record::Sealed(_)) => {
                return Err("the drive was not labelled yet");
            }
            (_, Record::Progress(progress)) => self.advance(progress, keep),
            (_, Record::Filled) => {
                self.state = CopyState::Filled;
                self.streams.clear();
            }
            (_, Record::Sealed(sealed)) => {
                self.state = CopyState::Sealed;
                self.sealed = Some(sealed);
            }
            (_, Record::SetAside(why)) => {
                self.state = CopyState::SetAside;
                self.set_aside = Some(why);
            }
            (_, Record::Released) => self.state = CopyState::Released,
        }
        Ok(())
    }

    fn advance(&mut self, progress: Progress, keep: Keep) {
        for end in progress.finished {
            self.streams.remove(&end.segment);
            self.finished.insert(end.segment);
            let Some(FileRecord { index, end, .. }) = end.file else { continue };
            match keep {
                Keep::All => self.files.insert(index, end),
                Keep::Ends => self.files.insert_bare(index, end),
                Keep::LeftOut if matches!(end, FileEnd::LeftOut(_)) => {
                    self.files.insert(index, end)
                }
                // It may have been left out before.
                Keep::LeftOut => self.files.remove(index),
            }
        }
        for mark in progress.streams {
            let stream = self.streams.entry(mark.segment).or_default();
            let left_out = mark.left_out();
            // What was left out and is not any more was begun anew.
            if stream.left_out.is_some() && left_out.is_none() {
                *stream = Stream::default();
            }
            stream.done_bytes = mark.done_bytes;
            stream.blocks.extend(mark.new_blocks);
            stream.hash_state = mark.hash_state.0;
            stream.left_out = left_out;
        }
        self.tails = progress.tails;
    }
}
