//! The flag that says "stop", what wakes those who wait for it, and what the body has asked about it.
//!
//! A process is at most one daemon, so this state is the process's: plain statics, which cost one relaxed load to look
//! at, exist before any thread does, and are fresh in every daemon because a launcher never sets them.
//!
//! Looking also shows that the body lives. A watchdog takes the mark of the last look away and sees whether it comes
//! back; a body that sleeps here is not hung either.

use crate::first_look;
use crate::mutex;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed, Ordering::SeqCst, fence};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// In [`STATE`]: the body has looked since somebody took this away.
const LOOKED: u8 = 1;
/// In [`STATE`]: the daemon is to stop.
const MARKED: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(0);
static ASKED: AtomicBool = AtomicBool::new(false);
static TOLD: AtomicBool = AtomicBool::new(false);
static ORDERLY: AtomicBool = AtomicBool::new(false);
static RESIGNED: AtomicBool = AtomicBool::new(false);
static HEARD_ELSEWHERE: AtomicBool = AtomicBool::new(false);
static CUT_OFF: AtomicBool = AtomicBool::new(false);
/// Of the watchdog, if there is one.
static INTERVAL: OnceLock<Duration> = OnceLock::new();
static ASLEEP: AtomicBool = AtomicBool::new(false);
static LOCK: Mutex<()> = Mutex::new(());
static WAKE: Condvar = Condvar::new();
static EVENT: OnceLock<EventFd> = OnceLock::new();
static WAKERS: Mutex<Wakers> = Mutex::new(Wakers { next: 0, all: BTreeMap::new() });

thread_local! {
    static IS_BODY: Cell<bool> = const { Cell::new(false) };
    static POLLS_BODY: Cell<bool> = const { Cell::new(false) };
}

/// Says that this thread is the body's.
pub(crate) fn be_the_body() {
    IS_BODY.set(true);
}

/// Whether the body is what runs here, and not a task beside it in the same thread.
pub(crate) fn may_be_unwound() -> bool {
    is_the_body() && (!ORDERLY.load(SeqCst) || polls_the_body())
}

/// Whether this thread is the body's.
pub(crate) fn is_the_body() -> bool {
    IS_BODY.get()
}

/// Says that the daemon is to stop: wakes every sleeper and every wait handle.
pub(crate) fn mark() {
    set_marked();
    wake();
}

/// Says that the daemon is to stop, to those that look. [`wake`] has to follow.
pub(crate) fn set_marked() {
    let _guard = lock();
    STATE.fetch_or(MARKED, SeqCst);
}

/// Wakes every sleeper and every wait handle, after [`set_marked`].
pub(crate) fn wake() {
    WAKE.notify_all();
    // Whoever has the event by now is told by it; whoever comes later sees the mark.
    fence(SeqCst);
    if let Some(event) = EVENT.get() {
        let _ = event.write(1);
    }
    // Last: what they run is not ours.
    let wakers = std::mem::take(&mut mutex::lock(&WAKERS).all);
    wakers.into_values().for_each(Waker::wake);
}

/// Whether nobody has told the daemon to stop before; whoever is the first does.
pub(crate) fn tell() -> bool {
    !TOLD.swap(true, SeqCst)
}

/// Takes back what [`tell`] said first, before anything has followed from it.
pub(crate) fn withdraw() {
    TOLD.store(false, SeqCst);
}

/// Whether it has been told to stop from inside, or is to stop.
pub(crate) fn is_told() -> bool {
    is_marked() || TOLD.load(SeqCst)
}

/// Whether the daemon is to stop.
#[inline]
pub(crate) fn is_marked() -> bool {
    STATE.load(Relaxed) & MARKED != 0
}

/// Whether the daemon is to stop, asked by a body: one relaxed load. A body that looks is given time to return.
#[inline]
pub(crate) fn look() -> bool {
    STATE.load(Relaxed) != LOOKED && look_closely(true)
}

