//! How fast blobs go to Azure and come back: some are written into a container, read, and deleted
//! again. Whatever the service does, it ends in time. What was measured is judged in `check`.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use disk_prep::noun::ByteSize;
use disk_prep::stop::StopFlag;
use disk_prep::sys::hold::hold;
use uuid::Uuid;

use super::bounded::bounded;
use crate::azure::{Container, Error, Fence, each_of};
use crate::check::line_rate::{Measured, Moved};

/// So long in each direction, and for what is left to delete.
const WITHIN: Duration = Duration::from_secs(30);
/// A blob has so many bytes.
const PIECE_BYTES: u64 = 4 << 20;
/// So many at once, as a run of a vault sends them.
const AT_ONCE: usize = 4;

/// Measures with so many bytes, or as many as go until the time is over or somebody asks to stop.
pub(super) fn measure(
    container: &Arc<dyn Container>,
    size: ByteSize,
    stop: &StopFlag,
) -> Result<Measured, Error> {
    measured(container, size, WITHIN, stop)
}

fn measured(
    container: &Arc<dyn Container>,
    ByteSize(size): ByteSize,
    within: Duration,
    stop: &StopFlag,
) -> Result<Measured, Error> {
    let line = Arc::new(Line::new(Arc::clone(container), size, stop.clone()));
    let up = line.gone(within, Line::write)?;
    let down = line.gone(within, Line::read)?;
    let own = Arc::clone(&line);
    let _ = bounded(within, move || own.clear());
    let left = hold(&line.there).len();
    let left = (left > 0).then(|| (format!("{}-*", line.name), left));
    Ok(Measured { up, down, within, left, is_stopped: stop.is_asked() })
}

/// Blobs on their way.
struct Line {
    container: Arc<dyn Container>,
    /// How their names begin.
    name: String,
    /// Bytes of each.
    pieces: Vec<u64>,
    moved: AtomicU64,
    /// Whoever raises it wants no more of the measure, but that it leaves nothing behind.
    stop: StopFlag,
    /// Numbers of those that may be there, and whether their writing has ended.
    there: Mutex<BTreeMap<usize, bool>>,
}

impl Line {
    fn new(container: Arc<dyn Container>, size: u64, stop: StopFlag) -> Self {
        let mut pieces = Vec::new();
        let mut left = size;
        while left > 0 {
            let piece = left.min(PIECE_BYTES);
            pieces.push(piece);
            left -= piece;
        }
        let name = format!("azseed/probe-{}", Uuid::new_v4().simple());
        let (moved, there) = (AtomicU64::new(0), Mutex::default());
        Line { container, name, pieces, moved, stop, there }
    }

    fn blob(&self, number: usize) -> String {
        format!("{}-{number}", self.name)
    }

    /// Does it with one blob after the other until all have gone or the time is over. An error
    /// counts only where nothing has gone.
    fn gone(
        self: &Arc<Self>,
        within: Duration,
        one: fn(&Self, usize) -> Result<ControlFlow<()>, Error>,
    ) -> Result<Moved, Error> {
        self.moved.store(0, Ordering::Relaxed);
        let (begun, line) = (Instant::now(), Arc::clone(self));
        let all = move || {
            each_of(0..line.pieces.len(), AT_ONCE, |number| {
                let is_over = line.stop.is_asked() || begun.elapsed() >= within;
                if !is_over && one(&line, number)?.is_continue() {
                    line.moved.fetch_add(line.pieces[number], Ordering::Relaxed);
                }
                Ok(())
            })
        };
        let ended = bounded(within, all);
        let moved = Moved { bytes: self.moved.load(Ordering::Relaxed), time: begun.elapsed() };
        match ended {
            Some(Err(error)) if moved.bytes == 0 => Err(error),
            _ => Ok(moved),
        }
    }

