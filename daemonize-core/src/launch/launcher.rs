//! The launcher: forks, listens until the outcome is known, and sees to it that a failed start leaves nothing.
//!
//! The rules L1 to L15 in short: one poll with one deadline over the daemon's socket, the middle's socket and the
//! capture pipes. READY is answered by RELEASE to the middle and GO to the daemon. Anything else is a failure: falling
//! silent makes the middle kill the daemon, clean up, and say how it died; if the middle cannot, all of it is done here.

use super::capture::{Capture, Captured, Listener};
use super::middle;
use super::quiet::Quiet;
use super::{Launch, Plan, Role};
use crate::error::{Error, ErrorKind, Result, cause};
use crate::handoff::{Channel, Message};
use crate::notifier::Manager;
use crate::pid::Pid;
use crate::pidfile::{Lock, PidFile};
use crate::process::Here;
use crate::stage::Stage;
use crate::stdout;
use crate::sys::fork::{Alone, Fence, Fork, exit_now, fork};
use crate::sys::pidfd::PidFd;
use crate::sys::wait::{Death, reap};
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::{kill, killpg};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long the middle gets for an answer that costs it nothing.
const ANSWER: Duration = Duration::from_secs(1);

/// A daemon that was started and is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Started {
    /// The daemon.
    pub pid: Pid,
    /// Where it is written down.
    pub pidfile: PathBuf,
    /// What it printed on stdout until it was ready (the first 64 KiB).
    pub output: Vec<u8>,
    /// What it printed on stderr until it was ready (the first 64 KiB).
    pub errors: Vec<u8>,
}

impl Started {
    /// Said from inside the daemon.
    pub(crate) fn here(pidfile: PathBuf) -> Started {
        Started { pid: Pid::this(), pidfile, output: Vec::new(), errors: Vec::new() }
    }

    /// Prints what the start said, on stdout and stderr, and ends the launcher with status 0.
    ///
    /// The process ends by `_exit(2)`: handlers registered with `atexit(3)` do not run, and `Drop`s do not either.
    pub fn report(self) -> ! {
        stdout::copy_out(&self.output, &self.errors);
        exit_now(0)
    }
}

/// Forks; returns in the launcher when the outcome is known, and in the daemon.
///
/// A launcher that is `leaving` does not wait for the middle's last moments.
pub(super) fn split(mut quiet: Quiet, launch: Launch, alone: Alone, leaving: bool) -> Result<Role> {
    let plumbing = |error: std::io::Error| Error::stage(Stage::Detach, cause(&error));
    let (ready, daemon_end) = Channel::pair().map_err(plumbing)?;
    let (ctl, middle_end) = Channel::pair().map_err(plumbing)?;
    let speaks = launch.plan.settings.speaks_while_starting();
    let capture = speaks.then(|| Capture::new(launch.plan.streams.logs())).transpose().map_err(plumbing)?;
    let (capture, captured): (Option<Capture>, Option<Captured>) = capture.unzip();
    stdout::flush();
    quiet.keep_children();
    match fork(alone).map_err(|error| Error::stage(Stage::Detach, format_args!("fork: {}", cause(&error))))? {
        Fork::Child => {
            let fence = Fence::around(true);
            // Neither side of these is ours; the mask stays blocked until the daemon opens it.
            drop((ready, ctl, capture));
            quiet.go_on();
            let birth = middle::split(launch, alone, daemon_end, middle_end, captured);
            fence.open();
            Ok(Role::Daemon(Box::new(birth)))
        }
        Fork::Parent(middle) => {
            drop((daemon_end, middle_end, captured));
            let Launch { plan: Plan { settings, pidfile, manager, .. }, lock } = launch;
            let deadline = Instant::now() + settings.start_timeout;
            let mut launcher = Launcher {
                ready,
                ctl,
                capture,
                middle,
                lock: Some(lock),
                manager,
                deadline,
                quiet,
                left_behind: false,
                middle_reaped: false,
            };
            launcher.tell_where();
            let outcome = launcher.listen();
            launcher.conclude(outcome, pidfile, settings.start_timeout, leaving).map(Role::Launcher)
        }
    }
}

struct Launcher {
    /// To the daemon.
    ready: Channel,
    /// To the middle.
    ctl: Channel,
    capture: Option<Capture>,
    middle: Pid,
    lock: Option<PidFile>,
    /// For which the launcher is the service, until it says who is.
    manager: Option<&'static Manager>,
    deadline: Instant,
    quiet: Quiet,
    /// Somebody who left the daemon's group still has its end of the socket, or the middle cannot die.
    left_behind: bool,
    middle_reaped: bool,
}

