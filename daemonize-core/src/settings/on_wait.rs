//! The callback that learns how long a start has been waiting, and for what.

use crate::mutex;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A start that waits: see [`Daemon::on_wait`](crate::Daemon::on_wait).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StartWait {
    /// How long this wait has lasted.
    pub elapsed: Duration,
    /// How long it may last, from its beginning. A daemon that asks for more time
    /// ([`extend_start`](crate::extend_start)) makes it longer.
    pub limit: Duration,
    /// The event that the start waits for.
    pub reason: WaitReason,
}

/// The event that a start waits for. Displayed as the end of the sentence "waiting for …".
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitReason {
    /// Another process holds the lock of the pidfile: see [`Daemon::lock_timeout`](crate::Daemon::lock_timeout).
    Lock,
    /// The daemon runs its hooks and attachments, or its body has not polled the stop flag yet.
    Readiness,
    /// The body has not called [`ready`](crate::ready()).
    ReadyCall,
    /// The body has reported an end by `exit(3)`, and the daemon's process has not ended yet.
    Exit,
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WaitReason::Lock => "the lock of its pidfile",
            WaitReason::Readiness => "the daemon to be ready",
            WaitReason::ReadyCall => "the daemon to call `daemon::ready()`",
            WaitReason::Exit => "the daemon to exit",
        })
    }
}

type SharedWaitCallback = Arc<Mutex<dyn FnMut(&StartWait) + Send>>;

/// The callback of [`Daemon::on_wait`](crate::Daemon::on_wait), shared by all clones of a `Daemon`.
#[derive(Clone)]
pub(crate) struct OnWait(SharedWaitCallback);

impl OnWait {
    pub(crate) fn new(callback: impl FnMut(&StartWait) + Send + 'static) -> OnWait {
        OnWait(Arc::new(Mutex::new(callback)))
    }

    /// Calls the callback. A panic is caught, and counts as a call.
    pub(crate) fn call(&self, elapsed: Duration, limit: Duration, reason: WaitReason) {
        let wait = StartWait { elapsed, limit, reason };
        let _ = catch_unwind(AssertUnwindSafe(|| (mutex::lock(&self.0))(&wait)));
    }
}

impl fmt::Debug for OnWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnWait").finish_non_exhaustive()
    }
}