    fn write(&self, number: usize) -> Result<ControlFlow<()>, Error> {
        hold(&self.there).insert(number, false);
        let content = content(number, self.pieces[number]);
        let made = self.container.write_new(&self.blob(number), content);
        hold(&self.there).insert(number, true);
        made.map(|_| ControlFlow::Continue(()))
    }

    fn read(&self, number: usize) -> Result<ControlFlow<()>, Error> {
        let is_there = hold(&self.there).contains_key(&number);
        let found = if is_there { self.container.read(&self.blob(number))? } else { None };
        Ok(match found {
            Some(_) => ControlFlow::Continue(()),
            None => ControlFlow::Break(()),
        })
    }

    fn clear(&self) {
        let blobs = Arc::clone(&self.container).fenced(Arc::new(Own));
        let all = hold(&self.there).clone();
        for (number, is_ended) in all {
            // One that is still being written may come when nobody looks any more.
            if blobs.remove_any(&self.blob(number)).is_ok() && is_ended {
                hold(&self.there).remove(&number);
            }
        }
    }
}

/// The blobs have names that nobody else has.
#[derive(Debug)]
struct Own;

impl Fence for Own {
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// Bytes that nothing on the way can make fewer.
fn content(number: usize, bytes: u64) -> Bytes {
    let mut state = number as u64 ^ 0x9E37_79B9_7F4A_7C15;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let words = (0..bytes.div_ceil(8)).flat_map(|_| next().to_le_bytes());
    words.take(usize::try_from(bytes).unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::faulty::{Act, Fault, Plan, busy};
    use crate::azure::memory::Memory;

    #[test]
    fn what_was_sent_comes_back_and_nothing_is_left() {
        let memory = Memory::default();
        let stop = StopFlag::default();
        let own = measured(&memory.container("seed"), ByteSize(9 << 20), WITHIN, &stop).unwrap();
        assert_eq!((own.up.bytes, own.down.bytes, own.left), (9 << 20, 9 << 20, None));
        assert!(memory.contents("seed").is_empty());
        assert_ne!(content(0, 64), content(1, 64));
        assert_eq!(content(3, 13).len(), 13);
    }

    #[test]
    fn a_service_that_never_answers_ends_it_in_time() {
        let memory = Memory::default();
        // Two blobs at most are under way, and three are waited for: nobody comes.
        let plan = Plan::together(Act::WriteNew, 3);
        let within = Duration::from_millis(200);
        let begun = Instant::now();
        let (container, stop) = (plan.container(memory.container("seed")), StopFlag::default());
        let own = measured(&container, ByteSize(8 << 20), within, &stop);
        let own = own.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(5), "it hangs");
        assert_eq!((own.up.bytes, own.down.bytes), (0, 0));
        assert_eq!(own.left.unwrap().1, 2, "they may still come");
    }

    #[test]
    fn one_that_is_stopped_sends_no_more_and_leaves_nothing() {
        let memory = Memory::default();
        let stop = StopFlag::default();
        stop.ask();
        let own = measured(&memory.container("seed"), ByteSize(9 << 20), WITHIN, &stop).unwrap();
        assert!(own.is_stopped && own.up.bytes == 0, "{own:?}");
        assert!(memory.contents("seed").is_empty());
        let line = Line::new(memory.container("seed"), 9 << 20, stop);
        assert!(line.write(0).unwrap().is_continue());
        assert_eq!(memory.contents("seed").len(), 1);
        line.clear();
        assert!(memory.contents("seed").is_empty());
    }

    #[test]
    fn an_error_counts_only_where_nothing_went() {
        let fault = |after| Fault { act: Act::WriteNew, after, is_done: false, error: busy };
        let of = |after| {
            let memory = Memory::default();
            let container = Plan::of(&[fault(after)]).container(memory.container("seed"));
            (measured(&container, ByteSize(1 << 20), WITHIN, &StopFlag::default()), memory)
        };
        let (own, memory) = of(0);
        own.unwrap_err();
        assert!(memory.contents("seed").is_empty());
        assert_eq!(of(1).0.unwrap().up.bytes, 1 << 20);
    }
}
