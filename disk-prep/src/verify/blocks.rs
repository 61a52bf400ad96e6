//! The blocks that the manifest names, read from the drive one behind the other and hashed many at
//! a time, while the next ones are read.

use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, Scope};

use super::difference::Difference;
use crate::hash::md5_of_all;
use crate::manifest::ManifestRange;
use crate::sys::aligned::AlignedBuffer;
use crate::volume::view::FoundFiles;

/// Blocks at hand: sixteen of the largest fill the widest lanes.
const ARENA_BYTES: usize = 64 << 20;
const PAGE_BYTES: usize = 4096;

/// Blocks that were read and are not compared yet: files by their numbers, ranges of them, and
/// where those lie here.
struct Arena {
    bytes: AlignedBuffer,
    used: usize,
    read: Vec<(usize, ManifestRange, Range<usize>)>,
}

/// Blocks whose digests differ.
type Wrong = Vec<(usize, ManifestRange)>;

impl Arena {
    fn new() -> Self {
        Arena { bytes: AlignedBuffer::zeroed(ARENA_BYTES), used: 0, read: Vec::new() }
    }

    /// Compares what was read; then it is empty.
    fn compare(&mut self) -> Wrong {
        let messages: Vec<&[u8]> =
            self.read.iter().map(|(_, _, place)| &self.bytes[place.clone()]).collect();
        let digests = md5_of_all(&messages);
        self.used = 0;
        let read = self.read.drain(..).zip(digests);
        let wrong = read.filter(|((_, range, _), digest)| *digest != range.digest);
        wrong.map(|((file, range, _), _)| (file, range)).collect()
    }
}

/// The thread that compares: takes a full arena, gives it back empty.
struct Comparer {
    full: SyncSender<Arena>,
    compared: Receiver<(Arena, Wrong)>,
    /// Whether it has one, or has had one that is to be taken back.
    has_arena: bool,
}

/// Takes blocks and compares them.
pub(super) struct Blocks<'a> {
    files: &'a FoundFiles,
    arena: Arena,
    /// Where the system gives no thread, the caller compares.
    comparer: Option<Comparer>,
}

impl<'a> Blocks<'a> {
    /// Nothing yet of these files.
    pub fn new<'scope>(files: &'a FoundFiles, scope: &'scope Scope<'scope, '_>) -> Self {
        let (full, receiver) = sync_channel::<Arena>(1);
        let (sender, compared) = sync_channel(1);
        let run = move || {
            for mut arena in receiver {
                let wrong = arena.compare();
                if sender.send((arena, wrong)).is_err() {
                    break;
                }
            }
        };
        let made = Builder::new().spawn_scoped(scope, run);
        let comparer = made.ok().map(|_| Comparer { full, compared, has_arena: false });
        Blocks { files, arena: Arena::new(), comparer }
    }

    /// Takes a block that `read` reads; those before it are compared when there is no room. A block
    /// that cannot be read leaves no trace.
    pub fn take<E>(
        &mut self,
        file: usize,
        range: ManifestRange,
        differences: &mut Vec<Difference>,
        read: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let bytes = range.bytes as usize;
        // Whole blocks at a page's beginning are read past the page cache.
        let mut begin = self.arena.used.next_multiple_of(PAGE_BYTES);
        if begin + bytes > ARENA_BYTES {
            self.hand_over(differences);
            begin = 0;
        }
        let place = begin..begin + bytes;
        read(&mut self.arena.bytes[place.clone()])?;
        self.arena.used = place.end;
        self.arena.read.push((file, range, place));
        Ok(())
    }

    /// Has the arena compared, and goes on with an empty one.
    fn hand_over(&mut self, differences: &mut Vec<Difference>) {
        let Some(comparer) = &mut self.comparer else {
            let wrong = self.arena.compare();
            return self.tell(wrong, differences);
        };
        let (empty, wrong) = match comparer.has_arena {
            false => (Arena::new(), Wrong::new()),
            true => comparer.compared.recv().expect("it ends when nothing more can come"),
        };
        let full = std::mem::replace(&mut self.arena, empty);
        comparer.full.send(full).expect("it ends when nothing more can come");
        comparer.has_arena = true;
        self.tell(wrong, differences);
    }

    /// Compares all that is left.
    pub fn finish(mut self, differences: &mut Vec<Difference>) {
        if let Some(Comparer { full, compared, .. }) = self.comparer.take() {
            drop(full);
            compared.iter().for_each(|(_, wrong)| self.tell(wrong, differences));
        }
        self.hand_over(differences);
    }

    fn tell(&self, wrong: Wrong, differences: &mut Vec<Difference>) {
        differences.extend(wrong.into_iter().map(|(file, range)| Difference::Block {
            path: self.files.path(file),
            offset: range.offset,
            bytes: range.bytes,
        }));
    }
}
