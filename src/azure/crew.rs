//! The same work on many things, several at once. What is under way is bounded, and so is what it
//! holds; a fault stops the rest.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use disk_prep::sys::hold::hold;

/// Does the work on each thing, in their order, at most so many at once. After the first fault no
/// other is begun; what is under way is ended, and the fault is told.
pub fn each<T: Sync, E: Send>(
    things: &[T],
    most_at_once: usize,
    work: impl Fn(&T) -> Result<(), E> + Sync,
) -> Result<(), E> {
    each_of(0..things.len(), most_at_once, |index| work(&things[index]))
}

/// The same for the numbers of things.
pub fn each_of<E: Send>(
    numbers: Range<usize>,
    most_at_once: usize,
    work: impl Fn(usize) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let next = AtomicUsize::new(numbers.start);
    let fault = Mutex::new(None);
    let hand = || {
        while hold(&fault).is_none() {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= numbers.end {
                return;
            }
            if let Err(error) = work(number) {
                hold(&fault).get_or_insert(error);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..most_at_once.min(numbers.len()) {
            // Where the machine has no more threads, fewer do the same.
            if thread::Builder::new().spawn_scoped(scope, hand).is_err() {
                break;
            }
        }
        hand();
    });
    let fault = hold(&fault).take();
    fault.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn so_many_are_under_way_at_once_and_no_more() {
        let (barrier, under_way, most) = (Barrier::new(4), Mutex::new(0), Mutex::new(0));
        let work = |_: &usize| {
            *hold(&under_way) += 1;
            // Only four at once get past it.
            barrier.wait();
            let now = *hold(&under_way);
            let mut most = hold(&most);
            *most = now.max(*most);
            drop(most);
            // None leaves before all four have looked.
            barrier.wait();
            *hold(&under_way) -= 1;
            barrier.wait();
            Ok::<(), ()>(())
        };
        each(&Vec::from_iter(0..12), 4, work).unwrap();
        assert_eq!(*hold(&most), 4);
    }

    #[test]
    fn after_a_fault_nothing_is_begun() {
        for most_at_once in [1, 3] {
            let seen = Mutex::new(Vec::new());
            let work = |thing: &usize| {
                hold(&seen).push(*thing);
                if *thing == 5 { Err(*thing) } else { Ok(()) }
            };
            assert_eq!(each(&Vec::from_iter(0..1000), most_at_once, work), Err(5));
            let seen = hold(&seen).len();
            assert!(most_at_once > 1 || seen == 6, "{seen}");
        }
        assert_eq!(each(&[], 8, |_: &usize| Err(())), Ok(()));
    }
}
