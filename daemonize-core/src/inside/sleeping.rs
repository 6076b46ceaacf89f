//! Sleeping in a daemon: a stop interrupts the first sleep that it finds, and those after it take their time.

use super::{Inside, LOOKS, current, testing};
use crate::body::Unwound;
use crate::stopping::{self as flag, Asleep};
use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

/// How long a body sleeps at most that has not seen the stop, but whose program has a handler of its own.
const RECHECK_INTERVAL: Duration = Duration::from_millis(100);

/// The number of the stop: a daemon has one, the bodies of tests have one each.
static STOP: AtomicU32 = AtomicU32::new(1);

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
    /// The last stop of which a sleep has told this thread.
    static TOLD: Cell<u32> = const { Cell::new(0) };
}

/// In the thread that calls, something catches what is unwound.
pub(crate) fn expect_to_be_unwound() {
    IS_GUARDED.set(true);
}

/// Sleeps for `time`, or until the daemon is to stop; whether it slept it all.
///
/// In each thread, the first call that a stop interrupts (or finds) returns false at once. Those after it sleep for their
/// whole time and return false, too: a body that cleans up may wait, and a thread that does not look does not spin.
///
/// A body that sleeps once more without ever having seen [`stopping`](crate::stopping) say true is in a loop that does not
/// look: it is unwound from here, its locals are dropped, and the daemon ends cleanly. So `loop { daemon::sleep(hour); }`
/// stops at once. (In a program built with `panic = "abort"`, and after `activate`, the daemon ends here, and locals are
/// not dropped.) Where the program handles the stop signal itself, such a body is not unwound: it sleeps for 0.1 s at most
/// each time, so that it comes to look at what its handler has said.
///
/// ```
/// # use std::time::Duration;
/// while daemon::sleep(Duration::from_millis(1)) {
///     // once a millisecond, until the daemon is to stop
/// #   break;
/// }
/// ```
pub fn sleep(time: Duration) -> bool {
    if !flag::look() && flag::sleep(time) {
        return true;
    }
    if was_thread_told() {
        let time = if is_body_that_does_not_look() { leave_or_recheck(time) } else { time };
        let _asleep = Asleep::fall();
        thread::sleep(time);
    }
    false
}

/// Records that the thread that calls has been told of the stop. Returns `true` if it was told before.
fn was_thread_told() -> bool {
    let stop = STOP.load(Relaxed);
    TOLD.replace(stop) == stop
}

/// Returns `true` if the body calls, and has never seen `stopping` say true.
fn is_body_that_does_not_look() -> bool {
    flag::may_be_unwound() && !LOOKS.load(Relaxed)
}

/// Leaves a body that does not look. Returns how long it sleeps where it may not be left.
fn leave_or_recheck(time: Duration) -> Duration {
    match current() {
        // A local that sleeps while the body is unwound must not be unwound itself: that would abort the process.
        None if testing::is_tested() && !thread::panicking() => std::panic::resume_unwind(Box::new(Unwound)),
        None => time,
        Some(_) if flag::is_heard_elsewhere() => time.min(RECHECK_INTERVAL),
        Some(inside) => {
            unwind(inside);
            time
        }
    }
}

/// Unwinds the body, or ends the daemon where nothing would catch that.
fn unwind(inside: &Inside) {
    if cfg!(panic = "abort") || !IS_GUARDED.get() {
        (inside.leave)();
    } else if !thread::panicking() {
        std::panic::resume_unwind(Box::new(Unwound));
    }
}

/// Sleeps for `time` in async code, or until the daemon is to stop; whether it slept it all.
///
/// As [`sleep`]: in each task, the first call that a stop interrupts (or finds) returns false at once, and those after it
/// sleep for their whole time. A body that sleeps once more without ever having seen [`stopping`](crate::stopping) say true is
/// dropped where it awaits, unless the program handles the stop signal itself. So `loop { sleep_async(hour).await; }` stops
/// at once.
///
/// # Panics
/// Outside of a tokio runtime.
#[cfg(feature = "tokio")]
pub async fn sleep_async(time: Duration) -> bool {
    let found = flag::look();
    if !found && tokio::time::timeout(time, flag::UntilStopped::asked()).await.is_err() {
        return true;
    }
    let is_body = std::future::poll_fn(|_| std::task::Poll::Ready(flag::polls_the_body())).await;
    // Not one that is interrupted beside another: only one that sleeps on.
    if tasks::was_told(is_body) && found {
        let does_not_look = is_body && !LOOKS.load(Relaxed);
        if does_not_look && !flag::is_heard_elsewhere() {
            flag::resign();
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(if does_not_look { time.min(RECHECK_INTERVAL) } else { time }).await;
    }
    false
}

/// Forgets which threads and tasks a sleep has told of the stop: the next stop is another one.
pub(super) fn forget_stop() {
    STOP.fetch_add(1, Relaxed);
    #[cfg(feature = "tokio")]
    tasks::forget_stop();
}

/// Which tasks a sleep has told of the stop.
#[cfg(feature = "tokio")]
mod tasks {
    use crate::mutex::lock;
    use std::collections::BTreeSet;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use tokio::task::{Id, try_id};

    static BODY: AtomicBool = AtomicBool::new(false);
    static OTHERS: Mutex<BTreeSet<Id>> = Mutex::new(BTreeSet::new());

    /// Records that the task that calls has been told. Returns `true` if it was told before.
    pub(super) fn was_told(is_body: bool) -> bool {
        match try_id() {
            _ if is_body => BODY.swap(true, Relaxed),
            Some(task) => !lock(&OTHERS).insert(task),
            // The future of a `block_on` in a thread of its own.
            None => super::was_thread_told(),
        }
    }

    pub(super) fn forget_stop() {
        BODY.store(false, Relaxed);
        lock(&OTHERS).clear();
    }
}
