//! The threads and tasks to which a sleep has reported the stop.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
#[cfg(feature = "tokio")]
use {
    crate::mutex::lock,
    std::collections::BTreeSet,
    std::sync::Mutex,
    std::sync::atomic::AtomicBool,
    tokio::task::{Id, try_id},
};

/// The number of the current stop: a daemon has one, and each body under test has one.
static STOP_NUMBER: AtomicU32 = AtomicU32::new(1);

#[cfg(feature = "tokio")]
static BODY_TASK: AtomicBool = AtomicBool::new(false);
#[cfg(feature = "tokio")]
static OTHER_TASKS: Mutex<BTreeSet<Id>> = Mutex::new(BTreeSet::new());

thread_local! {
    /// The number of the last stop that a sleep has reported to this thread.
    static LAST_REPORTED: Cell<u32> = const { Cell::new(0) };
}

/// Records that a sleep has reported the stop to the calling thread. Returns `true` if one had before.
pub(super) fn was_reported_to_thread() -> bool {
    let stop = STOP_NUMBER.load(Relaxed);
    LAST_REPORTED.replace(stop) == stop
}

/// Records that a sleep has reported the stop to the calling task. Returns `true` if one had before.
#[cfg(feature = "tokio")]
pub(super) fn was_reported_to_task(is_body: bool) -> bool {
    match try_id() {
        _ if is_body => BODY_TASK.swap(true, Relaxed),
        Some(task) => !lock(&OTHER_TASKS).insert(task),
        // A future that `block_on` runs in a thread of its own is not a task.
        None => was_reported_to_thread(),
    }
}

/// Forgets all reports: the next body under test has a stop of its own.
pub(super) fn reset() {
    STOP_NUMBER.fetch_add(1, Relaxed);
    #[cfg(feature = "tokio")]
    {
        BODY_TASK.store(false, Relaxed);
        lock(&OTHER_TASKS).clear();
    }
}
