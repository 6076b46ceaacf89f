//! The activity that keeps the daemon from exiting: open clients, waiting clients, and guards of the body.
//!
//! Its clock is `CLOCK_BOOTTIME`, which goes on while the machine sleeps: a daemon that was idle over night exits when the machine wakes.

mod clock;
mod guards;
mod idle_timer;
mod retirement;

pub(crate) use guards::ClientToken;
pub use guards::{Busy, busy};
pub(crate) use idle_timer::IdleTimer;
pub(crate) use retirement::{is_retiring, retire_if_idle, retire_when_idle};

use clock::boot_time;
use daemonize_core::messages::counters;
use daemonize_sys::mutex::lock;
use std::sync::Mutex;
use std::time::Duration;

/// The shortest time for which a started daemon waits for its first client, which has yet to connect after the start.
const FIRST_CLIENT_TIME: Duration = Duration::from_millis(500);

/// The shortest time between two looks of the acceptor at work that does not wake it when it ends: the idle time may be zero.
const MIN_LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// The activity of this process, which is at most one daemon.
static ACTIVITY: Mutex<Activity> = Mutex::new(Activity::new());

/// The state of the daemon's activity.
struct Activity {
    /// Clients that are open or wait for the body.
    clients: u64,
    /// Guards of [`busy`].
    busy: u64,
    /// The time of the last activity (`CLOCK_BOOTTIME`).
    last: Duration,
    /// How long the daemon is idle before it exits.
    idle: Duration,
    /// A client has been served, or a guard has existed.
    was_active: bool,
    /// The messages that had been handled at the last check.
    handled: u64,
    /// The daemon has decided to exit; nothing changes that any more.
    is_leaving: bool,
    /// The daemon exits as soon as it is idle, for a client of another build.
    is_retiring: bool,
    /// The timer of the acceptor, which is set when the last activity ends.
    timer: Option<IdleTimer>,
}

/// The answer of [`check_idle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdleCheck {
    /// The daemon has been idle for its time.
    Idle,
    /// The daemon works; its timer is set when that ends, or is set already.
    Active,
}

impl Activity {
    const fn new() -> Activity {
        Activity {
            clients: 0,
            busy: 0,
            last: Duration::ZERO,
            idle: Duration::MAX,
            was_active: false,
            handled: 0,
            is_leaving: false,
            is_retiring: false,
            timer: None,
        }
    }

    fn is_active(&self) -> bool {
        self.clients > 0 || self.busy > 0
    }

    /// Returns how long the daemon is to be idle before it exits.
    fn idle_time(&self) -> Duration {
        if self.is_retiring {
            return Duration::ZERO;
        }
        if self.was_active { self.idle } else { self.idle.max(FIRST_CLIENT_TIME) }
    }

    /// Records activity that ends or begins now.
    fn touch(&mut self) {
        self.last = boot_time();
        self.was_active = true;
    }

    /// Sets the timer to the end of the idle time. Nothing can be done if that fails: the daemon then runs on.
    fn set_timer(&self) {
        if let Some(timer) = &self.timer {
            timer.set(self.last.saturating_add(self.idle_time()));
        }
    }

    /// Sets the timer to one idle time from now.
    fn set_timer_from_now(&self) {
        if let Some(timer) = &self.timer {
            timer.set(boot_time().saturating_add(self.idle_time().max(MIN_LOOK_INTERVAL)));
        }
    }

    fn check(&mut self) -> IdleCheck {
        let counts = counters();
        let handled = counts.fetched;
        if self.is_active() || counts.in_flight > 0 || handled != self.handled {
            self.handled = handled;
            if !self.is_active() {
                // The end of a message sets no timer, so that the count is looked at again.
                self.touch();
                self.set_timer_from_now();
            }
            return IdleCheck::Active;
        }
        if boot_time().saturating_sub(self.last) < self.idle_time() {
            self.set_timer();
            return IdleCheck::Active;
        }
        IdleCheck::Idle
    }
}

/// Begins to measure: the daemon is ready. The timer expires when the daemon may be idle.
pub(crate) fn begin(idle: Duration, timer: IdleTimer) {
    let mut activity = lock(&ACTIVITY);
    activity.last = boot_time();
    activity.idle = idle;
    activity.timer = Some(timer);
    activity.set_timer();
}

/// Returns [`IdleCheck::Idle`] if the daemon has been idle for its time.
pub(crate) fn check_idle() -> IdleCheck {
    lock(&ACTIVITY).check()
}

/// Decides that the daemon exits, if it is still idle: a guard may have been taken since [`check_idle`]. Returns `false` if it is not.
pub(crate) fn leave_if_idle() -> bool {
    let mut activity = lock(&ACTIVITY);
    let is_idle = activity.check() == IdleCheck::Idle;
    activity.is_leaving |= is_idle;
    is_idle
}

/// Has the acceptor check again after the idle time.
pub(crate) fn look_again() {
    lock(&ACTIVITY).set_timer_from_now();
}

/// Returns the number of clients that are open or wait for the body.
pub(crate) fn clients() -> u64 {
    lock(&ACTIVITY).clients
}

/// Returns the number of guards of the body.
pub(crate) fn guards() -> u64 {
    lock(&ACTIVITY).busy
}

/// Returns the time since the last activity; zero while the daemon is active.
pub(crate) fn idle_since() -> Duration {
    let activity = lock(&ACTIVITY);
    if activity.is_active() { Duration::ZERO } else { boot_time().saturating_sub(activity.last) }
}
