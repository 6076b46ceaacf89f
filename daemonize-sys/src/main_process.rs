//! Tells the main process of a container from others: when it ends, so does the container.

use crate::pid::Pid;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Process 1 has forked this process, and is its init.
static HAS_INIT: AtomicBool = AtomicBool::new(false);

/// Returns `true` in process 1 of a pid namespace, and in the daemon that process 1 has forked.
pub fn is_main_process() -> bool {
    Pid::this().as_raw() == 1 || HAS_INIT.load(Relaxed)
}

/// Notes that process 1 has forked this process, and stays as its init.
pub fn set_has_init() {
    HAS_INIT.store(true, Relaxed);
}