/// As [`look`], where it says nothing about the body's work: in the loops of this library, before a first success.
#[inline]
pub(crate) fn look_before_ready() -> bool {
    STATE.load(Relaxed) != LOOKED && look_closely(false)
}

#[cold]
fn look_closely(begins: bool) -> bool {
    ASKED.store(true, SeqCst);
    if begins {
        first_look();
    }
    // Under a watchdog, only the body's thread proves that the body lives. While the first look is awaited, each one has to
    // come here.
    if (is_the_body() || watch_interval().is_none()) && !first_look::is_awaited() {
        STATE.fetch_or(LOOKED, SeqCst);
    }
    is_marked()
}

/// Has the first look call `announce`. A look of a hook, or of what lives beside the body, may have come before the body's.
pub(crate) fn await_first_look(announce: fn()) {
    first_look::await_with(announce);
    STATE.fetch_and(!LOOKED, SeqCst);
}

/// The body looks, unless it is another thread or task that does: the daemon is ready.
pub(crate) fn first_look() {
    if may_be_unwound() {
        first_look::happen();
    }
}

/// Whether the body ever looked.
pub(crate) fn was_asked() -> bool {
    ASKED.load(SeqCst)
}

/// Whoever runs the body ends it in order, even one that never looks.
#[cfg_attr(not(feature = "tokio"), allow(dead_code))]
pub(crate) fn see_to_the_end() {
    ORDERLY.store(true, SeqCst);
}

/// Records that a handler of the program's own has taken the stop signal, too: the body may learn of the stop by it.
/// Before [`mark`].
pub(crate) fn set_heard_elsewhere() {
    HEARD_ELSEWHERE.store(true, SeqCst);
}

/// Returns `true` after [`set_heard_elsewhere`].
pub(crate) fn is_heard_elsewhere() -> bool {
    HEARD_ELSEWHERE.load(SeqCst)
}

/// Returns `true` if the body may end by itself: it has asked, or may have heard of the stop in another way.
pub(crate) fn may_know() -> bool {
    was_asked() || is_heard_elsewhere()
}

/// Whether the body ends by itself, or is ended by whoever runs it, when the daemon is to stop.
pub(crate) fn ends_in_order() -> bool {
    may_know() || ORDERLY.load(SeqCst)
}

/// Records that the body does not know of the stop, and is ended without it.
#[cfg_attr(not(feature = "tokio"), allow(dead_code))]
pub(crate) fn set_cut_off() {
    CUT_OFF.store(true, SeqCst);
}

/// Returns `true` after [`set_cut_off`].
pub(crate) fn is_cut_off() -> bool {
    CUT_OFF.load(SeqCst)
}

/// From now on a watchdog asks [`lives`], and does something about it when this time has passed.
pub(crate) fn watch(interval: Duration) {
    let _ = INTERVAL.set(interval);
    STATE.fetch_and(!LOOKED, SeqCst);
}

/// How long a watchdog waits; nothing without one.
pub(crate) fn watch_interval() -> Option<Duration> {
    INTERVAL.get().copied()
}

/// As looking does, without asking anything.
#[cfg_attr(not(feature = "tokio"), allow(dead_code))]
pub(crate) fn show_life() {
    STATE.fetch_or(LOOKED, SeqCst);
}

/// Whether the body has looked since this was asked last, or sleeps.
pub(crate) fn lives() -> bool {
    STATE.fetch_and(!LOOKED, SeqCst) & LOOKED != 0 || ASLEEP.load(SeqCst)
}

/// While it exists, the body is known to sleep.
pub(crate) struct Asleep(bool);

impl Asleep {
    pub(crate) fn fall() -> Asleep {
        let watched = is_the_body() && watch_interval().is_some();
        if watched {
            ASLEEP.store(true, SeqCst);
        }
        Asleep(watched)
    }
}

impl Drop for Asleep {
    fn drop(&mut self) {
        if self.0 {
            ASLEEP.store(false, SeqCst);
        }
    }
}

