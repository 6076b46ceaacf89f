//! Waits for the greeting of a daemon, and ends a daemon that is wedged: it lives, but its acceptor does not answer.
//!
//! A daemon counts as wedged if it has sent no greeting for the greeting timeout, and during that time its pidfile has named it, it was
//! not traced, and its user time has not moved. One that SIGSTOP has stopped is continued first, and gets that time again.

mod silence;

use crate::daemon_process::{DaemonProcess, NamedProcess};
use crate::settings::OnDemand;
use daemonize_core::{Daemon, Error, ErrorKind, Pid, Result};
use daemonize_sys::escape::escape;
use daemonize_sys::pidfd::timeout_until;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use silence::{Action, Sighting, Silence, WaitReason};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// The result of a wait for a greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GreetingProgress {
    /// The connection can be read, or is closed.
    Readable,
    /// The daemon was wedged and has been ended: start another one.
    Ended,
    /// No daemon runs: the listener is a child that a dead one has left, or a foreign program. Start a daemon, which replaces the socket.
    NoDaemon,
}

/// A wait for the greeting of one connection. It costs nothing for a daemon that answers within a tenth of a second.
pub(crate) struct GreetingWait<'a> {
    daemon: &'a Daemon,
    began: Instant,
    deadline: Instant,
    silence: Silence,
    /// The reason why the daemon was not ended at the last look.
    reason: String,
}

impl GreetingWait<'_> {
    /// Begins to wait, right after the connection was established. `deadline` is that of the client.
    pub(crate) fn new<'a>(daemon: &'a Daemon, on_demand: &OnDemand, deadline: Instant) -> GreetingWait<'a> {
        let began = Instant::now();
        let silence = Silence::new(on_demand.greeting_timeout, began);
        GreetingWait { daemon, began, deadline, silence, reason: reason_text(WaitReason::Early) }
    }

    /// Waits until the connection can be read. Call it again if what can be read does not complete the greeting.
    ///
    /// # Errors
    /// The deadline has passed (`NotReady`; the text says why the daemon was left alone), or the wedged daemon cannot be ended.
    pub(crate) fn until_readable(&mut self, stream: impl AsFd) -> Result<GreetingProgress> {
        loop {
            if is_readable(&stream, self.silence.next_look().min(self.deadline))? {
                return Ok(GreetingProgress::Readable);
            }
            if Instant::now() >= self.deadline {
                return Err(self.deadline_error());
            }
            if let Some(progress) = self.look(&stream)? {
                return Ok(progress);
            }
        }
    }

    /// Looks at the daemon, and does what is to be done. Returns `None` to wait on.
    fn look(&mut self, stream: &impl AsFd) -> Result<Option<GreetingProgress>> {
        let named = DaemonProcess::find(self.daemon)?;
        let action = self.silence.look(Instant::now(), &sighting(&named));
        match (action, named) {
            (Action::Wait(WaitReason::Unknown), NamedProcess::Unknown(why)) => self.reason = why,
            (Action::Wait(reason), _) => self.reason = reason_text(reason),
            (Action::Resume, NamedProcess::Running(process)) => {
                process.resume()?;
                self.report(&process, "it was stopped (SIGSTOP), so it was continued");
            }
            // The daemon may have recovered since.
            (Action::End | Action::Start, _) if is_readable(stream, Instant::now())? => {}
            (Action::End, NamedProcess::Running(process)) => {
                self.end(&process)?;
                return Ok(Some(GreetingProgress::Ended));
            }
            (Action::Start, _) => return Ok(Some(GreetingProgress::NoDaemon)),
            (Action::Resume | Action::End, _) => {}
        }
        Ok(None)
    }

    fn end(&self, process: &DaemonProcess) -> Result<()> {
        let killed = process.end(self.deadline)?;
        let how = if killed { "killed" } else { "stopped" };
        self.report(process, &format!("it used no processor time, so it was {how}; another one is started"));
        Ok(())
    }

    fn report(&self, process: &DaemonProcess, done: &str) {
        report(self.daemon, process, &format!("has sent no greeting for {}; {done}", seconds(self.began.elapsed())));
    }

    fn deadline_error(&self) -> Error {
        let (name, time, why) = (self.daemon.settings().name(), seconds(self.began.elapsed()), &self.reason);
        let text = format!("failed to connect to `{name}`: it has sent no greeting for {time}; {why}");
        Error::new(ErrorKind::NotReady, text)
    }
}

/// Continues a daemon that exits, for whose end a client has waited this long, if SIGSTOP has stopped it. One that is traced is left alone.
///
/// # Errors
/// It belongs to another user.
pub(crate) fn continue_if_stopped(daemon: &Daemon, pid: Pid, waited: Duration) -> Result<()> {
    let NamedProcess::Running(process) = DaemonProcess::find(daemon)? else { return Ok(()) };
    let sample = if process.pid() == pid { process.sample().ok().flatten() } else { None };
    if sample.is_some_and(|sample| sample.is_stopped && sample.tracer.is_none()) {
        process.resume()?;
        let waited = seconds(waited);
        report(daemon, &process, &format!("exits for {waited}; it was stopped (SIGSTOP), so it was continued"));
    }
    Ok(())
}

/// Reports to stderr and to the program's log what was done to the daemon, in one line.
fn report(daemon: &Daemon, process: &DaemonProcess, done: &str) {
    let line = format!("{}: pid {} {done}", escape(daemon.settings().name()), process.pid());
    let _ = std::panic::catch_unwind(|| log::warn!("{line}"));
    let _ = writeln!(io::stderr(), "{line}");
}

/// Returns the reason why a daemon is not ended, and what the user can do.
fn reason_text(reason: WaitReason) -> String {
    match reason {
        WaitReason::Early => "it is left alone for the `greeting_timeout`: set one below `connect_timeout`".to_owned(),
        WaitReason::Starting => "it is still starting".to_owned(),
        WaitReason::Unknown => "its pidfile names no running process".to_owned(),
        WaitReason::Traced(tracer) => format!("it is traced by pid {tracer}: end that, or continue the daemon"),
        WaitReason::Working => "it uses processor time, so it is not ended: see its log, or stop it".to_owned(),
    }
}

/// Looks at the process that was found.
fn sighting(named: &NamedProcess) -> Sighting {
    match named {
        NamedProcess::Running(process) => match process.sample() {
            Ok(Some(sample)) => Sighting::Process(sample),
            Ok(None) => Sighting::Absent,
            Err(_) => Sighting::Unknown,
        },
        NamedProcess::Starting => Sighting::Starting,
        NamedProcess::NotRunning => Sighting::Absent,
        NamedProcess::Unknown(_) => Sighting::Unknown,
    }
}

/// Returns `true` if the connection can be read or is closed, `false` at the deadline.
fn is_readable(stream: &impl AsFd, deadline: Instant) -> Result<bool> {
    loop {
        let mut fds = [PollFd::new(stream.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, timeout_until(deadline)) {
            Ok(0) if Instant::now() >= deadline => return Ok(false),
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) => return Ok(true),
            Err(errno) => return Err(Error::new(ErrorKind::System, format!("failed to poll a connection: {errno}"))),
        }
    }
}

/// Returns a time in seconds with at most one digit behind the point.
fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
