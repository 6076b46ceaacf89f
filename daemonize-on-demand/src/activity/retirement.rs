//! The exit in favour of another build: as soon as the daemon is idle, however short a time.

use super::{ACTIVITY, Activity};
use daemonize_core::messages::counters;
use daemonize_sys::mutex::lock;

/// Makes the daemon exit as soon as it is idle. Returns `true` if it has neither work nor a client other than `own` ones, which the sender
/// of the request is about to close.
pub(crate) fn retire_when_idle(own: u64) -> bool {
    let mut activity = lock(&ACTIVITY);
    activity.begin_retirement();
    activity.is_idle_without(own)
}

/// Makes the daemon exit as soon as it is idle, if it has neither work nor a client other than `own` ones. Returns `false` if it has.
pub(crate) fn retire_if_idle(own: u64) -> bool {
    let mut activity = lock(&ACTIVITY);
    let is_idle = activity.is_idle_without(own);
    if is_idle {
        activity.begin_retirement();
    }
    is_idle
}

/// Returns `true` if the daemon exits as soon as it is idle.
pub(crate) fn is_retiring() -> bool {
    lock(&ACTIVITY).is_retiring
}

impl Activity {
    fn is_idle_without(&self, own: u64) -> bool {
        self.clients <= own && self.busy == 0 && counters().in_flight == 0
    }

    /// Sets the idle time to zero. The acceptor looks at once, and whenever a client leaves.
    fn begin_retirement(&mut self) {
        self.is_retiring = true;
        self.set_timer();
    }
}
