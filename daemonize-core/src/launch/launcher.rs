//! The launcher: writes the pidfile, waits for the outcome of the start, and removes everything that a failed start has made.
//!
//! It implements the rules L1 to L15. FORKED from the session leader names the daemon, whose identity the launcher looks up and
//! writes. It answers READY with RELEASE to the session leader and GO to the daemon. Everything else is a failure: end of file makes
//! the session leader kill the daemon and report how it died, and the launcher removes the files. Without a report it first kills
//! the session leader and its process group.

mod cleanup;
mod readiness_receive;

use super::capture::Capture;
use super::cause_of_death::died;
use super::destination::Destination;
use super::start_outcome::{PidFileState, StartOutcome};
use super::start_timeout::StartDeadline;
use super::started::Started;
use super::state::Launch;
use crate::error::{Error, ErrorKind, Result, cause};
use crate::ipc::{Channel, Message};
use crate::pid::Pid;
use crate::process::{BootContext, Identity};
use crate::sd_notify::ServiceManager;
use crate::settings::Ready;
use crate::signal::Signal;
use crate::sys::error::errno;
use crate::sys::proc::ProcStat;
use crate::sys::signal_disposition;
use nix::errno::Errno;
use std::io;
use std::mem;
use std::path::PathBuf;
use std::time::Duration;

/// How long the session leader may take to answer, which takes it no work.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// The launcher's ends of the connections to the other two processes.
pub(super) struct Connections {
    /// To the daemon.
    pub(super) ready: Channel,
    /// To the session leader.
    pub(super) control: Channel,
    /// From the daemon's stdout and stderr.
    pub(super) capture: Option<Capture>,
}

pub(super) struct Launcher {
    launch: Launch,
    ready: Channel,
    control: Channel,
    capture: Option<Capture>,
    session_leader: Pid,
    /// Set by FORKED.
    daemon: Option<Pid>,
    /// Set by EXITING: the daemon's exit status will be the outcome.
    exiting: Option<Pid>,
    /// `true` if the exiting daemon's end of `ready` is closed, and its death is awaited.
    ready_is_closed: bool,
    /// The log file that has the body's output, if the launcher has not captured that.
    log: Option<PathBuf>,
    /// The daemon's addresses, which it sends once, before it changes its user.
    addresses: Option<Vec<String>>,
    /// The daemon's warnings about its start, which it sends before the addresses.
    warnings: Vec<String>,
    /// The boot and the namespaces of this process and its daemon; taken when the daemon's identity is made.
    context: Option<io::Result<BootContext>>,
    /// The signals that this process ignores, and that the daemon ignored at its fork.
    ignored: Vec<Signal>,
    pidfile: PidFileState,
    deadline: StartDeadline,
    /// The destinations of the daemon's stdout and stderr.
    destinations: [Destination; 2],
    /// `true` if a process outside of the session leader's group holds the daemon's end of `ready`, or the session leader does not
    /// die.
    left_behind: bool,
    /// `true` if the session leader is reaped: its pid may belong to another process.
    reaped: bool,
}

impl Launcher {
    /// Gathers what the launcher needs later. It runs while the session leader forks the daemon.
    pub(super) fn new(launch: Launch, session_leader: Pid, connections: Connections) -> Launcher {
        let context = BootContext::read();
        let Connections { ready, control, capture } = connections;
        let settings = &launch.preflight.settings;
        let destinations = Destination::of(settings, launch.preflight.detached);
        let captures_body = settings.ready != Ready::Auto;
        let log = if captures_body { None } else { destinations.iter().rev().find_map(Destination::log).cloned() };
        Launcher {
            ready,
            control,
            capture,
            session_leader,
            daemon: None,
            exiting: None,
            ready_is_closed: false,
            log,
            addresses: if launch.preflight.sends_addresses() { None } else { Some(Vec::new()) },
            warnings: Vec::new(),
            context: Some(context),
            ignored: signal_disposition::ignored(),
            pidfile: PidFileState::initial(settings),
            deadline: StartDeadline::after(settings.start_timeout),
            destinations,
            left_behind: false,
            reaped: false,
            launch,
        }
    }

