//! One way to take a lock.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes a lock, also after a holder panicked: each change that this program makes under a lock is one
/// step, so what it guards is whole, and the panic is told where its thread is joined.
pub fn hold<T: ?Sized>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_lock_guards_is_reached_after_a_panic() {
        let lock = Mutex::new(1);
        let panics = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let _held = lock.lock().unwrap();
                panic!("on purpose");
            });
            thread.join().is_err()
        });
        assert!(panics && lock.is_poisoned());
        *hold(&lock) += 1;
        assert_eq!(*hold(&lock), 2);
    }
}
