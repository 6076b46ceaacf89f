//! Sleep in a daemon: the stop interrupts the first sleep, and ends a body that sleeps on without polling the stop flag.

#[cfg(feature = "tokio")]
use super::stop_reports::was_reported_to_task;
use super::stop_reports::was_reported_to_thread;
use crate::body::Unwound;
use crate::context::{DaemonContext, current};
use crate::stop_flag::{self, SleepGuard};
use std::cell::Cell;
use std::panic::resume_unwind;
use std::thread;
use std::time::Duration;

/// The longest sleep of a body that has not seen the stop, but whose program handles the stop signal itself.
const RECHECK_INTERVAL: Duration = Duration::from_millis(100);

thread_local! {
    static CATCHES_UNWIND: Cell<bool> = const { Cell::new(false) };
    static IS_TESTED: Cell<bool> = const { Cell::new(false) };
}

/// Records that the caller of the body catches its unwinding, in the calling thread.
pub(crate) fn expect_unwind() {
    CATCHES_UNWIND.set(true);
}

/// Records that the calling thread runs a body under test, which is unwound although the process is not a daemon.
pub(crate) fn unwind_without_daemon() {
    IS_TESTED.set(true);
}

/// Sleeps for `time`, or until the daemon is to stop. Returns `true` if the full duration elapsed.
///
/// In each thread, the first call that a stop interrupts (or that finds the stop) returns `false` at once. Later calls sleep
/// for their full time and return `false`, too: a body that cleans up may wait, and a thread that ignores the result does not
/// spin.
///
/// A body that sleeps again without having seen [`stopping`](crate::stopping) return `true` is in a loop that ignores the stop:
/// the call unwinds the body, its locals are dropped, and the daemon ends in order. So `loop { daemon::sleep(hour); }` stops at
/// once. (In a program built with `panic = "abort"`, and after `activate`, the process exits in this call, and locals are not
/// dropped.) If the program handles the stop signal itself, such a body is not unwound: each call sleeps for at most 0.1 s, so
/// that the body can check what its handler has recorded.
///
/// ```
/// # use std::time::Duration;
/// while daemon::sleep(Duration::from_millis(1)) {
///     // once a millisecond, until the daemon is to stop
/// #   break;
/// }
/// ```
pub fn sleep(time: Duration) -> bool {
    if !stop_flag::poll_stop() && stop_flag::sleep(time) {
        return true;
    }
    if was_reported_to_thread() {
        let time = if is_body_ignoring_stop() { unwind_or_shorten(time) } else { time };
        let _asleep = SleepGuard::new();
        thread::sleep(time);
    }
    false
}

/// Returns `true` if the body calls, and has never seen `stopping` return `true`.
fn is_body_ignoring_stop() -> bool {
    stop_flag::is_called_from_body() && !stop_flag::body_saw_stop()
}

/// Unwinds a body that ignores the stop. Returns how long the body sleeps if it must not be unwound.
fn unwind_or_shorten(time: Duration) -> Duration {
    match current() {
        None if IS_TESTED.get() => {
            unwind();
            time
        }
        None => time,
        Some(_) if stop_flag::program_handles_stop() => time.min(RECHECK_INTERVAL),
        Some(context) => {
            unwind_or_exit(context);
            time
        }
    }
}

/// Unwinds the body, or ends the daemon if its caller would not catch that.
fn unwind_or_exit(context: &DaemonContext) {
    if cfg!(panic = "abort") || !CATCHES_UNWIND.get() {
        (context.exit_cleanly)();
    }
    unwind();
}

/// Unwinds the body without the panic hook, unless the thread is panicking.
fn unwind() {
    // A destructor that sleeps while the body is unwound must not unwind again: that would abort the process.
    if !thread::panicking() {
        resume_unwind(Box::new(Unwound));
    }
}

/// Sleeps for `time` in async code, or until the daemon is to stop. Returns `true` if the full duration elapsed.
///
/// As in [`sleep`], the first call in each task that a stop interrupts (or that finds the stop) returns `false` at once, and
/// later calls sleep for their full time. A body that sleeps again without having seen [`stopping`](crate::stopping) return
/// `true` is dropped where it awaits, unless the program handles the stop signal itself. So `loop { sleep_async(hour).await; }`
/// stops at once.
///
/// # Panics
/// Outside of a tokio runtime.
#[cfg(feature = "tokio")]
pub async fn sleep_async(time: Duration) -> bool {
    let is_stopping = stop_flag::poll_stop();
    if !is_stopping && tokio::time::timeout(time, stop_flag::StopFuture::for_body()).await.is_err() {
        return true;
    }
    let is_body = std::future::poll_fn(|_| std::task::Poll::Ready(stop_flag::is_polling_body())).await;
    // Only a call that began after the stop: one task may await several sleeps at once, and the stop interrupts all of them.
    if was_reported_to_task(is_body) && is_stopping {
        let ignores_stop = is_body && !stop_flag::body_saw_stop();
        if ignores_stop && !stop_flag::program_handles_stop() {
            stop_flag::park_forever().await;
        }
        tokio::time::sleep(if ignores_stop { time.min(RECHECK_INTERVAL) } else { time }).await;
    }
    false
}
