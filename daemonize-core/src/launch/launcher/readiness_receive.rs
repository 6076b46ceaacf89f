//! Receives READY, or the message or event that makes the start fail: one `ppoll(2)` with one deadline.

use super::Launcher;
use crate::context::WatchedParent;
use crate::error::{Error, ErrorKind, cause};
use crate::ipc::Message;
use crate::launch::capture::PipeReader;
use crate::launch::cause_of_death::DeathReport;
use crate::launch::start_outcome::{PidFileState, StartOutcome};
use crate::launch::wait_progress;
use crate::launch::watched_parent::ended_meanwhile;
use crate::settings::{Ready, WaitReason};
use crate::sys::wait::Ended;
use nix::poll::{PollFd, PollFlags};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

impl Launcher {
    /// L6: waits for the outcome of the start, with one poll and one deadline.
    pub(super) fn wait_for_outcome(&mut self) -> StartOutcome {
        // SIGINT and the like are unblocked atomically, and only while the launcher waits (ppoll(2)).
        let mask = self.launch.block.wait_mask();
        let mut progress = wait_progress::begin(self.launch.preflight.settings.on_wait.as_ref());
        loop {
            let readers = self.capture.iter().flat_map(|capture| [&capture.stdout, &capture.stderr]);
            let pipes = readers.filter_map(PipeReader::descriptor);
            // A closed socket would be readable at once, each time.
            let daemon = if self.ready_is_closed { self.control.as_fd() } else { self.ready.as_fd() };
            let parent = self.launch.watched_parent.as_ref().map(|parent| parent.process.as_fd());
            let mut fds: Vec<PollFd<'_>> = [daemon, self.control.as_fd()]
                .into_iter()
                .chain(pipes)
                .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
                .collect();
            if let Some(parent) = parent {
                fds.push(PollFd::new(parent, PollFlags::POLLIN));
            }
            let left = self.deadline.left();
            let due = progress.as_ref().map_or(Duration::MAX, |progress| progress.left()).min(left);
            let count = match mask.poll(&mut fds, Some(due)) {
                Ok(count) => count,
                Err(error) => return StartOutcome::Failed(Error::system("wait for the daemon", cause(&error))),
            };
            let readable = |index: usize| count > 0 && fds[index].any() == Some(true);
            let (ready, control) = (!self.ready_is_closed && readable(0), readable(1));
            let parent_ended = parent.is_some() && readable(fds.len() - 1);
            // L6: READY takes precedence over everything that is readable at the same time: the daemon did become ready.
            let outcome = match (ready, control) {
                (true, _) => self.receive_from_daemon(),
                (false, true) => self.receive_from_session_leader(),
                (false, false) => None,
            };
            if let Some(outcome) = outcome {
                return self.with_cause(outcome);
            }
            // The daemon blocks when a pipe is full.
            self.drain();
            if parent_ended {
                return StartOutcome::Failed(ended_meanwhile());
            }
            if let Some(progress) = &mut progress {
                progress.call_if_due(&self.launch.block, self.deadline.timeout(), self.wait_reason());
            }
            // Not the time that is left now: this process may have been stopped since it looked, and READY counts if it is there.
            if left.is_zero() {
                return StartOutcome::TimedOut;
            }
        }
    }

    /// Replaces the error of a daemon that was stopped while it started because the process with which it ends has ended.
    fn with_cause(&self, outcome: StartOutcome) -> StartOutcome {
        let has_ended = |parent: &WatchedParent| parent.process.wait(Instant::now()).unwrap_or(false);
        match (&outcome, &self.launch.watched_parent) {
            (StartOutcome::Failed(error), Some(parent)) if error.kind() == ErrorKind::Stopped && has_ended(parent) => {
                StartOutcome::Failed(ended_meanwhile())
            }
            _ => outcome,
        }
    }

    /// Returns the event that the start waits for.
    fn wait_reason(&self) -> WaitReason {
        match (self.exiting, self.launch.preflight.settings.ready) {
            (Some(_), _) => WaitReason::Exit,
            (None, Ready::Manual) => WaitReason::ReadyCall,
            (None, _) => WaitReason::Readiness,
        }
    }

    /// Receives one message of the daemon. Returns `None` if the wait goes on.
    fn receive_from_daemon(&mut self) -> Option<StartOutcome> {
        let is_written = matches!(self.pidfile, PidFileState::Written { .. });
        let outcome = match (self.ready.receive(), self.daemon) {
            (Ok(Some(Message::Addresses(addresses))), _) if self.addresses.is_none() => {
                self.addresses = Some(addresses);
                self.write_pidfile();
                return None;
            }
            (Ok(Some(Message::Warnings(warnings))), _) if self.addresses.is_none() && self.warnings.is_empty() => {
                self.warnings = warnings;
                return None;
            }
            // A poll that finds a readable descriptor delivers no signal, so a pending SIGINT is looked up.
            (Ok(Some(Message::Ready)), _) if self.launch.block.is_interrupted() => {
                StartOutcome::Failed(Error::new(ErrorKind::Stopped, "failed to start: interrupted"))
            }
            (Ok(Some(Message::Ready)), Some(daemon)) if is_written => StartOutcome::Ready(daemon),
            (Ok(Some(Message::MoreTime(time))), _) => {
                self.deadline.extend(time);
                return None;
            }
            (Ok(Some(Message::Failed(error))), _) => StartOutcome::Failed(error),
            // L4: the exit status, which the session leader reports, decides.
            (Ok(Some(Message::Exiting)), Some(daemon)) if is_written => {
                self.exiting = Some(daemon);
                return None;
            }
            (Ok(None), _) if self.exiting.is_some() => {
                self.ready_is_closed = true;
                return None;
            }
            // End of file, and also a message that is out of order: the daemon may have another user, which root does not trust.
            _ => StartOutcome::EndOfFile,
        };
        Some(outcome)
    }

    /// Receives one message of the session leader. Returns `None` if the wait goes on.
    fn receive_from_session_leader(&mut self) -> Option<StartOutcome> {
        match self.control.receive().ok().flatten() {
            Some(Message::Forked(daemon)) if self.daemon.is_none() => {
                self.daemon = Some(daemon);
                self.write_pidfile();
                None
            }
            message => Some(match (DeathReport::from_message(message), self.exiting) {
                (Some(DeathReport::Died(Ended::Status(0))), Some(daemon)) => StartOutcome::Exited(daemon),
                (Some(report), _) => StartOutcome::Dead(report),
                (None, _) => StartOutcome::EndOfFile,
            }),
        }
    }
}
