//! The one place of a run where files are hashed: who has read the next bytes of some brings them
//! here, and whoever finds enough of them hashes all side by side, his own and the others'. So
//! files of all drives share the lanes of the CPU, and nobody waits for a file of another drive
//! longer than it takes to hash it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::hash::{Feed, lane_count, update_all};
use crate::sys::hold::hold;

/// How long files that were read wait for others that are being read, or have no buffer. Even a
/// fast drive has that long to write in what is read ahead of it.
const PATIENCE: Duration = Duration::from_millis(100);
/// How often they look whether their drive has come to stand still meanwhile.
const GLANCE: Duration = Duration::from_millis(5);

/// Something that holds files' next bytes and the files' digests.
pub trait Load: Send {
    /// The files in it.
    fn feeds(&mut self) -> Vec<Feed<'_>>;
    /// Whether a drive stands still until this is hashed.
    fn is_urgent(&self) -> bool;
}

/// Brings loads together.
#[derive(Debug)]
pub struct Hall<T> {
    floor: Mutex<Floor<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Floor<T> {
    /// Loads with their tickets and how many files they hold.
    waiting: VecDeque<(u64, usize, T)>,
    done: BTreeMap<u64, T>,
    next_ticket: u64,
    /// Who brings loads; those whose load does not wait will come again.
    members: usize,
    /// How many of them wait for a buffer: their drive writes as fast as it can.
    away: usize,
    /// A load was lost, since hashing it panicked.
    is_broken: bool,
}

impl<T> Default for Hall<T> {
    fn default() -> Self {
        let floor = Floor {
            waiting: VecDeque::new(),
            done: BTreeMap::new(),
            next_ticket: 0,
            members: 0,
            away: 0,
            is_broken: false,
        };
        Hall { floor: Mutex::new(floor), changed: Condvar::new() }
    }
}

/// Somebody who brings load after load; others wait for his next one a little.
#[derive(Debug)]
pub struct Member<'a, T>(&'a Hall<T>);

impl<T> Drop for Member<'_, T> {
    fn drop(&mut self) {
        hold(&self.0.floor).members -= 1;
        self.0.changed.notify_all();
    }
}

impl<T> Hall<T> {
    /// From now on others wait for the loads of this member.
    pub fn join(&self) -> Member<'_, T> {
        hold(&self.floor).members += 1;
        Member(self)
    }
}

impl<T: Load> Floor<T> {
    /// Whether hashing should begin: all lanes can be filled, or everybody is here. Where a drive
    /// stands still, nobody waits for those of a slow one, who have no buffers.
    fn is_ready(&self) -> bool {
        let files: usize = self.waiting.iter().map(|(_, files, _)| files).sum();
        let here = self.waiting.len();
        let is_urgent = || self.waiting.iter().any(|(.., load)| load.is_urgent());
        files >= lane_count()
            || here == self.members
            || (here + self.away >= self.members && is_urgent())
    }

    /// Takes the loads that came first, until the lanes are full.
    fn take(&mut self) -> Vec<(u64, T)> {
        let (mut taken, mut files) = (Vec::new(), 0);
        while files < lane_count()
            && let Some((ticket, own, load)) = self.waiting.pop_front()
        {
            files += own;
            taken.push((ticket, load));
        }
        taken
    }
}

impl<T> Member<'_, T> {
    /// Waits for something without which this member cannot come.
    pub fn away<A>(&self, wait: impl FnOnce() -> A) -> A {
        hold(&self.0.floor).away += 1;
        self.0.changed.notify_all();
        let came = wait();
        hold(&self.0.floor).away -= 1;
        came
    }
}

impl<T: Load> Member<'_, T> {
    /// Hashes a load, and gives it back.
    ///
    /// # Panics
    /// If hashing a load panicked.
    pub fn digest(&self, mut load: T) -> T {
        let files = load.feeds().len();
        if files == 0 {
            return load;
        }
        let mut floor = hold(&self.0.floor);
        let ticket = floor.next_ticket;
        floor.next_ticket += 1;
        floor.waiting.push_back((ticket, files, load));
        self.0.fetch(ticket, floor).expect("a load of the hall was lost where it was hashed")
    }
}

impl<T: Load> Hall<T> {
    /// Waits for a load, or hashes it with others that are here; nothing if it was lost.
    fn fetch<'a>(&'a self, ticket: u64, mut floor: MutexGuard<'a, Floor<T>>) -> Option<T> {
        let came = Instant::now();
        loop {
            let done = floor.done.remove(&ticket);
            if done.is_some() || floor.is_broken {
                return done;
            }
            let is_waiting = floor.waiting.iter().any(|(own, ..)| *own == ticket);
            floor = if is_waiting && (floor.is_ready() || came.elapsed() >= PATIENCE) {
                self.lead(floor)
            } else {
                let left = if is_waiting { GLANCE } else { PATIENCE };
                let waited = self.changed.wait_timeout(floor, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            };
        }
    }

