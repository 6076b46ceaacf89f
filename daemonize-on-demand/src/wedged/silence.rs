//! Decides from a silent daemon's state when it counts as wedged. It does nothing itself.

use crate::daemon_process::ProcessSample;
use std::time::{Duration, Instant};

/// The time after which a silent daemon is looked at first: one that answers costs nothing.
const FIRST_LOOK: Duration = Duration::from_millis(100);

/// The time between two looks at a daemon that may not be ended yet, because it starts or is traced.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// A connection to a daemon that has sent no greeting yet.
#[derive(Debug)]
pub(super) struct Silence {
    timeout: Duration,
    /// The moment from which on the timeout counts.
    since: Instant,
    next_look: Instant,
    /// The process at the beginning of the silence.
    first: Option<ProcessSample>,
    /// The process that was continued.
    resumed: Option<(daemonize_core::Pid, u64)>,
}

/// The daemon, as a look has found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sighting {
    /// The pidfile names no running process: one starts, or it cannot be determined.
    Unnamed,
    /// The process that the pidfile names.
    Process(ProcessSample),
}

/// The result of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing, for this reason.
    Wait(WaitReason),
    /// The process is stopped: continue it.
    Resume,
    /// The process is wedged: end it.
    End,
}

/// The reason why a silent daemon is not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaitReason {
    /// The timeout is not over yet.
    Early,
    /// It starts, or the pidfile does not name it.
    Starting,
    /// It is traced.
    Traced(daemonize_core::Pid),
    /// It has used processor time.
    Working,
}

impl Silence {
    /// Begins when the connection is established.
    pub(super) fn new(timeout: Duration, now: Instant) -> Silence {
        Silence { timeout, since: now, next_look: now + FIRST_LOOK.min(timeout / 4), first: None, resumed: None }
    }

    /// Returns the time of the next look.
    pub(super) fn next_look(&self) -> Instant {
        self.next_look
    }

    /// Takes note of a look.
    pub(super) fn look(&mut self, now: Instant, seen: &Sighting) -> Action {
        let action = self.judge(now, seen);
        let is_patient = matches!(action, Action::Wait(WaitReason::Starting | WaitReason::Traced(_)));
        self.next_look = if is_patient { now + LOOK_INTERVAL.min(self.timeout / 4) } else { self.since + self.timeout };
        action
    }

    fn judge(&mut self, now: Instant, seen: &Sighting) -> Action {
        let sample = match seen {
            Sighting::Process(sample) if !sample.is_starting => sample,
            _ => {
                self.begin_again(now, None);
                return Action::Wait(WaitReason::Starting);
            }
        };
        if let Some(tracer) = sample.tracer {
            self.begin_again(now, Some(sample));
            return Action::Wait(WaitReason::Traced(tracer));
        }
        let identity = (sample.pid, sample.start_time);
        let first = match &self.first {
            Some(first) if (first.pid, first.start_time) == identity => first,
            // Another process than at the last look: its own silence begins.
            Some(_) => {
                self.begin_again(now, Some(sample));
                return Action::Wait(WaitReason::Early);
            }
            None => self.first.insert(sample.clone()),
        };
        if first.user_ticks != sample.user_ticks {
            self.begin_again(now, Some(sample));
            return Action::Wait(WaitReason::Working);
        }
        if now < self.since + self.timeout {
            return Action::Wait(WaitReason::Early);
        }
        if sample.is_stopped && self.resumed != Some(identity) {
            self.resumed = Some(identity);
            self.begin_again(now, Some(sample));
            return Action::Resume;
        }
        Action::End
    }

    fn begin_again(&mut self, now: Instant, first: Option<&ProcessSample>) {
        (self.since, self.first) = (now, first.cloned());
    }
}

#[cfg(test)]
mod tests;
