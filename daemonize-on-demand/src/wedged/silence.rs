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
    /// The last look has found no daemon.
    was_absent: bool,
    /// The process that was continued.
    resumed: Option<(daemonize_core::Pid, u64)>,
}

/// The daemon, as a look has found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sighting {
    /// The pidfile is still empty: a start is under way.
    Starting,
    /// The pidfile names no running process.
    Absent,
    /// It cannot be determined which process it names.
    Unknown,
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
    /// A process listens that is not the daemon: start the daemon, which replaces the socket.
    Start,
}

/// The reason why a silent daemon is not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaitReason {
    /// The timeout is not over yet.
    Early,
    /// It starts.
    Starting,
    /// No daemon runs, or it cannot be determined.
    Unknown,
    /// It is traced.
    Traced(daemonize_core::Pid),
    /// It has used processor time.
    Working,
}

impl Silence {
    /// Begins when the connection is established.
    pub(super) fn new(timeout: Duration, now: Instant) -> Silence {
        let next_look = now + FIRST_LOOK.min(timeout / 4);
        Silence { timeout, since: now, next_look, first: None, was_absent: true, resumed: None }
    }

    /// Returns the time of the next look.
    pub(super) fn next_look(&self) -> Instant {
        self.next_look
    }

    /// Takes note of a look.
    pub(super) fn look(&mut self, now: Instant, seen: &Sighting) -> Action {
        let action = self.judge(now, seen);
        let is_patient =
            matches!(action, Action::Wait(WaitReason::Starting | WaitReason::Unknown | WaitReason::Traced(_)));
        self.next_look = if is_patient { now + LOOK_INTERVAL.min(self.timeout / 4) } else { self.since + self.timeout };
        action
    }

    fn judge(&mut self, now: Instant, seen: &Sighting) -> Action {
        let sample = match seen {
            Sighting::Process(sample) if !sample.is_starting => sample,
            Sighting::Absent => return self.judge_absent(now),
            Sighting::Unknown => return self.wait_on(now, None, WaitReason::Unknown),
            Sighting::Starting | Sighting::Process(_) => return self.wait_on(now, None, WaitReason::Starting),
        };
        if let Some(tracer) = sample.tracer {
            return self.wait_on(now, Some(sample), WaitReason::Traced(tracer));
        }
        self.was_absent = false;
        let identity = (sample.pid, sample.start_time);
        let first = match &self.first {
            Some(first) if (first.pid, first.start_time) == identity => first,
            // Another process than at the last look: its own silence begins.
            Some(_) => return self.wait_on(now, Some(sample), WaitReason::Early),
            None => self.first.insert(sample.clone()),
        };
        if first.user_ticks != sample.user_ticks {
            return self.wait_on(now, Some(sample), WaitReason::Working);
        }
        if now < self.since + self.timeout {
            return Action::Wait(WaitReason::Early);
        }
        if sample.is_stopped && self.resumed != Some(identity) {
            self.resumed = Some(identity);
            self.wait_on(now, Some(sample), WaitReason::Early);
            return Action::Resume;
        }
        Action::End
    }

    /// A listener without a daemon: it is about to write the pidfile, or it is a child that a dead daemon has left.
    fn judge_absent(&mut self, now: Instant) -> Action {
        if !self.was_absent {
            self.wait_on(now, None, WaitReason::Unknown);
            self.was_absent = true;
        }
        if now < self.since + self.timeout { Action::Wait(WaitReason::Unknown) } else { Action::Start }
    }

    /// Begins to count again.
    fn wait_on(&mut self, now: Instant, first: Option<&ProcessSample>, reason: WaitReason) -> Action {
        (self.since, self.first, self.was_absent) = (now, first.cloned(), false);
        Action::Wait(reason)
    }
}

#[cfg(test)]
mod tests;