    /// Hashes loads that wait, while others may bring more.
    fn lead<'a>(&'a self, mut floor: MutexGuard<'a, Floor<T>>) -> MutexGuard<'a, Floor<T>> {
        let alarm = Alarm(self);
        let mut loads = floor.take();
        drop(floor);
        update_all(loads.iter_mut().flat_map(|(_, load)| load.feeds()).collect());
        drop(alarm);
        let mut floor = hold(&self.floor);
        floor.done.extend(loads);
        self.changed.notify_all();
        floor
    }
}

/// Tells those who wait if their loads are lost.
struct Alarm<'a, T>(&'a Hall<T>);

impl<T> Drop for Alarm<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            hold(&self.0.floor).is_broken = true;
            self.0.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::hash::{FileDigests, FileHasher};

    #[derive(Debug)]
    struct Files(Vec<(FileHasher, Vec<u8>)>);

    impl Load for Files {
        fn feeds(&mut self) -> Vec<Feed<'_>> {
            self.0.iter_mut().map(|(hasher, bytes)| Feed { hasher, bytes }).collect()
        }
        fn is_urgent(&self) -> bool {
            false
        }
    }

    fn content(number: usize, at: usize) -> Vec<u8> {
        (0..10_000 + number * 77).map(|byte| (byte * 31 + number + at * 5) as u8).collect()
    }

    fn alone(number: usize, pieces: usize) -> FileDigests {
        let mut hasher = FileHasher::new();
        (0..pieces).for_each(|at| hasher.update(&content(number, at)));
        hasher.finish()
    }

    #[test]
    fn everybody_gets_his_own_files_back_with_their_digests() {
        let hall = Hall::<Files>::default();
        thread::scope(|scope| {
            for worker in 0..20 {
                let hall = &hall;
                scope.spawn(move || {
                    let numbers = [worker * 3, worker * 3 + 1];
                    let mut hashers = [FileHasher::new(), FileHasher::new()];
                    let member = hall.join();
                    for at in 0..30 {
                        let files = numbers
                            .iter()
                            .zip(hashers)
                            .map(|(&number, hasher)| (hasher, content(number, at)));
                        let files = member.digest(Files(files.collect())).0;
                        let own: Vec<_> = files.into_iter().map(|(hasher, _)| hasher).collect();
                        hashers = own.try_into().unwrap();
                    }
                    for (number, hasher) in numbers.into_iter().zip(hashers) {
                        assert_eq!(hasher.finish(), alone(number, 30), "{number}");
                    }
                });
            }
        });
        let floor = hold(&hall.floor);
        assert_eq!((floor.members, floor.waiting.len(), floor.done.len()), (0, 0, 0));
    }

    #[derive(Debug)]
    struct Urgent(bool);

    impl Load for Urgent {
        fn feeds(&mut self) -> Vec<Feed<'_>> {
            Vec::new()
        }
        fn is_urgent(&self) -> bool {
            self.0
        }
    }

    #[test]
    fn a_drive_that_stands_still_waits_for_who_reads_and_not_for_who_has_no_buffer() {
        let hall = Hall::<Urgent>::default();
        let members: Vec<_> = (0..3).map(|_| hall.join()).collect();
        let is_ready = |loads: &[bool]| {
            let waiting = loads.iter().map(|&is_urgent| (0, 1, Urgent(is_urgent))).collect();
            let mut floor = hold(&hall.floor);
            floor.waiting = waiting;
            floor.is_ready()
        };
        assert!(!is_ready(&[true, false]), "the third reads");
        assert!(is_ready(&[false, false, false]), "all are here");
        members[2].away(|| {
            assert!(is_ready(&[true, false]) && !is_ready(&[false, false]));
            assert!(!is_ready(&[true]), "another one reads");
            members[1].away(|| assert!(is_ready(&[true]) && !is_ready(&[false])));
        });
        assert!(!is_ready(&[true, false]), "it is back");
        assert!(is_ready(&vec![false; lane_count()]), "the lanes are full");
        hold(&hall.floor).waiting.clear();
    }

    #[test]
    fn who_stays_away_holds_nobody_up_for_long() {
        let hall = Hall::<Files>::default();
        let _absent = hall.join();
        let files = Files(vec![(FileHasher::new(), content(1, 0))]);
        let files = hall.join().digest(files);
        let (hasher, _) = files.0.into_iter().next().unwrap();
        assert_eq!(hasher.finish(), alone(1, 1));
    }

    #[test]
    fn a_load_that_panics_is_heard_by_those_whose_loads_it_took_along() {
        #[derive(Debug, Default)]
        struct Spoiled(bool, FileHasher);
        impl Load for Spoiled {
            fn feeds(&mut self) -> Vec<Feed<'_>> {
                // Counted when it is brought, spoiled when it is hashed.
                assert!(!std::mem::replace(&mut self.0, true), "as the test wants it");
                vec![Feed { hasher: &mut self.1, bytes: &[] }]
            }
            fn is_urgent(&self) -> bool {
                false
            }
        }
        let hall = Hall::default();
        let late = hall.join();
        thread::scope(|scope| {
            let threads: Vec<_> = (0..3)
                .map(|_| {
                    let hall = &hall;
                    let member = hall.join();
                    scope.spawn(move || drop(member.digest(Spoiled::default())))
                })
                .collect();
            drop(late);
            assert!(threads.into_iter().all(|thread| thread.join().is_err()));
        });
    }
}
