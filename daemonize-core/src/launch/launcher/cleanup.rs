//! Taking a start back: the files, the session leader, the daemon and its descendants.

use super::super::outcome::{Verdict, died};
use super::{ANSWER, Launcher};
use crate::error::{Error, ErrorKind};
use crate::handoff::Message;
use crate::sys::pidfd::PidFd;
use crate::sys::wait::reap;
use nix::sys::signal::{SIGKILL, kill, killpg};
use std::time::{Duration, Instant};

/// Why a living daemon that has closed its end of the socket is not started.
const CLOSED: &str = "failed to start: the daemon closed its connection to the launcher before it was ready: a body that \
                      executes another program in its place needs `ready = entered`, or `daemon::ready()` before it";

impl Launcher {
    /// Takes the start back: with a verdict the daemon is dead already.
    pub(super) fn clean_up(&mut self, verdict: bool) {
        if verdict {
            self.clean_up_after_verdict();
        } else {
            self.kill_family();
        }
    }

    /// L9: the daemon is dead and reaped. Removes the files, then kills the session leader's group, which it waits in.
    ///
    /// In this order: a launcher that is killed in between leaves the files to the session leader.
    pub(super) fn clean_up_after_verdict(&mut self) {
        self.remove_pidfile();
        // The session leader leads its group and is not reaped, so the number is its.
        let _ = killpg(self.session_leader.as_nix(), SIGKILL);
        self.reap_session_leader();
        self.wait_for_descendants();
    }

    /// The daemon has exited with success before it was ready. What it has left in the session leader's group lives on.
    pub(super) fn clean_up_after_exit(&mut self) {
        // This start has succeeded: what an earlier daemon said is not true any more.
        self.lock.iter().for_each(|lock| lock.forget_last_words());
        self.remove_pidfile();
        // It waits for this process's end, and would kill the group then.
        let _ = kill(self.session_leader.as_nix(), SIGKILL);
        self.reap_session_leader();
    }

    /// L10: no report. Kills the whole group, then cleans up with the launcher's own copy of the lock.
    fn kill_family(&mut self) {
        if killpg(self.session_leader.as_nix(), SIGKILL).is_err() {
            // It has no session yet.
            let _ = kill(self.session_leader.as_nix(), SIGKILL);
        }
        // Not reaped yet: its number stays its own for one more round, and now it forks no more.
        let gone = self.session_leader_ends();
        let _ = killpg(self.session_leader.as_nix(), SIGKILL);
        self.wait_for_descendants();
        self.remove_pidfile();
        self.reap_if(gone);
    }

    pub(super) fn remove_pidfile(&mut self) {
        if let Some(lock) = self.lock.take() {
            let _ = lock.release();
        }
    }

    /// Waits until every process that could hold the daemon's end of the socket is gone: it ends then.
    fn wait_for_descendants(&mut self) {
        let deadline = Instant::now() + ANSWER;
        while self.block.wait_readable(&self.ready, deadline) {
            if !matches!(self.ready.receive(), Ok(Some(_))) {
                return;
            }
        }
        // Not where waiting is impossible: all of them have been killed.
        self.left_behind = Instant::now() >= deadline;
    }

    /// Takes back a start whose daemon was ready and gets no GO. The error is how it died, if the session leader reports that.
    pub(super) fn undo(&mut self, message: Option<Message>) -> Error {
        let verdict = Verdict::of(message);
        self.clean_up(verdict.is_some());
        verdict.map_or_else(|| died(None), Verdict::into_error)
    }

    /// L8: end of file makes the session leader kill the daemon and report how it died; without a report within
    /// [`ANSWER`], both are killed from here.
    pub(super) fn abort(&mut self) -> Option<Verdict> {
        self.ctl.shutdown_write();
        let verdict = Verdict::of(self.answer(ANSWER));
        self.clean_up(verdict.is_some());
        verdict
    }

    /// The daemon's end of the socket is closed. Its death is reported at once, unless it has closed the descriptor itself.
    pub(super) fn end_of_file(&mut self) -> Error {
        if let Some(verdict) = Verdict::of(self.answer(ANSWER / 2)) {
            self.clean_up_after_verdict();
            return verdict.into_error();
        }
        match self.abort() {
            Some(_) => Error::new(ErrorKind::Died, CLOSED),
            None => died(None),
        }
    }

    /// Returns what the session leader says within `time`, but for FORKED, which may still be on its way.
    pub(super) fn answer(&self, time: Duration) -> Option<Message> {
        let deadline = Instant::now() + time;
        while self.block.wait_readable(&self.ctl, deadline) {
            match self.ctl.receive().ok().flatten() {
                Some(Message::Forked(_)) => {}
                message => return message,
            }
        }
        None
    }

    /// L11: the session leader has said that it exits, or has been killed.
    pub(super) fn reap_session_leader(&mut self) {
        if self.reaped {
            return;
        }
        let gone = self.session_leader_ends() || {
            let _ = kill(self.session_leader.as_nix(), SIGKILL);
            self.session_leader_ends()
        };
        self.reap_if(gone);
    }

    /// Waits for the session leader's end; returns `false` if it does not come within [`ANSWER`].
    fn session_leader_ends(&self) -> bool {
        let ended = PidFd::open(self.session_leader).and_then(|leader| leader.wait(Instant::now() + ANSWER));
        // Without a descriptor to wait with there is only the wait that has no deadline.
        ended.unwrap_or(true)
    }

    /// A process that cannot even die (of a disk that does not answer) keeps the launcher waiting no longer.
    fn reap_if(&mut self, gone: bool) {
        if gone {
            // From here on its number may be another process's.
            self.reaped = true;
            let _ = reap(self.session_leader);
        } else {
            self.left_behind = true;
        }
    }
}
