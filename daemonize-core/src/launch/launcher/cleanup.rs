//! Rolls back a failed start: the pidfile, the session leader, the daemon and its descendants.

use super::{ANSWER_TIMEOUT, Launcher};
use crate::error::{Error, ErrorKind};
use crate::ipc::Message;
use crate::launch::cause_of_death::{DeathReport, died};
use crate::sys::pidfd::PidFd;
use crate::sys::wait::reap;
use nix::sys::signal::{SIGKILL, kill, killpg};
use std::time::{Duration, Instant};

/// The error of a daemon that is alive but has closed its end of `ready`.
const CLOSED: &str = "failed to start: the daemon closed its connection to the launcher before it was ready: a body that \
                      executes another program in its place needs `ready = entered`, or `daemon::ready()` before it";

impl Launcher {
    /// L9: the daemon is dead and reaped. Removes the files, then kills the session leader's process group, in which the session
    /// leader waits.
    ///
    /// In this order: if the launcher is killed in between, the session leader removes the files.
    pub(super) fn clean_up_after_report(&mut self) {
        self.remove_pidfile();
        // The session leader is not reaped, so no other process group can have its number.
        let _ = killpg(self.session_leader.as_nix(), SIGKILL);
        self.reap_session_leader();
        self.wait_for_descendants();
    }

    /// L7: the daemon has exited with status 0 before it was ready. Its descendants in the session leader's group stay alive.
    pub(super) fn clean_up_after_exit(&mut self) {
        // P13: this start has succeeded, so the last words of an earlier daemon are outdated.
        if let Some(lock) = &self.launch.lock {
            lock.forget_last_words();
        }
        self.remove_pidfile();
        // The session leader alone: at the launcher's end it would kill its group (L12).
        let _ = kill(self.session_leader.as_nix(), SIGKILL);
        self.reap_session_leader();
    }

    /// L10: the session leader has not reported. Kills it and its process group, then removes the files with the launcher's own copy
    /// of the lock.
    fn kill_group(&mut self) {
        if killpg(self.session_leader.as_nix(), SIGKILL).is_err() {
            // ESRCH: it has not called setsid(2) yet, so it leads no group.
            let _ = kill(self.session_leader.as_nix(), SIGKILL);
        }
        let ended = self.session_leader_ends();
        // Once more: it may have forked between the two calls. It is dead now, and forks no more, but is not reaped yet, so the
        // number is still that of its group.
        let _ = killpg(self.session_leader.as_nix(), SIGKILL);
        self.wait_for_descendants();
        self.remove_pidfile();
        self.reap_if(ended);
    }

    pub(super) fn remove_pidfile(&mut self) {
        if let Some(lock) = self.launch.lock.take() {
            let _ = lock.release();
        }
    }

    /// Waits until every process that inherited the daemon's end of `ready` is dead: `ready` is at end of file then.
    fn wait_for_descendants(&mut self) {
        let deadline = Instant::now() + ANSWER_TIMEOUT;
        while self.launch.block.wait_readable(&self.ready, deadline) {
            if !matches!(self.ready.receive(), Ok(Some(_))) {
                return;
            }
        }
        // Only at the deadline: if poll(2) fails, the processes have been killed nevertheless.
        self.left_behind = Instant::now() >= deadline;
    }

    /// Rolls back a start whose daemon was ready but gets no GO. Returns how the daemon died, if the session leader reports that.
    pub(super) fn roll_back(&mut self, message: Option<Message>) -> Error {
        if let Some(report) = DeathReport::from_message(message) {
            self.clean_up_after_report();
            return report.into_error();
        }
        self.kill_group();
        died(None)
    }

    /// L8: shuts down `control`, which makes the session leader kill the daemon and report how it died. Without a report within
    /// [`ANSWER_TIMEOUT`], the launcher kills both.
    pub(super) fn abort(&mut self) -> Option<DeathReport> {
        self.control.shutdown_write();
        let report = DeathReport::from_message(self.receive_answer(ANSWER_TIMEOUT));
        if report.is_some() {
            self.clean_up_after_report();
        } else {
            self.kill_group();
        }
        report
    }

    /// Aborts a start whose daemon has closed its end of `ready`. The session leader reports the daemon's death at once, unless the
    /// daemon is alive and has closed the descriptor itself.
    pub(super) fn abort_after_end_of_file(&mut self) -> Error {
        if let Some(report) = DeathReport::from_message(self.receive_answer(ANSWER_TIMEOUT / 2)) {
            self.clean_up_after_report();
            return report.into_error();
        }
        match self.abort() {
            Some(_) => Error::new(ErrorKind::Died, CLOSED),
            None => died(None),
        }
    }

    /// Returns the session leader's next message within `timeout`, except for FORKED, which may still be unread.
    pub(super) fn receive_answer(&self, timeout: Duration) -> Option<Message> {
        let deadline = Instant::now() + timeout;
        while self.launch.block.wait_readable(&self.control, deadline) {
            match self.control.receive().ok().flatten() {
                Some(Message::Forked(_)) => {}
                message => return message,
            }
        }
        None
    }

    /// L11: reaps the session leader, which has sent RELEASED or was killed. Kills it if it does not exit.
    pub(super) fn reap_session_leader(&mut self) {
        if self.reaped {
            return;
        }
        let mut ended = self.session_leader_ends();
        if !ended {
            // Alone: its group may have a daemon that works.
            let _ = kill(self.session_leader.as_nix(), SIGKILL);
            ended = self.session_leader_ends();
        }
        self.reap_if(ended);
    }

    /// Waits for the session leader's end. Returns `false` if it does not end within [`ANSWER_TIMEOUT`].
    fn session_leader_ends(&self) -> bool {
        let ended = PidFd::open(self.session_leader).and_then(|leader| leader.wait(Instant::now() + ANSWER_TIMEOUT));
        // Without a pidfd (EMFILE, for example) only waitpid(2) is left, which has no deadline.
        ended.unwrap_or(true)
    }

    /// Reaps the session leader if it has ended. One that does not even die (it waits for a disk that does not answer) does not
    /// block the launcher any longer.
    fn reap_if(&mut self, ended: bool) {
        if ended {
            self.reaped = true;
            let _ = reap(self.session_leader);
        } else {
            self.left_behind = true;
        }
    }
}