/// What ended the listening.
enum Outcome {
    Ready(Pid),
    Failed(Error),
    /// The middle says how the daemon died, and has cleaned up.
    Died(Death),
    /// The end of a socket, where a word should have been.
    Silence,
    TooLate,
}

impl Launcher {
    /// Spares the daemon a look at `/proc` while it is waited for. Without an answer it ends, like without a launcher.
    fn tell_where(&self) {
        let told = Here::look().and_then(|here| self.ready.send(&Message::Here(here)));
        if told.is_err() {
            self.ready.fall_silent();
        }
    }

    /// One poll, one deadline; READY beats whatever is readable with it.
    fn listen(&mut self) -> Outcome {
        let mask = self.quiet.waiting();
        loop {
            let listeners = self.capture.iter().flat_map(|capture| [&capture.output, &capture.errors]);
            let pipes = listeners.filter_map(Listener::descriptor);
            let sockets = [self.ready.as_fd(), self.ctl.as_fd()];
            let mut fds: Vec<PollFd<'_>> =
                sockets.into_iter().chain(pipes).map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
            let count = match mask.poll(&mut fds, Some(self.deadline.saturating_duration_since(Instant::now()))) {
                Ok(count) => count,
                Err(error) => return Outcome::Failed(Error::system("wait for the daemon", cause(&error))),
            };
            let said = |index: usize| count > 0 && fds[index].any() == Some(true);
            let (ready, ctl) = (said(0), said(1));
            if ready {
                return match self.ready.receive() {
                    Ok(Some(Message::Ready(_))) if self.quiet.is_interrupted() => {
                        Outcome::Failed(Error::new(ErrorKind::Stopped, "failed to start: interrupted"))
                    }
                    Ok(Some(Message::Ready(pid))) => Outcome::Ready(pid),
                    Ok(Some(Message::Failed(error))) => Outcome::Failed(error),
                    _ => Outcome::Silence,
                };
            }
            if ctl {
                return self.verdict();
            }
            self.drain();
            if Instant::now() >= self.deadline {
                return Outcome::TooLate;
            }
        }
    }

    /// Takes what was printed; before GO, so that it stands in the log before what the daemon prints itself.
    fn drain(&mut self) {
        if let Some(capture) = &mut self.capture {
            capture.drain();
        }
    }

    /// What the middle has to say.
    fn verdict(&self) -> Outcome {
        match self.ctl.receive() {
            Ok(Some(Message::Status(death))) => Outcome::Died(death),
            _ => Outcome::Silence,
        }
    }

    fn conclude(
        mut self,
        outcome: Outcome,
        pidfile: PathBuf,
        start_timeout: Duration,
        leaving: bool,
    ) -> Result<Started> {
        let failure = match outcome {
            Outcome::Ready(pid) => match self.release(pid, leaving) {
                Ok(()) => return Ok(self.success(pid, pidfile)),
                Err(death) => return Err(self.failure(died(death))),
            },
            Outcome::Failed(error) => error,
            Outcome::Died(death) => {
                self.bury();
                return Err(self.failure(died(Some(death))));
            }
            Outcome::Silence => {
                let death = self.take_back();
                return Err(self.failure(died(death)));
            }
            Outcome::TooLate => Error::new(
                ErrorKind::NotReady,
                format!("failed to start: the daemon was not ready within {start_timeout:?}, and was ended"),
            ),
        };
        self.take_back();
        Err(self.failure(failure))
    }

    /// L7: the middle may go, then the daemon may begin. An error is how the daemon died in between, if it is known.
    fn release(&mut self, daemon: Pid, leaving: bool) -> Result<(), Option<Death>> {
        let _ = self.ctl.send(&Message::Release);
        // A launcher that is about to exit waits for nobody: the next start absorbs the middle's last moments.
        if !leaving {
            match self.answer() {
                Some(Message::Released) => {}
                Some(Message::Status(death)) => {
                    self.bury();
                    return Err(Some(death));
                }
                _ => {
                    self.put_down();
                    return Err(None);
                }
            }
        }
        self.drain();
        if let Some(notifier) = self.manager.and_then(Manager::connect) {
            // A service must be an orphan: the manager hears of its end only if nobody else does.
            self.reap_middle();
            notifier.introduce(daemon);
        }
        let begun = self.ready.send(&Message::Go).is_ok();
        match self.lock.take() {
            // It died after READY, and the middle looks no more.
            Some(lock) if !begun => drop(lock.release()),
            Some(lock) => lock.abandon(),
            None => {}
        }
        if !leaving || !begun {
            self.reap_middle();
        }
        if begun { Ok(()) } else { Err(None) }
    }

