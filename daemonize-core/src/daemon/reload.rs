//! `Daemon::reload`: sends SIGHUP, and waits until the daemon has reported that its handlers have run.
//!
//! The report is compared with the time of the request (see `context/running_report.rs`). It is a claim of the daemon's user, which
//! decides nothing but the text and the result of this verb.

use super::process_signals::{SignalSets, ThreadNames};
use super::running::{Found, RunningDaemon, find_running};
use super::target::{signal_error, wait_for_exit};
use super::{Daemon, verb_log};
use crate::api;
use crate::error::{Error, ErrorKind, Result};
use crate::pid::Pid;
use crate::pidfile::{Statement, read_last_words};
use crate::settings::Settings;
use crate::signal::Signal;
use crate::signals::{
    RELOADING_THREAD_NAME, SIGHUP_STOPS_THREAD_NAME, STOPPING_THREAD_NAME, UNREPORTED_RELOAD_THREAD_NAME,
};
use crate::sys::error::errno;
use crate::sys::proc::{ProcStat, monotonic_nanoseconds};
use nix::errno::Errno;
use std::fmt::{self, Display};
use std::time::{Duration, Instant};

/// How long a reload may take if no grace is set.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(30);

/// The pauses between two looks for the report.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const MAX_PAUSE: Duration = Duration::from_millis(50);

/// The result of [`Daemon::reload`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reloaded {
    /// The daemon's process.
    pub pid: Pid,
    /// `true` if the daemon has reported that its log files are reopened and that every handler of SIGHUP has succeeded. `false` if
    /// SIGHUP was sent, and the daemon cannot report: an earlier version of this library runs it, or it can write no file (it has
    /// changed its user, and its pidfile is in a shared directory such as `/tmp`).
    pub confirmed: bool,
}

impl Display for Reloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.confirmed {
            write!(f, "reloaded pid {}", self.pid)
        } else {
            write!(f, "sent SIGHUP to pid {}, which cannot report whether it has reloaded", self.pid)
        }
    }
}

impl<W> Daemon<W> {
    /// Has the daemon reload: sends SIGHUP, and waits until its log files are reopened and its handlers of SIGHUP have run.
    ///
    /// A reload that begins after the call serves it, so two calls at once may share one. A reload may take the daemon's
    /// [`grace`](Daemon::grace) if that is set, else 30 s.
    ///
    /// Called inside the daemon, `reload` requests the reload and returns at once: see [`daemon::reload`](crate::reload()).
    ///
    /// ```no_run
    /// use daemon::{Daemon, Signal};
    ///
    /// let web = Daemon::new("web").handle(Signal::SIGHUP, || std::fs::read_to_string("/etc/web.toml").map(drop));
    /// println!("{}", web.reload()?); // reloaded pid 4711
    /// # Ok::<(), daemon::Error>(())
    /// ```
    ///
    /// # Errors
    /// * Nothing was sent: the daemon does not run, belongs to another user, is stopping or suspended (SIGSTOP), ignores SIGHUP, or
    ///   SIGHUP would end it.
    /// * A handler returned an error or panicked, or a log file could not be reopened. The daemon goes on.
    /// * The daemon ended meanwhile, or did not report in time.
    pub fn reload(&self) -> Result<Reloaded> {
        let reloaded = if self.is_inside() {
            api::reload().map(|()| Reloaded { pid: Pid::this(), confirmed: false })
        } else {
            reload_from_outside(&self.settings)
        };
        verb_log::reload(&self.settings.name, reloaded)
    }
}

fn reload_from_outside(settings: &Settings) -> Result<Reloaded> {
    let deadline = Instant::now() + settings.grace.unwrap_or(RELOAD_TIMEOUT);
    let daemon = match find_running(settings)? {
        Found::Running(daemon) => daemon,
        Found::NotRunning(why) => return Err(Error::failed(ErrorKind::NotRunning, "reload", &settings.name, why)),
    };
    let reload = Reload { name: &settings.name, daemon: &daemon, deadline };
    let reports = reload.wait_until_it_handles_sighup()?;
    // Before the signal: every reload that begins after this moment serves the request.
    let requested = monotonic_nanoseconds();
    match daemon.process.send(Signal::SIGHUP) {
        Ok(()) => {}
        Err(error) if errno(&error) == Some(Errno::ESRCH) => return Err(reload.ended()),
        Err(error) => return Err(signal_error("signal", &daemon.identity, &error)),
    }
    let confirmed = reports && reload.wait_for_report(requested)?;
    Ok(Reloaded { pid: daemon.identity.pid, confirmed })
}

/// A reload that was requested.
struct Reload<'a> {
    name: &'a str,
    daemon: &'a RunningDaemon,
    deadline: Instant,
}