    /// Waits for the outcome, and completes or rolls back the start.
    pub(super) fn run(mut self, exits_at_once: bool) -> Result<Started> {
        let failure = match self.wait_for_outcome() {
            StartOutcome::Ready(pid) => match self.release(pid, exits_at_once) {
                Ok(()) => return Ok(self.success(pid, exits_at_once)),
                Err(error) => error,
            },
            StartOutcome::Exited(pid) => {
                self.clean_up_after_exit();
                return Ok(self.success(pid, exits_at_once));
            }
            StartOutcome::Dead(report) => {
                self.clean_up_after_report();
                report.into_error()
            }
            StartOutcome::Failed(error) => {
                self.abort();
                error
            }
            StartOutcome::EndOfFile => self.abort_after_end_of_file(),
            StartOutcome::TimedOut => {
                self.abort();
                let timeout = self.deadline.timeout();
                let text = format!("failed to start: the daemon was not ready within {timeout:?}, and was ended");
                Error::new(ErrorKind::NotReady, text)
            }
        };
        // The daemon can only report that there is no pidfile. The launcher has the cause.
        let failure = match mem::replace(&mut self.pidfile, PidFileState::Replaced) {
            PidFileState::Failed(error) => error,
            _ => failure,
        };
        Err(self.describe_failure(failure))
    }

    /// P6: writes the pidfile as soon as pid and addresses are known, and sends WRITTEN to the daemon, which waits for that.
    fn write_pidfile(&mut self) {
        let (Some(daemon), Some(addresses)) = (self.daemon, &self.addresses) else { return };
        let is_replaced = matches!(self.pidfile, PidFileState::Replaced);
        let written = match identify(daemon, self.session_leader, &mut self.context) {
            Ok(Some(identity)) => match &mut self.launch.lock {
                Some(lock) if !is_replaced => lock.write(&identity, addresses).map(|()| Some(identity)),
                _ => Ok(Some(identity)),
            },
            other => other,
        };
        match written {
            Ok(Some(identity)) => {
                // A failure means that the daemon is dead, which the session leader reports.
                let _ = self.ready.send(&Message::Written(identity, mem::take(&mut self.ignored)));
                // Checked now, while the daemon runs its stages, and not between READY and GO, while the daemon waits.
                let last_words_due = self.launch.lock.as_ref().is_some_and(|lock| lock.last_words_are_due());
                self.pidfile = PidFileState::Written { last_words_due };
            }
            // The daemon is dead already. The session leader reports how it died.
            Ok(None) => {}
            Err(error) => {
                // End of file, not SIGKILL: the daemon has to remove the files that its attachments have made.
                self.ready.shutdown_write();
                self.pidfile = PidFileState::Failed(error);
            }
        }
    }

    /// Forwards the output that the daemon has printed. Before GO, so that it precedes in the log what the daemon then writes there
    /// itself.
    fn drain(&mut self) {
        let Some(capture) = &mut self.capture else { return };
        let settings = &mut self.launch.preflight.settings;
        let Some(on_output) = &settings.on_output else { return capture.drain() };
        let printed = capture.take_new();
        // The user's callback may take long. With the caller's mask, a signal can end it, and with it the start.
        let call = || printed.iter().all(|output| output.is_empty() || on_output.call(output));
        if !self.launch.block.with_original_mask(call) {
            // The callback has panicked.
            settings.on_output = None;
        }
    }

    /// Forwards the remaining output. Returns what was captured on stdout and stderr.
    fn finish_capture(&mut self) -> (Vec<u8>, Vec<u8>) {
        self.drain();
        match self.capture.take() {
            Some(capture) => capture.finish(),
            None => (Vec::new(), Vec::new()),
        }
    }

