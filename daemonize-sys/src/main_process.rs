//! Detects the main process of a container: the container ends with it.

use crate::pid::Pid;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// `true` if process 1 has forked this process, and is its init.
static HAS_INIT: AtomicBool = AtomicBool::new(false);

/// Returns `true` in process 1 of a pid namespace, and in the daemon that process 1 has forked.
pub fn is_main_process() -> bool {
    Pid::this().as_raw() == 1 || HAS_INIT.load(Relaxed)
}

/// Records that process 1 has forked this process, and remains as its init.
pub fn set_has_init() {
    HAS_INIT.store(true, Relaxed);
}