impl Reload<'_> {
    /// Waits while the daemon is starting. Returns `true` if it will report the reload.
    ///
    /// # Errors
    /// SIGHUP does something else than a reload.
    fn wait_until_it_handles_sighup(&self) -> Result<bool> {
        let (pid, mut pause) = (self.daemon.identity.pid, FIRST_PAUSE);
        loop {
            let (Ok(sets), Ok(names), Ok(stat)) = (SignalSets::of(pid), ThreadNames::of(pid), ProcStat::of(pid)) else {
                return Err(if self.has_ended(pause)? {
                    self.ended()
                } else {
                    self.failed("`/proc` does not show it")
                });
            };
            let is_starting = match &names {
                names if names.contain(STOPPING_THREAD_NAME) => return Err(self.failed("it is stopping")),
                names if names.contain(SIGHUP_STOPS_THREAD_NAME) => {
                    return Err(self.failed("SIGHUP would stop it, since it runs at a terminal"));
                }
                _ if sets.is_ignored(Signal::SIGHUP) => {
                    return Err(self.failed("it ignores SIGHUP: handle the signal to reload (`handle(HUP = …)`)"));
                }
                _ if stat.state == 'T' => {
                    return Err(
                        self.failed("it is suspended: resume it with SIGCONT (`kill -CONT`), and reload it then")
                    );
                }
                names if sets.is_caught(Signal::SIGHUP) && names.contain(RELOADING_THREAD_NAME) => return Ok(true),
                // The signal thread is started last. Until then its signals are blocked, or its handlers just installed.
                _ => sets.is_blocked(Signal::SIGHUP) || self.daemon.is_young(),
            };
            if !is_starting {
                let why = "SIGHUP would end it, since it does not handle the signal";
                return if sets.is_caught(Signal::SIGHUP) { Ok(false) } else { Err(self.failed(why)) };
            }
            if self.has_ended(pause)? {
                return Err(self.ended());
            }
            if Instant::now() >= self.deadline {
                return Err(self.failed("it is still starting"));
            }
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// Waits for the report of a reload that began at `requested` or later. Returns `false` if the daemon has no place for it.
    fn wait_for_report(&self, requested: u64) -> Result<bool> {
        let (pid, mut pause) = (self.daemon.identity.pid, FIRST_PAUSE);
        loop {
            let has_ended = self.has_ended(pause)?;
            if let Some(Statement { reload: Some(receipt), warning, .. }) = self.statement() {
                if receipt.began >= requested {
                    let why = warning.as_deref().unwrap_or("it gives no reason");
                    return if receipt.succeeded { Ok(true) } else { Err(self.failed(why)) };
                }
            }
            if has_ended {
                return Err(self.ended());
            }
            if ThreadNames::of(pid).is_ok_and(|names| names.contain(UNREPORTED_RELOAD_THREAD_NAME)) {
                return Ok(false);
            }
            if Instant::now() >= self.deadline {
                return Err(self.timed_out());
            }
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// Waits for the pause. Returns `true` if the daemon has ended.
    fn has_ended(&self, pause: Duration) -> Result<bool> {
        wait_for_exit(&self.daemon.process, self.deadline.min(Instant::now() + pause))
    }

    /// Returns the daemon's last words.
    fn statement(&self) -> Option<Statement> {
        let (statement, _) = read_last_words(&self.daemon.probe).ok().flatten()?;
        Some(statement).filter(|statement| statement.pid == Some(self.daemon.identity.pid))
    }

    fn timed_out(&self) -> Error {
        let pid = self.daemon.identity.pid;
        let is_suspended = ProcStat::of(pid).is_ok_and(|stat| stat.state == 'T');
        let is_pending = SignalSets::of(pid).is_ok_and(|sets| sets.is_pending(Signal::SIGHUP));
        self.failed(match () {
            () if is_suspended => "it was suspended, and has not taken SIGHUP yet",
            () if is_pending => "its threads block SIGHUP, which it will take when they no longer do",
            () => "it has taken SIGHUP, but has not reported in time that its handlers are done",
        })
    }

    /// Returns the error of a daemon that ended during the reload, with its own report of the cause.
    fn ended(&self) -> Error {
        let end = self.statement().and_then(|statement| statement.end);
        match end {
            Some(end) if !end.text.is_empty() => self.failed(format_args!("it ended; it said: {}", end.text)),
            _ => self.failed("it ended before it had reported that it has reloaded"),
        }
    }

    fn failed(&self, why: impl Display) -> Error {
        let text = format!("failed to reload `{}` (pid {}): {why}", self.name, self.daemon.identity.pid);
        Error::new(ErrorKind::Reload, text)
    }
}
