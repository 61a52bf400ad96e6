//! Files become blobs. Small files are read side by side; a large one is read alone and in one go, as
//! a turning disk likes it, while what was read of it before is hashed, packed and sealed by all.

use std::io::{self, ErrorKind, Read};
use std::sync::Mutex;

use disk_prep::noun::Sha256Digest;
use disk_prep::sys::hold::hold;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use rustic_core::repofile::Node;
use rustic_core::{DataId, Id, Progress};
use sha2::{Digest, Sha256};

use super::super::repo::Library;
use super::super::source::{Opening, Reading};
use super::cutter::Cutter;
use super::known::Ids;
use super::packs::Packs;
use super::sealer::Sealer;
use super::steps::Step;

/// Files with more bytes are read alone.
const SMALL_BYTES: u64 = 8 << 20;
/// Bytes of a large file that are read while others are worked on.
const GROUP_BYTES: usize = 16 << 20;
/// How often a file is read again that became shorter while it was read.
const AGAIN: usize = 3;

/// What turns files into blobs.
pub(super) struct Files<'a> {
    pub cutter: &'a Cutter,
    pub sealer: &'a Sealer,
    pub held: &'a Ids,
    pub packs: &'a Packs,
    pub progress: &'a Progress,
    /// Room to read into that nobody uses just now.
    pub rooms: Mutex<Vec<Vec<u8>>>,
}

/// What became of reading a file.
enum Outcome {
    Whole(Vec<DataId>),
    Short,
    Lost,
}

impl Files<'_> {
    /// Reads what is to be read of these steps.
    pub fn fill(&self, steps: &mut [Step]) -> Library<()> {
        let is_large = |step: &&mut Step| matches!(step, Step::Pass(_, Some(open), _) if open.bytes() > SMALL_BYTES);
        let (large, small): (Vec<_>, Vec<_>) = steps.iter_mut().partition(is_large);
        small.into_par_iter().with_min_len(4).try_for_each(|step| self.fill_one(step))?;
        large.into_iter().try_for_each(|step| self.fill_one(step))
    }

    fn fill_one(&self, step: &mut Step) -> Library<()> {
        let Step::Pass(node, open, _) = step else { return Ok(()) };
        let Some(open) = open.take() else {
            self.progress.inc(if node.is_file() { node.meta.size } else { 0 });
            return Ok(());
        };
        if !self.read(node, open)? {
            *step = Step::Lost;
        }
        Ok(())
    }

    /// Whether a file could be read. One that became shorter is read again: nothing may be restored
    /// that never was.
    fn read(&self, node: &mut Node, mut open: Opening) -> Library<bool> {
        for turn in 0..=AGAIN {
            match self.read_once(&open)? {
                Outcome::Whole(content) => {
                    node.content = Some(content);
                    if turn > 0 {
                        open.tell_change();
                    }
                    return Ok(true);
                }
                Outcome::Lost => return Ok(false),
                Outcome::Short if turn < AGAIN && open.look_again(node) => {}
                Outcome::Short => break,
            }
        }
        open.give_up();
        Ok(false)
    }

    fn read_once(&self, open: &Opening) -> Library<Outcome> {
        let Some(reading) = open.open() else { return Ok(Outcome::Lost) };
        match usize::try_from(open.bytes()) {
            Ok(bytes) if open.bytes() <= SMALL_BYTES => self.read_small(reading, bytes),
            _ => self.read_large(reading, open.bytes()),
        }
    }

    /// Room for so many bytes at least.
    fn room(&self, bytes: usize) -> Vec<u8> {
        let mut room = hold(&self.rooms).pop().unwrap_or_default();
        if room.len() < bytes {
            room.resize(bytes, 0);
        }
        room
    }

    fn read_small(&self, mut reading: Reading<'_>, bytes: usize) -> Library<Outcome> {
        let mut room = self.room(bytes);
        let outcome = match fill(&mut reading, &mut room[..bytes]) {
            Err(_) => ended(&reading),
            Ok(count) => {
                let mut content = Vec::new();
                let mut left = &room[..count];
                while !left.is_empty() {
                    let length = self.cutter.cut(left, 0).unwrap_or(left.len());
                    content.push(self.blob(&left[..length])?);
                    left = &left[length..];
                }
                Outcome::Whole(content)
            }
        };
        hold(&self.rooms).push(room);
        Ok(outcome)
    }

    fn read_large(&self, mut reading: Reading<'_>, bytes: u64) -> Library<Outcome> {
        // One piece at least ends in it, and all do if it has room for one byte more.
        let most = GROUP_BYTES.max(2 * self.cutter.most());
        let most = usize::try_from(bytes).map_or(most, |bytes| most.min(bytes + 1));
        let group = || Group { bytes: self.room(most), most, ends: Vec::new() };
        let mut pieces = Pieces { reading: &mut reading, cutter: self.cutter, rest: Vec::new() };
        let mut content = Vec::new();
        let (mut next, mut spare) = (pieces.next(group()), group());
        let now = loop {
            let Ok(now) = next else { return Ok(ended(&reading)) };
            if now.ends.is_empty() {
                break now;
            }
            let (blobs, following) = rayon::join(|| self.blobs(&now), || pieces.next(spare));
            content.extend(blobs?);
            (next, spare) = (following, now);
        };
        hold(&self.rooms).extend([now.bytes, spare.bytes]);
        Ok(Outcome::Whole(content))
    }

    fn blobs(&self, group: &Group) -> Library<Vec<DataId>> {
        let begins = std::iter::once(0).chain(group.ends.iter().copied());
        let pieces: Vec<_> = begins.zip(group.ends.iter().copied()).collect();
        pieces.into_par_iter().map(|(from, to)| self.blob(&group.bytes[from..to])).collect()
    }

    /// Adds a blob if nobody has it yet.
    fn blob(&self, content: &[u8]) -> Library<DataId> {
        let digest: [u8; 32] = Sha256::digest(content).into();
        let id = Id::new(digest);
        if self.held.claim(id) {
            self.packs.add(Sha256Digest::new(digest), self.sealer.blob(content)?)?;
        }
        self.progress.inc(content.len() as u64);
        Ok(id.into())
    }
}

