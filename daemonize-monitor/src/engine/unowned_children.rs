//! Children that are left when all bots are down, and that cannot be attributed to a bot: they have neither the secret nor the
//! session of a bot. A shutdown stops them last. Children in the session of this program are its own, and are left alone.

use super::process_table::signal_child;
use crate::process::{self, Facts};
use daemonize_core::{Pid, Signal};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// The time between SIGTERM and SIGKILL.
const TERM_TIMEOUT: Duration = Duration::from_secs(2);

/// The time after which it is logged that unowned children survive.
const REPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Default)]
pub(super) struct UnownedChildren {
    /// Since when only unowned children are left.
    since: Option<Instant>,
    /// The signals that were sent.
    signalled: BTreeSet<(Pid, Signal)>,
    /// It was logged that they do not end.
    is_reported: bool,
}

/// The outcome of a search for unowned children.
pub(super) enum Left {
    None,
    /// Some are left, to which a signal was sent; the next one is due at this time, if there is one.
    Some {
        next: Option<Instant>,
    },
}

impl UnownedChildren {
    /// Signals all unowned children: SIGTERM first, SIGKILL after a timeout or if `is_urgent`. Each child is signalled as soon as it
    /// is found, because it may exit a moment later.
    pub(super) fn end(&mut self, now: Instant, is_urgent: bool) -> Left {
        let is_urgent = is_urgent || self.since.is_some_and(|since| now >= since + TERM_TIMEOUT);
        let chosen = if is_urgent { Signal::SIGKILL } else { Signal::SIGTERM };
        let mut is_any = false;
        for pid in process::child_pids() {
            if process::is_of_our_session(pid) || !Facts::of(pid).is_some_and(|facts| facts.is_alive) {
                continue;
            }
            is_any = true;
            if self.signalled.insert((pid, chosen)) {
                signal_child(pid, chosen);
                log::warn!("process {pid} was left behind by some bot and is sent {chosen}");
            }
        }
        self.since = self.since.or(is_any.then_some(now));
        if self.since.is_some_and(|since| now >= since + REPORT_TIMEOUT)
            && !std::mem::replace(&mut self.is_reported, true)
        {
            log::error!(
                "what bots left behind does not end of SIGKILL, or forks and exits faster than it can be killed"
            );
        }
        let next = self.since.filter(|_| !is_urgent).map(|since| since + TERM_TIMEOUT);
        if is_any { Left::Some { next } } else { Left::None }
    }
}
