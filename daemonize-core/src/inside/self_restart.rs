//! A daemon that starts its program again, which takes over from it.
//!
//! The running daemon (the predecessor) and the program that it starts (the successor) talk over a pair of sockets, one
//! end of which the successor inherits; the environment variable [`RESTART_ENV`] names it.
//!
//! 1. The successor checks its settings and reports WAITING, or FAILED and why. An error, its early exit or silence until
//!    the start timeout is the error of [`restart`], and the predecessor goes on.
//! 2. The predecessor answers ACCEPTED, and stops. From here on its death, too, makes the successor take over. A stop that
//!    it receives is passed on as STOP.
//! 3. At its end the predecessor says GO and gives the successor its lock, which is free at no moment: a `stop` finds a
//!    living predecessor, or waits for the process that has the lock until it can stop that one.
//! 4. The successor waits until the predecessor's process is gone, and starts.

mod program;
mod restarted_from;

pub(crate) use program::Program;
pub(crate) use restarted_from::RestartedFrom;

use super::{Inside, current};
use crate::error::{Error, ErrorKind, Result, cause};
use crate::handoff::{Channel, Message};
use crate::mutex::lock;
use crate::pid::Pid;
use crate::pidfile::PidFile;
use crate::process::Identity;
use crate::signal::Signal;
use crate::stopping::{self as flag, Asleep};
use crate::sys::exec;
use crate::sys::pidfd::{PidFd, timeout_until};
use crate::sys::siginfo::Purpose;
use crate::sys::wait::{self, Ended};
use nix::poll::{PollFd, PollFlags, poll};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Names the daemon that a restarted program is to take over from: descriptor, pid, start time, whether it detached, name.
pub(crate) const RESTART_ENV: &str = "DAEMONIC_RESTART";

/// How long a successor that has failed may take to exit.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);

/// The successor for which this daemon stops.
static SUCCESSOR: Mutex<Option<Arc<Successor>>> = Mutex::new(None);

struct Successor {
    channel: Channel,
    /// The path of its pidfile.
    pidfile: PathBuf,
    has_stop: AtomicBool,
}

/// Starts this program again, as it was started, and stops this daemon when the new program is ready to take over.
///
/// The program is looked for where it was called, so that a link to another release is followed. It checks its settings
/// and waits for this daemon's end. Blocks until it does so, at most for the
/// [`start_timeout`](crate::Daemon::start_timeout): call it from async code with `tokio::task::spawn_blocking`. A stop that
/// comes during a restart stops both. The second time it does nothing more.
///
/// # Errors
/// This process is no daemon, or one that is to stop; it changed its user or root, so that it could not be started as it
/// was; something [attached](crate::attach::Attachment::check_restart) refuses it; or the new program cannot be started, ends or reports an error, or is not ready within the start timeout. The
/// daemon goes on then.
pub fn restart() -> Result<()> {
    static ATTEMPT: Mutex<()> = Mutex::new(());
    let inside = current().ok_or_else(|| refused("this process is no daemon"))?;
    let _attempt = lock(&ATTEMPT);
    if lock(&SUCCESSOR).is_some() {
        return Ok(());
    }
    if let Some(obstacle) = inside.obstacle {
        return Err(refused(obstacle));
    }
    if flag::is_told() {
        return Err(refused(IS_STOPPING));
    }
    // A body that waits here does not hang.
    let _asleep = Asleep::fall();
    // Before anything is started or stopped.
    inside.check_restart().map_err(refused)?;
    let mut candidate = Candidate::start(inside)?;
    let outcome = candidate.wait(inside.start_timeout).and_then(|pidfile| candidate.accept(inside, pidfile));
    outcome.map_err(|why| {
        candidate.end();
        refused(why)
    })
}

const IS_STOPPING: &str = "it is to stop";

fn refused(why: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Inside, format!("failed to restart: {why}"))
}

/// Asks this daemon to stop, as SIGTERM does, and its successor if it is restarting.
pub(super) fn stop(inside: &Inside) {
    let is_first = {
        // A restart that is being accepted holds it, and takes its own request back if it fails.
        let _successor = lock(&SUCCESSOR);
        flag::tell()
    };
    if is_first {
        request_stop(inside, Purpose::Stop);
    } else {
        pass_stop_on();
    }
}

/// Through the signal thread, which keeps the time and runs the handlers.
fn request_stop(inside: &Inside, purpose: Purpose) {
    match inside.stops.first() {
        Some(signal) => inside.registered.send(*signal, purpose).unwrap_or_else(|_| flag::mark()),
        None => flag::mark(),
    }
}

/// Passes a stop that this daemon has received on to its successor. From here on there is no restart.
pub(crate) fn pass_stop_on() {
    // First: a restart that is not accepted yet finds it.
    flag::tell();
    let successor = lock(&SUCCESSOR).clone();
    if let Some(successor) = successor {
        successor.stop();
    }
}

impl Successor {
    fn has_stop(&self) -> bool {
        self.has_stop.load(SeqCst)
    }

    /// Once: a successor that reads nothing must not block this daemon.
    fn stop(&self) {
        if !self.has_stop.swap(true, SeqCst) {
            let _ = self.channel.send(&Message::Stop);
        }
    }
}

