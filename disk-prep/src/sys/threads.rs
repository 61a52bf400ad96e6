//! Work spread over threads, where a thread that the system does not give is no fault: what it
//! would have done is done by the others, in the end by the caller.

use crate::sys::hold::hold;
use std::any::Any;
use std::sync::Mutex;
use std::thread::{self, Builder};

/// Threads beside the caller's, at most; they wait for drives more than they reckon.
const MOST: usize = 63;

/// Does `work` with each item, side by side; answers in the order of the items. A panic of one is
/// passed on when all have ended.
pub fn each<I: Send, R: Send>(items: Vec<I>, work: impl Fn(I) -> R + Sync) -> Vec<R> {
    let count = items.len();
    let queue = Mutex::new(items.into_iter().enumerate());
    let done = Mutex::new(Vec::with_capacity(count));
    let take = || hold(&queue).next();
    let run = || {
        while let Some((at, item)) = take() {
            let answer = work(item);
            hold(&done).push((at, answer));
        }
    };
    thread::scope(|scope| {
        for _ in 1..count.min(MOST + 1) {
            if Builder::new().spawn_scoped(scope, run).is_err() {
                break;
            }
        }
        run();
    });
    let mut done = done.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, answer)| answer).collect()
}

/// Whether a panic was a library's way to say that the system gives no further thread.
pub fn is_missing(panic: &(dyn Any + Send)) -> bool {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default();
    let again = std::io::Error::from(rustix::io::Errno::AGAIN).to_string();
    text.contains(&again) || text.contains("WouldBlock")
}

#[cfg(test)]
mod tests {
    use super::each;

    #[test]
    fn answers_keep_the_order_of_the_items() {
        let answers = each((0..500).collect(), |item: u32| item * 2);
        assert_eq!(answers, (0..500).map(|item| item * 2).collect::<Vec<_>>());
        assert!(each(Vec::<u8>::new(), |item| item).is_empty());
    }

    #[test]
    fn a_panic_in_one_of_them_is_not_lost() {
        let outcome = std::panic::catch_unwind(|| {
            each(vec![1, 2, 3], |item| assert_ne!(item, 2, "the second"));
        });
        assert!(outcome.is_err());
    }
}
