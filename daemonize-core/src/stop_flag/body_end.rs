//! Records how the body will end after a stop: by itself, cancelled by its runtime, or only with the process.

use super::{body, poll};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed, Ordering::SeqCst};

static SAW_STOP: AtomicBool = AtomicBool::new(false);
static PROGRAM_HANDLES_STOP: AtomicBool = AtomicBool::new(false);
static IS_CANCELLED: AtomicBool = AtomicBool::new(false);
static IS_PARKED: AtomicBool = AtomicBool::new(false);

/// Records that the body has received the answer that the daemon is to stop, or waits for it with a descriptor of its own.
pub(crate) fn set_body_saw_stop() {
    SAW_STOP.store(true, Relaxed);
}

/// Returns `true` after [`set_body_saw_stop`].
pub(crate) fn body_saw_stop() -> bool {
    SAW_STOP.load(Relaxed)
}

/// Records that a signal handler of the program's own also received the stop signal, so that the body may learn of the
/// stop from it. To be called before the stop is requested.
pub(crate) fn set_program_handles_stop() {
    PROGRAM_HANDLES_STOP.store(true, SeqCst);
}

/// Returns `true` after [`set_program_handles_stop`].
pub(crate) fn program_handles_stop() -> bool {
    PROGRAM_HANDLES_STOP.load(SeqCst)
}

/// Returns `true` if the body may end by itself: it polls the flag, or the program handles the stop signal.
pub(crate) fn body_may_know() -> bool {
    poll::was_polled() || program_handles_stop()
}

/// Returns `true` if the body ends by itself after a stop, or is cancelled by its runtime.
pub(crate) fn body_will_end() -> bool {
    body_may_know() || body::cancels_body()
}

/// Records that the body was cancelled without knowing of the stop.
#[cfg_attr(not(feature = "tokio"), allow(dead_code))]
pub(crate) fn set_body_cancelled() {
    IS_CANCELLED.store(true, SeqCst);
}

/// Returns `true` after [`set_body_cancelled`].
pub(crate) fn is_body_cancelled() -> bool {
    IS_CANCELLED.load(SeqCst)
}

/// Suspends an async body that ignores the stop until its runtime drops it.
#[cfg_attr(not(feature = "tokio"), allow(dead_code))]
pub(crate) async fn park_forever() {
    IS_PARKED.store(true, SeqCst);
    std::future::pending::<()>().await;
}

/// Returns `true` after [`park_forever`].
#[cfg_attr(not(feature = "tokio"), allow(dead_code))]
pub(crate) fn is_body_parked() -> bool {
    IS_PARKED.load(SeqCst)
}

pub(super) fn reset() {
    for flag in [&SAW_STOP, &PROGRAM_HANDLES_STOP, &IS_CANCELLED, &IS_PARKED] {
        flag.store(false, SeqCst);
    }
}
