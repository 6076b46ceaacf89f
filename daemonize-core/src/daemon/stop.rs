//! `Daemon::stop`: ends the running daemon with SIGTERM, and with SIGKILL after the stop timeout.

use super::sigterm_handler::is_handled_by_program;
use super::target::{open_verified, signal_error, wait_for_exit};
use super::unnamed_process::{explain_hook, pidfile_is_left_to_hook};
use super::{Daemon, verb_log};
use crate::api;
use crate::error::{Error, ErrorKind, Result};
use crate::escape::escape_bytes;
use crate::pid::Pid;
use crate::pidfile::{Holder, LastWordsCleanup, MIN_LOCK_TIMEOUT, Probe, clean, clean_lock};
use crate::pidfile_search::{LocatedPidFile, holder, locate, probe};
use crate::process::Identity;
use crate::settings::Settings;
use crate::signal::Signal;
use crate::sys::error::errno;
use crate::sys::pidfd::PidFd;
use crate::sys::siginfo::Purpose;
use nix::errno::Errno;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

/// How long a process may take to end after SIGKILL.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long `stop` waits for a lock without a pidfile: another start or stop is finishing, and the machine may be busy.
const LEFTOVER_LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the daemon has to take SIGTERM before `stop` checks whether the program has replaced the daemon's handler.
const SIGTERM_CHECK_DELAY: Duration = Duration::from_millis(500);

/// The longest pause between two attempts.
const MAX_RETRY_INTERVAL: Duration = Duration::from_millis(20);

const HANDLED_BY_PROGRAM: &str = "the program handles SIGTERM itself";

/// The result of [`Daemon::stop`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stopped {
    /// The process that was stopped; `None` if none was running.
    pub pid: Option<Pid>,
    /// `true` if the daemon did not end after SIGTERM and was killed.
    pub killed: bool,
    /// `true` if the program has replaced the daemon's handler of SIGTERM, so that the daemon did not learn of the stop: the
    /// program itself has to end, and the daemon's `grace` does not bound that. Detected only if the daemon has not ended within
    /// half a second.
    pub handled_by_program: bool,
    /// The pidfile that was read.
    pub pidfile: PathBuf,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) if self.killed => write!(f, "killed pid {pid}, which did not stop")?,
            Some(pid) => write!(f, "stopped pid {pid}")?,
            None => write!(f, "not running (no `{}`)", escape_bytes(self.pidfile.as_os_str().as_bytes()))?,
        }
        if self.handled_by_program { write!(f, "; {HANDLED_BY_PROGRAM}") } else { Ok(()) }
    }
}

impl<W> Daemon<W> {
    /// Stops the daemon: sends SIGTERM, waits, and sends SIGKILL after [`stop_timeout`](Daemon::stop_timeout) unless
    /// [`kill`](Daemon::kill) is false. Returns when the process is gone. It is a success if no daemon was running.
    ///
    /// A suspended daemon also gets SIGCONT, so that its cleanup runs. A daemon that is stopping already is not hurried, unlike by
    /// a second SIGTERM that is sent with `kill(1)` or with [`send`](Daemon::send).
    ///
    /// If no daemon runs, `stop` removes the files that a dead one has left, including its [last words](crate::status::LastWords).
    ///
    /// Called inside the daemon, `stop` requests the stop and returns at once.
    ///
    /// # Errors
    /// The daemon belongs to another user, or does not end; or the pidfile cannot be read or trusted. A process that does not
    /// match the pidfile exactly is never signalled.
    pub fn stop(&self) -> Result<Stopped> {
        if self.is_inside() {
            api::stop();
            return Ok(Stopped {
                pid: Some(Pid::this()),
                killed: false,
                handled_by_program: false,
                pidfile: self.pidfile_path(),
            });
        }
        verb_log::stop(&self.settings.name, stop_from_outside(&self.settings))
    }
}

/// Stops the daemon that the pidfile names, and waits for its end.
pub(super) fn stop_from_outside(settings: &Settings) -> Result<Stopped> {
    settings.check_times()?;
    let LocatedPidFile { path: pidfile, probed } = locate(settings)?;
    let began = Instant::now();
    let deadline = began + settings.stop_timeout();
    let mut stop = StopOperation {
        settings,
        began,
        deadline,
        probed,
        pid: None,
        killed: false,
        handled_by_program: false,
        pidfile,
    };
    let mut pause = Duration::from_millis(1);
    while !stop.attempt()? {
        thread::sleep(pause);
        pause = (pause * 2).min(MAX_RETRY_INTERVAL);
    }
    let StopOperation { pid, killed, handled_by_program, pidfile, .. } = stop;
    Ok(Stopped { pid, killed, handled_by_program, pidfile })
}

/// A running `stop`.
struct StopOperation<'a> {
    settings: &'a Settings,
    began: Instant,
    deadline: Instant,
    /// The probe that located the pidfile, for the first attempt.
    probed: Option<(Probe, Holder)>,
    pid: Option<Pid>,
    killed: bool,
    handled_by_program: bool,
    pidfile: PathBuf,
}

