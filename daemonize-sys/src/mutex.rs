//! Locks that ignore poisoning: the protected data is consistent after every statement, and a panic in one thread must not end
//! others.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

/// Locks a mutex, even if a thread that held it has panicked.
#[inline(never)] // Called in 60 places; inlined, each would repeat the handling of a poisoned lock.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a condition variable. May wake up spuriously.
pub fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condition.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a condition variable for at most `time`. May wake up spuriously.
pub fn wait_timeout<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>, time: Duration) -> MutexGuard<'a, T> {
    condition.wait_timeout(guard, time).unwrap_or_else(PoisonError::into_inner).0
}

/// Locks for reading, even if a thread that held the lock has panicked.
pub fn read<T: ?Sized>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// Locks for writing, even if a thread that held the lock has panicked.
pub fn write<T: ?Sized>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread;

    #[test]
    fn lock_of_a_thread_that_panicked_is_taken() {
        let shared = Arc::new((Mutex::new(1), RwLock::new(2), Condvar::new()));
        let theirs = Arc::clone(&shared);
        let panicked = thread::spawn(move || {
            let (_mutex, _lock) = (theirs.0.lock(), theirs.1.write());
            std::panic::resume_unwind(Box::new("with both"));
        });
        panicked.join().unwrap_err();
        let (mutex, rw_lock, condition) = &*shared;
        assert!(mutex.is_poisoned() && rw_lock.is_poisoned());
        assert_eq!((*read(rw_lock), *wait_timeout(condition, lock(mutex), Duration::ZERO)), (2, 1));
        *write(rw_lock) = 3;
        assert_eq!(*read(rw_lock), 3);
    }
}