    /// L8: silence makes the middle end the daemon, clean up and tell; without an answer it is done from here.
    fn take_back(&mut self) -> Option<Death> {
        self.ctl.fall_silent();
        if let Some(Message::Status(death)) = self.answer() {
            self.bury();
            return Some(death);
        }
        self.put_down();
        None
    }

    /// What the middle says within its time.
    fn answer(&self) -> Option<Message> {
        let deadline = Instant::now() + ANSWER;
        self.quiet.wait_readable(&self.ctl, deadline).then(|| self.ctl.receive().ok().flatten()).flatten()
    }

    /// L9: the daemon is dead and cleaned up after; whatever it left in the middle's group goes with the middle.
    fn bury(&mut self) {
        // The middle leads its group and is unreaped, so the number is ours.
        let _ = killpg(self.middle.as_nix(), nix::sys::signal::SIGKILL);
        self.reap_middle();
        self.wait_for_the_family();
        self.drop_lock();
    }

    /// L10: no verdict. Takes the whole group down, then cleans up with the launcher's own copy of the lock.
    fn put_down(&mut self) {
        if killpg(self.middle.as_nix(), nix::sys::signal::SIGKILL).is_err() {
            // It has no session yet.
            let _ = kill(self.middle.as_nix(), nix::sys::signal::SIGKILL);
        }
        // Not reaped yet: its number stays ours for one more round.
        let gone = self.middle_ends();
        let _ = killpg(self.middle.as_nix(), nix::sys::signal::SIGKILL);
        self.wait_for_the_family();
        if let Some(lock) = self.lock.take() {
            let _ = lock.release();
        }
        self.reap_if(gone);
    }

    /// Everybody who could still hold the daemon's end of the socket is gone when it ends.
    fn wait_for_the_family(&mut self) {
        let deadline = Instant::now() + ANSWER;
        while self.quiet.wait_readable(&self.ready, deadline) {
            if !matches!(self.ready.receive(), Ok(Some(_))) {
                return;
            }
        }
        // Not where waiting is impossible: all of them have been killed.
        self.left_behind = Instant::now() >= deadline;
    }

    /// L11: the middle has said that it goes, or has been killed.
    fn reap_middle(&mut self) {
        if self.middle_reaped {
            return;
        }
        let gone = self.middle_ends() || {
            let _ = kill(self.middle.as_nix(), nix::sys::signal::SIGKILL);
            self.middle_ends()
        };
        self.reap_if(gone);
    }

    /// Waits for the middle's end; whether it came in time.
    fn middle_ends(&self) -> bool {
        let middle = PidFd::open(self.middle).and_then(|middle| middle.wait(Instant::now() + ANSWER));
        // Without a descriptor to wait with there is only the wait that has no deadline.
        middle.unwrap_or(true)
    }

    /// A process that cannot even die (of a disk that does not answer) keeps nobody waiting.
    fn reap_if(&mut self, gone: bool) {
        if gone {
            // From here on its number may be somebody else's.
            self.middle_reaped = true;
            let _ = reap(self.middle);
        } else {
            self.left_behind = true;
        }
    }

    fn drop_lock(&mut self) {
        if let Some(lock) = self.lock.take() {
            lock.abandon();
        }
    }

    fn success(mut self, pid: Pid, pidfile: PathBuf) -> Started {
        let (output, errors) = self.capture.take().map(Capture::finish).unwrap_or_default();
        Started { pid, pidfile, output, errors }
    }

    fn failure(&mut self, error: Error) -> Error {
        let (output, errors) = self.capture.take().map(Capture::finish).unwrap_or_default();
        let error = if self.left_behind { error.and("a process of this start still runs") } else { error };
        error.with_capture(output, errors)
    }
}

fn died(death: Option<Death>) -> Error {
    let how = death.map_or_else(|| "died".to_owned(), |death| death.to_string());
    Error::new(ErrorKind::Died, format!("failed to start: the daemon {how} before it was ready"))
}
