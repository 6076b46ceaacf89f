//! Tells the body's thread, and the body's task in it, from all others.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// The body is a future, which its runner drops when the daemon is to stop.
static CANCELS_BODY: AtomicBool = AtomicBool::new(false);

thread_local! {
    static IS_BODY_THREAD: Cell<bool> = const { Cell::new(false) };
    static IS_POLLING_BODY: Cell<bool> = const { Cell::new(false) };
}

/// Records that the calling thread runs the body.
pub(crate) fn enter_body_thread() {
    IS_BODY_THREAD.set(true);
}

/// Returns `true` if the calling thread runs the body.
pub(crate) fn is_body_thread() -> bool {
    IS_BODY_THREAD.get()
}

/// Returns `true` if the body itself calls, and not a task beside an async body in the same thread.
pub(crate) fn is_called_from_body() -> bool {
    is_body_thread() && (!cancels_body() || is_polling_body())
}

/// Records that the runner of the body cancels it after a stop, even a body that never polls the flag.
#[cfg_attr(not(feature = "tokio"), allow(dead_code))]
pub(crate) fn set_cancels_body() {
    CANCELS_BODY.store(true, SeqCst);
}

/// Returns `true` after [`set_cancels_body`].
pub(super) fn cancels_body() -> bool {
    CANCELS_BODY.load(SeqCst)
}

/// Runs `poll`, which polls an async body: calls made meanwhile come from the body.
#[cfg_attr(not(feature = "tokio"), allow(dead_code))]
pub(crate) fn while_polling_body<T>(poll: impl FnOnce() -> T) -> T {
    IS_POLLING_BODY.set(true);
    let result = poll();
    IS_POLLING_BODY.set(false);
    result
}

/// Returns `true` if the async body calls, and not a task that it has spawned.
#[cfg_attr(not(feature = "tokio"), allow(dead_code))]
pub(crate) fn is_polling_body() -> bool {
    IS_POLLING_BODY.get()
}

pub(super) fn reset() {
    CANCELS_BODY.store(false, SeqCst);
}
