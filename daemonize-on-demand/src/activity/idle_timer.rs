//! The timer that wakes the acceptor when the daemon may be idle (`timerfd_create(2)`, `CLOCK_BOOTTIME`).

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

/// The latest time that a timer is set to: 30 years, which every `time_t` can hold.
const LATEST: Duration = Duration::from_secs(30 * 366 * 24 * 60 * 60);

/// A timer that many threads set, and one waits for.
#[derive(Clone)]
pub(crate) struct IdleTimer(Arc<TimerFd>);

impl IdleTimer {
    /// Creates a timer that is not set.
    pub(crate) fn new() -> io::Result<IdleTimer> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        Ok(IdleTimer(Arc::new(TimerFd::new(ClockId::CLOCK_BOOTTIME, flags)?)))
    }

    /// Sets the time of the boot clock at which the timer expires.
    pub(super) fn set(&self, time: Duration) {
        // Zero would disarm it.
        let time = TimeSpec::from_duration(time.clamp(Duration::from_nanos(1), LATEST));
        let _ = self.0.set(Expiration::OneShot(time), TimerSetTimeFlags::TFD_TIMER_ABSTIME);
    }

    /// Makes the timer wait for its next setting. Returns `false` if it has not expired.
    pub(crate) fn take_expiration(&self) -> bool {
        // Does not block (`TFD_NONBLOCK`).
        self.0.wait().is_ok()
    }
}

impl AsFd for IdleTimer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
