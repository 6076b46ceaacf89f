//! Waits for a stop: sleeping threads, the wait handle (`eventfd(2)`) and futures, all of which a stop wakes.

use super::flag;
use super::heartbeat::SleepGuard;
use crate::mutex;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{Ordering::SeqCst, fence};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// Held while the flag is set, so that no sleeper misses the stop between its check and its wait.
static LOCK: Mutex<()> = Mutex::new(());
static STOPPED: Condvar = Condvar::new();
static EVENT: OnceLock<EventFd> = OnceLock::new();
static WAKERS: Mutex<Wakers> = Mutex::new(Wakers { last_key: 0, by_key: BTreeMap::new() });

/// The futures that wait for the stop.
struct Wakers {
    last_key: u64,
    by_key: BTreeMap<u64, Waker>,
}

/// Requests the stop, and wakes every waiter.
pub(crate) fn request_stop() {
    set_stop_requested();
    wake_waiters();
}

/// Requests the stop. A call of [`wake_waiters`] has to follow.
pub(crate) fn set_stop_requested() {
    let _guard = lock();
    flag::set_stop_requested();
}

/// Wakes every waiter, after [`set_stop_requested`].
pub(crate) fn wake_waiters() {
    STOPPED.notify_all();
    // Pairs with the fence in `event_fd`: a thread that has created the event by now is woken by the write below; one that
    // creates it later sees the flag.
    fence(SeqCst);
    if let Some(event) = EVENT.get() {
        let _ = event.write(1);
    }
    // Last, and not under the lock: a waker runs code of the user's runtime.
    let wakers = std::mem::take(&mut mutex::lock(&WAKERS).by_key);
    wakers.into_values().for_each(Waker::wake);
}

/// Sleeps for `time`, or until the stop. Returns `true` if the full duration elapsed.
pub(crate) fn sleep(time: Duration) -> bool {
    if let Some(deadline) = Instant::now().checked_add(time) {
        return sleep_until(deadline);
    }
    let _asleep = SleepGuard::new();
    drop(STOPPED.wait_while(lock(), |()| !flag::is_stop_requested()));
    false
}

/// Sleeps until `deadline`, or until the stop. Returns `true` if the deadline was reached.
pub(crate) fn sleep_until(deadline: Instant) -> bool {
    let _asleep = SleepGuard::new();
    let mut guard = lock();
    loop {
        if flag::is_stop_requested() {
            return false;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        guard = mutex::wait_timeout(&STOPPED, guard, left);
    }
}

/// Returns a descriptor that becomes readable when the daemon is to stop, and stays readable.
pub(crate) fn event_fd() -> io::Result<BorrowedFd<'static>> {
    if EVENT.get().is_none() {
        let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        let _ = EVENT.set(event);
    }
    let event = EVENT.get().ok_or_else(|| io::Error::other("the wait handle was not kept"))?;
    fence(SeqCst);
    if flag::is_stop_requested() {
        event.write(1)?;
    }
    Ok(event.as_fd())
}

/// Registers the waker of a future under `key`, which the first call assigns. Returns `Ready` if the daemon is to stop.
pub(super) fn register_waker(key: &mut Option<u64>, waker: &Waker) -> Poll<()> {
    let mut wakers = mutex::lock(&WAKERS);
    // Under the lock: `wake_waiters` takes the wakers after the flag was set.
    if flag::is_stop_requested() {
        return Poll::Ready(());
    }
    let key = *key.get_or_insert_with(|| {
        wakers.last_key += 1;
        wakers.last_key
    });
    let replaced = wakers.by_key.insert(key, waker.clone());
    drop(wakers);
    // Not under the lock: the last waker of a task may drop the task, and with it another future that is registered here.
    drop(replaced);
    Poll::Pending
}

/// Removes the waker of a future.
pub(super) fn remove_waker(key: u64) {
    let removed = mutex::lock(&WAKERS).by_key.remove(&key);
    drop(removed);
}

pub(super) fn reset() {
    let _guard = lock();
    flag::reset();
    if let Some(event) = EVENT.get() {
        let _ = event.read();
    }
}

fn lock() -> MutexGuard<'static, ()> {
    mutex::lock(&LOCK)
}