/// Gives the lock to the successor. Returns `false` if there is none to give it to: the pidfile is to be removed.
///
/// # Errors
/// The successor has ended meanwhile.
pub(super) fn hand_over(inside: &Inside, pidfile: &PidFile) -> Result<bool> {
    let Some(successor) = lock(&SUCCESSOR).clone() else { return Ok(false) };
    pass_pending_stops_on(inside, &successor);
    if successor.has_stop() {
        return Ok(false);
    }
    let go = if successor.pidfile == inside.handle.pidfile {
        successor.channel.send_with(&Message::Go, pidfile.holding()).map(|()| true)
    } else {
        // The successor has a pidfile of its own and would leave this one behind, so this daemon removes it.
        successor.channel.send(&Message::Go).map(|()| false)
    };
    go.map_err(|_| Error::new(ErrorKind::Inside, "failed to restart: the new process has ended meanwhile"))
}

/// The signal thread may be the one that hands over, or may not have come to them.
fn pass_pending_stops_on(inside: &Inside, successor: &Successor) {
    for (signal, purposes) in inside.registered.take() {
        let is_request = purposes.contains(Purpose::Unmarked) || purposes.contains(Purpose::Stop);
        if is_request && inside.stops.contains(&signal) {
            successor.stop();
        }
    }
}

/// A started program that is not known to be able to take over.
struct Candidate {
    path: PathBuf,
    /// `None` once it is the successor.
    channel: Option<Channel>,
    child: Child,
    process: PidFd,
}

impl Candidate {
    fn start(inside: &Inside) -> Result<Candidate> {
        let prepare = |error: io::Error| refused(cause(&error));
        let (channel, theirs) = Channel::pair().map_err(prepare)?;
        let Identity { pid, start_time, .. } = &inside.identity;
        let (path, mut command) = inside.program.command().map_err(refused)?;
        let fd = theirs.as_fd().as_raw_fd();
        command.env(RESTART_ENV, format!("{fd} {pid} {start_time} {} {}", inside.detached, inside.handle.name));
        exec::inherit(&mut command, fd);
        let child =
            command.spawn().map_err(|error| refused(format_args!("`{}`: {}", path.display(), cause(&error))))?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        wait::claim(pid);
        let process = pid.map_or_else(|| Err(io::Error::other("it has no pid")), PidFd::open).map_err(prepare)?;
        Ok(Candidate { path, channel: Some(channel), child, process })
    }

    /// Waits until it reports that it waits, with the path of its pidfile, or why it cannot take over.
    fn wait(&mut self, start_timeout: Duration) -> Result<PathBuf, String> {
        let deadline = Instant::now() + start_timeout;
        let failed = |error: io::Error| format!("failed to wait for the new process: {}", cause(&error));
        let stop = flag::descriptor().map_err(failed)?;
        loop {
            let Some(channel) = &self.channel else { return Err(self.death()) };
            let sources = [channel.as_fd(), stop, self.process.as_fd()];
            let mut fds = sources.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
            match poll(&mut fds, timeout_until(deadline)) {
                Ok(_) | Err(nix::Error::EINTR) => {}
                Err(errno) => return Err(failed(errno.into())),
            }
            let [answered, is_to_stop, ended] = fds.map(|fd| fd.any() == Some(true));
            if is_to_stop {
                return Err(IS_STOPPING.to_owned());
            }
            if answered {
                return match channel.receive() {
                    Ok(Some(Message::Waiting(pidfile))) => Ok(pidfile),
                    Ok(Some(Message::Failed(error))) => Err(format!("the new process reports: {error}")),
                    _ => Err(self.death()),
                };
            }
            if ended {
                return Err(self.death());
            }
            if Instant::now() >= deadline {
                let path = self.path.display();
                return Err(format!("`{path}` was not ready to take over within {start_timeout:?}, and was ended"));
            }
        }
    }

    /// Stops this daemon for it, unless the daemon is to stop already.
    fn accept(&mut self, inside: &Inside, pidfile: PathBuf) -> Result<(), String> {
        let mut successor = lock(&SUCCESSOR);
        if !flag::tell() {
            return Err(IS_STOPPING.to_owned());
        }
        let Some(channel) = self.channel.take() else { return Err(self.death()) };
        if channel.send(&Message::Accepted(inside.stop_timeout)).is_err() {
            flag::withdraw();
            return Err(self.death());
        }
        *successor = Some(Arc::new(Successor { channel, pidfile, has_stop: AtomicBool::new(false) }));
        drop(successor);
        request_stop(inside, Purpose::Restart);
        Ok(())
    }

    /// How it ended, having reported nothing.
    fn death(&mut self) -> String {
        let path = self.path.display();
        let _ = self.process.wait(Instant::now() + EXIT_TIMEOUT);
        match self.child.try_wait() {
            Ok(Some(status)) => {
                format!("`{path}` {} before it was ready to take over", Ended::from_raw(status.into_raw()))
            }
            _ => format!("`{path}` does not take over"),
        }
    }

    /// Gives one that has failed the time to exit; kills and reaps it.
    fn end(&mut self) {
        // A successor that waits gives up at the end of the pair.
        self.channel = None;
        let patience = if flag::is_told() { Duration::ZERO } else { EXIT_TIMEOUT };
        let exits = self.process.wait(Instant::now() + patience).unwrap_or(false);
        if !exits {
            let _ = self.process.send(Signal::SIGKILL);
            let _ = self.process.wait(Instant::now() + EXIT_TIMEOUT);
        }
        let _ = self.child.try_wait();
        wait::claim(None);
    }
}