/// Sleeps until the stop or for `time`, whichever comes first; whether it slept it all.
pub(crate) fn sleep(time: Duration) -> bool {
    if let Some(deadline) = Instant::now().checked_add(time) {
        return sleep_until(deadline);
    }
    let _asleep = Asleep::fall();
    drop(WAKE.wait_while(lock(), |()| !is_marked()));
    false
}

/// Sleeps until the stop or until `deadline`, whichever comes first; whether it slept it all.
pub(crate) fn sleep_until(deadline: Instant) -> bool {
    let _asleep = Asleep::fall();
    let mut guard = lock();
    loop {
        if is_marked() {
            return false;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        guard = mutex::wait_timeout(&WAKE, guard, left);
    }
}

/// Who awaits the stop.
struct Wakers {
    next: u64,
    all: BTreeMap<u64, Waker>,
}

/// Resolves when the daemon is to stop: see [`stopped`](crate::stopped).
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub(crate) struct UntilStopped {
    /// Whether awaiting it counts as looking.
    asks: bool,
    key: Option<u64>,
}

impl UntilStopped {
    pub(crate) fn asked() -> UntilStopped {
        UntilStopped { asks: true, key: None }
    }

    #[cfg_attr(not(feature = "tokio"), allow(dead_code))]
    pub(crate) fn unasked() -> UntilStopped {
        UntilStopped { asks: false, key: None }
    }
}

impl Future for UntilStopped {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let marked = if self.asks { look() } else { is_marked() };
        if marked {
            return Poll::Ready(());
        }
        let mut wakers = mutex::lock(&WAKERS);
        // Under the lock: whoever marks takes the wakers after it has marked.
        if is_marked() {
            return Poll::Ready(());
        }
        let key = *self.key.get_or_insert_with(|| {
            wakers.next += 1;
            wakers.next
        });
        let old = wakers.all.insert(key, context.waker().clone());
        drop(wakers);
        // Not under the lock: the last waker of a task may drop it, and with it another of these.
        drop(old);
        Poll::Pending
    }
}

impl Drop for UntilStopped {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let old = mutex::lock(&WAKERS).all.remove(&key);
            drop(old);
        }
    }
}

/// Polls an async body: what it calls meanwhile is called by the body.
#[cfg_attr(not(feature = "tokio"), allow(dead_code))]
pub(crate) fn as_the_body<T>(poll: impl FnOnce() -> T) -> T {
    POLLS_BODY.set(true);
    let result = poll();
    POLLS_BODY.set(false);
    result
}

/// Whether the async body is what calls, and not a task that it has spawned.
#[cfg_attr(not(feature = "tokio"), allow(dead_code))]
pub(crate) fn polls_the_body() -> bool {
    POLLS_BODY.get()
}

/// The async body knows that the daemon is to stop, and awaits its end instead of coming to it.
#[cfg_attr(not(feature = "tokio"), allow(dead_code))]
pub(crate) fn resign() {
    RESIGNED.store(true, SeqCst);
}

/// See [`resign`].
#[cfg_attr(not(feature = "tokio"), allow(dead_code))]
pub(crate) fn has_resigned() -> bool {
    RESIGNED.load(SeqCst)
}

/// Forgets the stop and everything that a body has asked: the next body of a test begins as in a new process.
pub(crate) fn reset() {
    let _guard = lock();
    STATE.store(0, SeqCst);
    for flag in [&ASKED, &TOLD, &ORDERLY, &RESIGNED, &ASLEEP] {
        flag.store(false, SeqCst);
    }
    if let Some(event) = EVENT.get() {
        let _ = event.read();
    }
}

/// A descriptor that becomes readable when the daemon is to stop, and stays so.
pub(crate) fn descriptor() -> io::Result<BorrowedFd<'static>> {
    if EVENT.get().is_none() {
        let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        let _ = EVENT.set(event);
    }
    let event = EVENT.get().ok_or_else(|| io::Error::other("the wait handle was not kept"))?;
    fence(SeqCst);
    if is_marked() {
        event.write(1)?;
    }
    Ok(event.as_fd())
}

fn lock() -> MutexGuard<'static, ()> {
    mutex::lock(&LOCK)
}