impl StopOperation<'_> {
    /// P10: ends the daemon that the pidfile names, then removes its files. Returns `true` if nothing is left.
    fn attempt(&mut self) -> Result<bool> {
        loop {
            let (probe, holder) = if let Some(probed) = self.probed.take() {
                probed
            } else {
                let probe = probe(&self.pidfile)?;
                let holder = holder(&self.pidfile, &probe)?;
                (probe, holder)
            };
            match holder {
                Holder::Nothing => {
                    return self.until_unlocked(clean_lock(&probe, self.reports_to_remove())?, &Holder::Nothing);
                }
                Holder::Alive(identity) => {
                    if let Some(process) = open_verified(&probe, &identity)? {
                        self.end(&process, &identity)?;
                        // A daemon that ended by itself has removed its files. Otherwise the path is resolved and probed again.
                        if probe.is_removed() {
                            return Ok(true);
                        }
                    }
                }
                other => return self.clean(&other),
            }
        }
    }

    /// Sends SIGTERM, waits, and sends SIGKILL, all through the same pidfd.
    fn end(&mut self, process: &PidFd, identity: &Identity) -> Result<()> {
        // Its siginfo marks it as a `stop`: unlike a second SIGTERM, it does not hurry a daemon that is stopping already.
        signal_unless_dead(process, identity, Signal::SIGTERM, Purpose::Stop)?;
        // A suspended daemon acts on SIGTERM only after SIGCONT (signal(7)). A running one is not affected.
        signal_unless_dead(process, identity, Signal::SIGCONT, Purpose::Unmarked)?;
        if !self.wait_for_end(process, identity)? {
            if !self.settings.kill {
                let handled = if self.handled_by_program { format!(", {HANDLED_BY_PROGRAM}") } else { String::new() };
                return Err(Error::failed(
                    ErrorKind::Stop,
                    "stop pid",
                    identity.pid,
                    format_args!(
                        "it still runs {:?} after SIGTERM{handled}, and `kill` is false",
                        self.settings.stop_timeout()
                    ),
                ));
            }
            signal_unless_dead(process, identity, Signal::SIGKILL, Purpose::Unmarked)?;
            self.killed = true;
            if !wait_for_exit(process, Instant::now() + KILL_TIMEOUT)? {
                return Err(Error::failed(
                    ErrorKind::Stop,
                    "stop pid",
                    identity.pid,
                    "it did not even end after SIGKILL",
                ));
            }
        }
        self.pid = Some(identity.pid);
        // Another process may hold the lock to remove the files now: it gets time even if the deadline has passed.
        self.deadline = self.deadline.max(Instant::now() + MIN_LOCK_TIMEOUT);
        Ok(())
    }

    /// Waits until the process has ended, or until the deadline. Returns `false` at the deadline.
    fn wait_for_end(&mut self, process: &PidFd, identity: &Identity) -> Result<bool> {
        if wait_for_exit(process, self.deadline.min(Instant::now() + SIGTERM_CHECK_DELAY))? {
            return Ok(true);
        }
        self.handled_by_program = is_handled_by_program(identity.pid);
        if wait_for_exit(process, self.deadline)? {
            return Ok(true);
        }
        // Checked again: a daemon that got no processor time may have taken the signal meanwhile.
        self.handled_by_program = is_handled_by_program(identity.pid);
        Ok(false)
    }

    /// Removes the files of a daemon that is not alive, unless another process holds the lock.
    fn clean(&self, holder: &Holder) -> Result<bool> {
        if matches!(holder, Holder::Foreign | Holder::Unproven(_) | Holder::WrongUser(..)) {
            return Err(Error::failed(ErrorKind::PidFile, "stop the daemon of", self.pidfile.display(), holder));
        }
        let obstacle = clean(&self.pidfile, self.reports_to_remove())?;
        if obstacle.is_some() && matches!(holder, Holder::Unsealed(_)) && pidfile_is_left_to_hook(self.settings) {
            let text = format!("failed to stop `{}`: {}", self.settings.name, explain_hook(&self.pidfile));
            return Err(Error::new(ErrorKind::Stop, text));
        }
        self.until_unlocked(obstacle, holder)
    }

    /// Returns which reports of an ended daemon are removed. The failure of a daemon that this stop has ended is kept: the caller has
    /// not seen it.
    fn reports_to_remove(&self) -> LastWordsCleanup {
        if self.pid.is_some() { LastWordsCleanup::Successes } else { LastWordsCleanup::All }
    }

    /// Returns `true` if another stop or start has had enough time to remove its files.
    fn leftover_lock_timed_out(&self) -> bool {
        self.began.elapsed() >= LEFTOVER_LOCK_TIMEOUT
    }

    /// Returns `true` if the files are removed, `false` to try again.
    fn until_unlocked(&self, obstacle: Option<String>, holder: &Holder) -> Result<bool> {
        match obstacle {
            None => Ok(true),
            // Without a pidfile no daemon is waited for, only another start or stop.
            Some(obstacle)
                if Instant::now() >= self.deadline
                    || (*holder == Holder::Nothing && self.leftover_lock_timed_out()) =>
            {
                let cause = format!("{holder}, and {obstacle}");
                Err(Error::failed(ErrorKind::Locked, "stop the daemon of", self.pidfile.display(), cause))
            }
            Some(_) => Ok(false),
        }
    }
}

/// Sends the signal. A process that is dead already counts as signalled.
fn signal_unless_dead(process: &PidFd, identity: &Identity, signal: Signal, purpose: Purpose) -> Result<()> {
    match process.send_for(signal, purpose) {
        Err(error) if errno(&error) != Some(Errno::ESRCH) => Err(signal_error("stop", identity, &error)),
        _ => Ok(()),
    }
}
