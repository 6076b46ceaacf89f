//! The flag that says "stop", what wakes those who wait for it, and what the body has asked about it.
//!
//! A process is at most one daemon, so this state is the process's: plain statics, which cost one relaxed load to look
//! at, exist before any thread does, and are fresh in every daemon because a launcher never sets them.

use crate::mutex;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

static MARKED: AtomicBool = AtomicBool::new(false);
static TOLD: AtomicBool = AtomicBool::new(false);
static ASKED: AtomicBool = AtomicBool::new(false);
static LOCK: Mutex<()> = Mutex::new(());
static WAKE: Condvar = Condvar::new();
static EVENT: OnceLock<EventFd> = OnceLock::new();

/// Says that the daemon is to stop: wakes every sleeper and every wait handle.
pub(crate) fn mark() {
    let guard = lock();
    MARKED.store(true, SeqCst);
    drop(guard);
    WAKE.notify_all();
    if let Some(event) = EVENT.get() {
        let _ = event.write(1);
    }
}

/// Whether nobody has told the daemon to stop before; whoever is the first does.
pub(crate) fn tell() -> bool {
    !TOLD.swap(true, SeqCst)
}

/// Whether the daemon is to stop: one relaxed load.
#[inline]
pub(crate) fn is_marked() -> bool {
    MARKED.load(Relaxed)
}

/// The body has shown that it looks: it is given time to return.
#[inline]
pub(crate) fn ask() {
    if !ASKED.load(Relaxed) {
        ASKED.store(true, SeqCst);
    }
}

/// Whether the body ever looked.
pub(crate) fn was_asked() -> bool {
    ASKED.load(SeqCst)
}

/// Sleeps until the stop or for `time`, whichever comes first; whether it slept it all.
pub(crate) fn sleep(time: Duration) -> bool {
    if let Some(deadline) = Instant::now().checked_add(time) {
        return sleep_until(deadline);
    }
    drop(WAKE.wait_while(lock(), |()| !is_marked()));
    false
}

/// Sleeps until the stop or until `deadline`, whichever comes first; whether it slept it all.
pub(crate) fn sleep_until(deadline: Instant) -> bool {
    let mut guard = lock();
    loop {
        if is_marked() {
            return false;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        guard = WAKE.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// A descriptor that becomes readable when the daemon is to stop, and stays so.
pub(crate) fn descriptor() -> io::Result<BorrowedFd<'static>> {
    if EVENT.get().is_none() {
        let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        let _ = EVENT.set(event);
    }
    let event = EVENT.get().ok_or_else(|| io::Error::other("the wait handle was not kept"))?;
    if is_marked() {
        event.write(1)?;
    }
    Ok(event.as_fd())
}

fn lock() -> MutexGuard<'static, ()> {
    mutex::lock(&LOCK)
}
