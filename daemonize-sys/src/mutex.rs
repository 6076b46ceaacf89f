//! Locks that a panic does not poison: what they keep is whole after every statement.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, whoever panicked with it.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
