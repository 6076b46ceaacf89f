//! The state of the activity, and the check whether the daemon is idle.

use super::clock::boot_time;
use super::idle_timer::IdleTimer;
use daemonize_core::messages::counters;
use daemonize_sys::mutex::lock;
use std::sync::Mutex;
use std::time::Duration;

/// The shortest time between two looks at work whose end sets no timer.
const MIN_LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// The activity of this process, which is at most one daemon.
pub(super) static ACTIVITY: Mutex<Activity> = Mutex::new(Activity::new());

/// The state of the daemon's activity.
pub(super) struct Activity {
    /// Clients that are open or wait for the body.
    pub(super) clients: u64,
    /// Guards of [`busy`](super::busy).
    pub(super) busy: u64,
    /// The time of the last activity (`CLOCK_BOOTTIME`).
    last: Duration,
    /// How long the daemon is idle before it exits.
    idle: Duration,
    /// How long it waits for its first client: the one that has started it is on its way.
    first_client: Duration,
    /// A client has come.
    had_client: bool,
    /// The messages and requests that had begun at the last check.
    begun: u64,
    /// The daemon exits as soon as it is inactive.
    is_retiring: bool,
    /// The timer of the acceptor, which is set when the last activity ends.
    timer: Option<IdleTimer>,
    /// The time to which the timer is set; `None` once it has expired and was looked at.
    set_to: Option<Duration>,
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
            first_client: Duration::MAX,
            had_client: false,
            begun: 0,
            is_retiring: false,
            timer: None,
            set_to: None,
        }
    }

    pub(super) fn is_active(&self) -> bool {
        self.clients > 0 || self.busy > 0
    }

    /// Returns how long the daemon is to be idle before it exits.
    fn idle_time(&self) -> Duration {
        if self.is_retiring {
            Duration::ZERO
        } else if self.had_client {
            self.idle
        } else {
            self.idle.max(self.first_client)
        }
    }

    /// Records activity that ends or begins now.
    pub(super) fn touch(&mut self) {
        self.last = boot_time();
    }

    /// Has the timer expire at the end of the idle time, or before: the check then sets it again. Each client ends an idle time, so a
    /// timer that is set already stays as it is. Nothing can be done if setting it fails: the daemon then runs on.
    pub(super) fn set_timer(&mut self) {
        self.expire_by(self.last.saturating_add(self.idle_time()));
    }

    fn expire_by(&mut self, time: Duration) {
        let Some(timer) = &self.timer else { return };
        if self.set_to.is_none_or(|set_to| time < set_to) {
            timer.set(time);
            self.set_to = Some(time);
        }
    }

    /// Records that a client has come: from now on the idle time counts.
    pub(super) fn note_client(&mut self) {
        if !self.had_client {
            self.had_client = true;
            self.set_timer();
        }
    }

    /// Has the timer expire a full idle time from now at the latest, of which a tenth of a second is the least.
    fn look_again(&mut self) {
        self.expire_by(boot_time().saturating_add(self.idle_time().max(MIN_LOOK_INTERVAL)));
    }

    fn check(&mut self) -> IdleCheck {
        // The timer has expired, or is set again below or by the end of the activity.
        self.set_to = None;
        let counts = counters();
        let begun = counts.fetched.wrapping_add(counts.requests);
        let is_working = counts.in_flight > 0 || counts.open_requests > 0;
        if self.is_active() || is_working || begun != self.begun && !self.is_retiring {
            self.begun = begun;
            if !self.is_active() {
                // The end of a message or request sets no timer, so that the counts are looked at again.
                self.touch();
                self.look_again();
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
pub(crate) fn begin(idle: Duration, first_client: Duration, timer: IdleTimer) {
    let mut activity = lock(&ACTIVITY);
    activity.last = boot_time();
    activity.idle = idle;
    activity.first_client = first_client;
    activity.timer = Some(timer);
    activity.set_timer();
}

/// Returns [`IdleCheck::Idle`] if the daemon has been idle for its time.
pub(crate) fn check_idle() -> IdleCheck {
    lock(&ACTIVITY).check()
}

/// Returns `true` if the daemon has neither a client nor work now. `own` clients do not count: those of the process that asks.
pub(crate) fn is_inactive(own: u64) -> bool {
    let activity = lock(&ACTIVITY);
    let counts = counters();
    activity.clients <= own && activity.busy == 0 && counts.in_flight == 0 && counts.open_requests == 0
}

/// Makes the daemon exit as soon as it has neither a client nor work.
pub(crate) fn retire() {
    let mut activity = lock(&ACTIVITY);
    activity.is_retiring = true;
    activity.look_again();
}

/// Returns `true` after [`retire`].
pub(crate) fn is_retiring() -> bool {
    lock(&ACTIVITY).is_retiring
}

/// Has the acceptor check again after the idle time.
pub(crate) fn look_again() {
    lock(&ACTIVITY).look_again();
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
pub(crate) fn idle_for() -> Duration {
    let activity = lock(&ACTIVITY);
    if activity.is_active() { Duration::ZERO } else { boot_time().saturating_sub(activity.last) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timer_that_is_set_stays_until_it_expires_and_is_set_then_to_the_end_of_the_idle_time() {
        let mut activity = Activity::new();
        activity.idle = Duration::from_secs(60);
        activity.had_client = true;
        activity.timer = Some(IdleTimer::new().unwrap());
        activity.last = boot_time().saturating_sub(Duration::from_secs(1));
        activity.set_timer();
        let first = activity.set_to.unwrap();
        assert_eq!(first, activity.last + activity.idle);

        activity.touch();
        activity.set_timer();
        assert_eq!(activity.set_to, Some(first), "set again for each client");
        assert_eq!(activity.check(), IdleCheck::Active, "idle before its time");
        assert_eq!(activity.set_to, Some(activity.last + activity.idle));

        // A shorter idle time does not wait for the timer.
        activity.is_retiring = true;
        activity.set_timer();
        assert_eq!(activity.set_to, Some(activity.last));
    }

    #[test]
    fn timer_that_expired_while_a_client_was_open_is_set_when_it_leaves() {
        let mut activity = Activity::new();
        activity.idle = Duration::from_secs(60);
        activity.had_client = true;
        activity.timer = Some(IdleTimer::new().unwrap());
        activity.touch();
        activity.set_timer();
        activity.clients = 1;
        assert_eq!(activity.check(), IdleCheck::Active);
        assert_eq!(activity.set_to, None);
        activity.clients = 0;
        activity.touch();
        activity.set_timer();
        assert_eq!(activity.set_to, Some(activity.last + activity.idle));
    }
}