    /// L7: sends RELEASE to the session leader, then GO to the daemon. The error says how the daemon died in between.
    fn release(&mut self, daemon: Pid, exits_at_once: bool) -> Result<()> {
        let _ = self.control.send(&Message::Release);
        // RELEASE alone does not wake the session leader. The exit of a launcher that exits at once does, and so this launcher
        // waits for no process.
        if !exits_at_once {
            self.control.shutdown_write();
            match self.receive_answer(ANSWER_TIMEOUT) {
                Some(Message::Released) => {}
                message => return Err(self.roll_back(message)),
            }
        }
        self.drain();
        if let Some(notifier) = self.launch.preflight.manager.and_then(ServiceManager::connect) {
            // systemd receives SIGCHLD for the main process only if that is its child: so the daemon has to be an orphan before
            // MAINPID= names it.
            self.reap_session_leader();
            notifier.send_main_pid(daemon);
        }
        // P13: the previous daemon's last words are outdated once this start has succeeded.
        if matches!(self.pidfile, PidFileState::Written { last_words_due: true }) {
            if let Some(lock) = &self.launch.lock {
                lock.renew_last_words();
            }
        }
        match self.ready.send(&Message::Go) {
            Ok(()) => {
                // L13: from now on the daemon owns the files. The launcher may still take long to print the output of the start;
                // with a copy of the lock it would block the next start if the daemon were killed meanwhile.
                if let Some(lock) = self.launch.lock.take() {
                    drop(lock.disown());
                }
                if !exits_at_once {
                    self.reap_session_leader();
                }
                Ok(())
            }
            // L7: EPIPE, so the daemon died after READY. The session leader still watches it, and reports how it died.
            Err(_) if exits_at_once => {
                let message = self.receive_answer(ANSWER_TIMEOUT);
                Err(self.roll_back(message))
            }
            Err(_) => {
                self.remove_pidfile();
                self.reap_session_leader();
                Err(died(None))
            }
        }
    }

    fn success(mut self, pid: Pid, exits_at_once: bool) -> Started {
        let (output, errors) = self.finish_capture();
        let Launcher { launch, ready, control, warnings, destinations: [stdout, stderr], .. } = self;
        let Launch { mut preflight, block, .. } = launch;
        drop(block);
        let pidfile = mem::take(&mut preflight.pidfile);
        if exits_at_once {
            // The exit that follows closes and frees all of it at once.
            mem::forget((preflight, ready, control));
        }
        Started { pid, pidfile, stdout, stderr, output, errors, warnings }
    }

    /// Adds to the error what the user needs to find the cause: remaining processes, the log file, and the captured output.
    fn describe_failure(&mut self, mut error: Error) -> Error {
        let (output, errors) = self.finish_capture();
        if self.left_behind {
            error = error.and("a process of this start still runs");
        }
        if let (ErrorKind::Body | ErrorKind::Died | ErrorKind::NotReady, Some(log)) = (error.kind(), &self.log) {
            error = error.and(&format!("what it printed is in `{}`", log.display()));
        }
        error.with_capture(output, errors)
    }
}

/// Looks up the identity of the daemon. Returns `None` if the daemon is dead.
///
/// The daemon is the session leader's child and is not reaped before the outcome is known, so a process with its pid and that
/// parent is the daemon.
fn identify(
    daemon: Pid,
    session_leader: Pid,
    context: &mut Option<io::Result<BootContext>>,
) -> Result<Option<Identity>> {
    let failed = |error: io::Error| Error::failed(ErrorKind::System, "identify process", daemon, cause(&error));
    match ProcStat::of(daemon) {
        Ok(stat) if stat.parent != session_leader.as_raw() => Ok(None),
        Ok(stat) => {
            let context = context.take().unwrap_or_else(BootContext::read).map_err(failed)?;
            Ok(Some(Identity { pid: daemon, start_time: stat.start_time, context }))
        }
        Err(error) if matches!(errno(&error), Some(Errno::ENOENT | Errno::ESRCH)) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}