fn ended(reading: &Reading<'_>) -> Outcome {
    if reading.is_short() { Outcome::Short } else { Outcome::Lost }
}

/// Reads until the room is full or the file ends, and at least once.
fn fill(reading: &mut Reading<'_>, room: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    loop {
        match reading.read(&mut room[count..]) {
            Ok(0) => return Ok(count),
            Ok(more) => count += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Pieces of a large file, one behind the other.
#[derive(Debug)]
struct Group {
    bytes: Vec<u8>,
    /// How many of them are used, at most.
    most: usize,
    ends: Vec<usize>,
}

/// Reads a large file in groups of pieces.
struct Pieces<'a, 'b> {
    reading: &'a mut Reading<'b>,
    cutter: &'a Cutter,
    /// What was read behind the last end.
    rest: Vec<u8>,
}

impl Pieces<'_, '_> {
    /// The next pieces, in the room of others; none behind the last.
    fn next(&mut self, mut group: Group) -> io::Result<Group> {
        group.ends.clear();
        let (held, most) = (self.rest.len(), group.most);
        group.bytes[..held].copy_from_slice(&self.rest);
        let count = held + fill(self.reading, &mut group.bytes[held..most])?;
        let is_last = count < most;
        let (mut begin, mut seen) = (0, held);
        while begin < count {
            let length = match self.cutter.cut(&group.bytes[begin..count], seen) {
                Some(length) => length,
                None if is_last => count - begin,
                None => break,
            };
            begin += length;
            seen = 0;
            group.ends.push(begin);
        }
        self.rest.clear();
        self.rest.extend_from_slice(&group.bytes[begin..count]);
        Ok(group)
    }
}
