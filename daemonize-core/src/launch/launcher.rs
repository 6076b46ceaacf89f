//! The launcher: forks, writes the pidfile, waits for the outcome, and leaves nothing of a failed start.
//!
//! The rules L1 to L15 in short: one poll with one deadline over the daemon's socket, the session leader's socket and the
//! capture pipes. FORKED from the session leader names the daemon, whose identity is looked up and written. READY is
//! answered by RELEASE to the session leader and GO to the daemon. Anything else is a failure: end of file makes the
//! session leader kill the daemon and report how it died, and the files are removed here; without a report, the session
//! leader and its group are killed first.

mod cleanup;

use super::capture::{Capture, Captured, Listener};
use super::deadline::Deadline;
use super::destination::Destination;
use super::outcome::{Outcome, PidFileState, Verdict, died};
use super::session_leader;
use super::signal_block::SignalBlock;
use super::started::Started;
use super::{Launch, Plan, Role};
use crate::error::{Error, ErrorKind, Result, cause};
use crate::handoff::{Channel, Message};
use crate::notifier::Manager;
use crate::pid::Pid;
use crate::pidfile::PidFile;
use crate::process::{BootContext, Identity};
use crate::settings::Ready;
use crate::signal::Signal;
use crate::stage::Stage;
use crate::stdout;
use crate::sys::error::errno;
use crate::sys::fork::{Alone, Fence, Fork, fork};
use crate::sys::outlined::Outlined;
use crate::sys::proc::ProcStat;
use crate::sys::signal_disposition;
use crate::sys::wait::Ended;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

/// How long the session leader may take for an answer that costs it nothing.
const ANSWER: Duration = Duration::from_secs(1);

/// Forks; returns in the launcher when the outcome is known, and in the daemon.
///
/// A launcher that is `leaving` does not wait for the session leader's last moments.
pub(super) fn split(mut block: SignalBlock, launch: Launch, alone: Alone, leaving: bool) -> Result<Role> {
    let plumbing = |error: std::io::Error| Error::stage(Stage::Detach, cause(&error));
    let (ready, daemon_end) = Channel::pair().map_err(plumbing)?;
    let (ctl, middle_end) = Channel::pair().map_err(plumbing)?;
    let speaks = launch.plan.settings.speaks_while_starting();
    let user = launch.plan.identity.as_ref().and_then(|target| target.owner().0);
    let capture = speaks.then(|| Capture::new(launch.plan.streams.logs(), user)).transpose().map_err(plumbing)?;
    let (capture, captured): (Option<Capture>, Option<Captured>) = capture.unzip();
    stdout::flush();
    block.keep_child_status();
    match fork(alone).map_err(|error| Error::stage(Stage::Detach, format_args!("fork: {}", cause(&error))))? {
        Fork::Child => {
            let fence = Fence::around(true);
            // Neither side of these is ours; the mask stays blocked until the daemon opens it.
            drop((ready, ctl, capture));
            block.leave_blocked();
            let birth = session_leader::split(launch, alone, daemon_end, middle_end, captured);
            fence.open();
            Ok(Role::Daemon(birth))
        }
        Fork::Parent(session_leader) => {
            drop((daemon_end, middle_end, captured));
            // While the session leader makes the daemon.
            let context = BootContext::read();
            let addresses = (!launch.plan.tells_addresses()).then(Vec::new);
            let Launch { plan, lock } = launch;
            let Plan { settings, detached, .. } = &*plan;
            let destinations = Destination::of(settings, *detached);
            let captures_body = settings.ready != Ready::Auto;
            let log = destinations.iter().rev().find_map(Destination::log).filter(|_| !captures_body).cloned();
            let mut launcher = Launcher {
                ready,
                ctl,
                capture,
                session_leader,
                daemon: None,
                exiting: None,
                is_closed: false,
                log,
                addresses,
                context: Some(context),
                ignored: signal_disposition::ignored(),
                pidfile: PidFileState::of(settings),
                lock,
                deadline: Deadline::after(settings.start_timeout),
                block,
                plan,
                destinations,
                left_behind: false,
                reaped: false,
            };
            let outcome = launcher.listen();
            launcher.conclude(outcome, leaving).map(Role::Launcher)
        }
    }
}

struct Launcher {
    /// To the daemon.
    ready: Channel,
    /// To the session leader.
    ctl: Channel,
    capture: Option<Capture>,
    session_leader: Pid,
    /// Named by the session leader, which forked it.
    daemon: Option<Pid>,
    /// Set once its body has called `exit(3)`: the status will be the outcome.
    exiting: Option<Pid>,
    /// Its end of the socket is closed, and its death is waited for.
    is_closed: bool,
    /// The file that holds what the body has printed, where the launcher has not captured it.
    log: Option<PathBuf>,
    /// The daemon's addresses, once they are known: it tells them once, before it changes its user.
    addresses: Option<Vec<String>>,
    /// The boot and the namespaces of this process and its daemon; taken when the daemon's identity is made.
    context: Option<std::io::Result<BootContext>>,
    /// The signals that this process ignores, and so the daemon at its fork.
    ignored: Vec<Signal>,
    pidfile: PidFileState,
    lock: Option<Box<PidFile>>,
    plan: Outlined<Plan>,
    deadline: Deadline,
    block: SignalBlock,
    /// The destinations of the daemon's stdout and stderr.
    destinations: [Destination; 2],
    /// Set if a process that left the daemon's group still has its end of the socket, or the session leader cannot die.
    left_behind: bool,
    reaped: bool,
}

impl Launcher {
    /// L6: one poll, one deadline; READY beats everything that is readable with it.
    fn listen(&mut self) -> Outcome {
        let mask = self.block.waiting();
        loop {
            let listeners = self.capture.iter().flat_map(|capture| [&capture.output, &capture.errors]);
            let pipes = listeners.filter_map(Listener::descriptor);
            // One that is closed would end each wait at once.
            let daemon = if self.is_closed { self.ctl.as_fd() } else { self.ready.as_fd() };
            let mut fds: Vec<PollFd<'_>> = [daemon, self.ctl.as_fd()]
                .into_iter()
                .chain(pipes)
                .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
                .collect();
            let count = match mask.poll(&mut fds, Some(self.deadline.left())) {
                Ok(count) => count,
                Err(error) => return Outcome::Failed(Error::system("wait for the daemon", cause(&error))),
            };
            let readable = |index: usize| count > 0 && fds[index].any() == Some(true);
            let (ready, ctl) = (!self.is_closed && readable(0), readable(1));
            let outcome = match (ready, ctl) {
                (true, _) => self.hear_daemon(),
                (false, true) => self.hear_session_leader(),
                (false, false) => None,
            };
            if let Some(outcome) = outcome {
                return outcome;
            }
            self.drain();
            if self.deadline.left().is_zero() {
                return Outcome::TooLate;
            }
        }
    }

    /// Takes one message of the daemon; `None` if the wait goes on.
    fn hear_daemon(&mut self) -> Option<Outcome> {
        let outcome = match (self.ready.receive(), self.daemon) {
            (Ok(Some(Message::Addresses(addresses))), _) if self.addresses.is_none() => {
                self.addresses = Some(addresses);
                self.write_pidfile();
                return None;
            }
            (Ok(Some(Message::Ready)), _) if self.block.is_interrupted() => {
                Outcome::Failed(Error::new(ErrorKind::Stopped, "failed to start: interrupted"))
            }
            (Ok(Some(Message::Ready)), Some(daemon)) if matches!(self.pidfile, PidFileState::Written { .. }) => {
                Outcome::Ready(daemon)
            }
            (Ok(Some(Message::MoreTime(time))), _) => {
                self.deadline.extend(time);
                return None;
            }
            (Ok(Some(Message::Failed(error))), _) => Outcome::Failed(error),
            (Ok(Some(Message::Exiting)), Some(daemon)) if matches!(self.pidfile, PidFileState::Written { .. }) => {
                self.exiting = Some(daemon);
                return None;
            }
            (Ok(None), _) if self.exiting.is_some() => {
                self.is_closed = true;
                return None;
            }
            _ => Outcome::EndOfFile,
        };
        Some(outcome)
    }

    /// Takes one message of the session leader; `None` if the wait goes on.
    fn hear_session_leader(&mut self) -> Option<Outcome> {
        match self.ctl.receive().ok().flatten() {
            Some(Message::Forked(daemon)) if self.daemon.is_none() => {
                self.daemon = Some(daemon);
                self.write_pidfile();
                None
            }
            message => Some(match (Verdict::of(message), self.exiting) {
                (Some(Verdict::Died(Ended::Status(0))), Some(daemon)) => Outcome::Exited(daemon),
                (Some(verdict), _) => Outcome::Dead(verdict),
                (None, _) => Outcome::EndOfFile,
            }),
        }
    }

    /// P6: writes the pidfile as soon as pid and addresses are known, and says so to the daemon, which waits for that.
    fn write_pidfile(&mut self) {
        let (Some(daemon), true) = (self.daemon, self.addresses.is_some()) else { return };
        let replaced = matches!(self.pidfile, PidFileState::Replaced);
        let written = self.identify(daemon).and_then(|identity| match (identity, &mut self.lock) {
            (Some(identity), Some(lock)) if !replaced => {
                lock.write(&identity, self.addresses.as_deref().unwrap_or_default()).map(|()| Some(identity))
            }
            (identity, _) => Ok(identity),
        });
        match written {
            Ok(Some(identity)) => {
                // A daemon that is dead is reported by the session leader.
                let _ = self.ready.send(&Message::Written(identity, std::mem::take(&mut self.ignored)));
                // While the daemon runs its stages, and not between READY and GO.
                let last_words_due = self.lock.as_ref().is_some_and(|lock| lock.last_words_are_due());
                self.pidfile = PidFileState::Written { last_words_due };
            }
            // Dead already: the session leader reports how it died.
            Ok(None) => {}
            Err(error) => {
                // The daemon gives up in order: what is attached to it has made files.
                self.ready.shutdown_write();
                self.pidfile = PidFileState::Failed(error);
            }
        }
    }

    /// Looks up the identity of the daemon, which is the session leader's child until the outcome is known.
    fn identify(&mut self, daemon: Pid) -> Result<Option<Identity>> {
        let failed =
            |error: std::io::Error| Error::failed(ErrorKind::System, "identify process", daemon, cause(&error));
        match ProcStat::of(daemon) {
            Ok(stat) if stat.parent != self.session_leader.as_raw() => Ok(None),
            Ok(stat) => {
                let context = self.context.take().unwrap_or_else(BootContext::read).map_err(failed)?;
                Ok(Some(Identity { pid: daemon, start_time: stat.start_time, context }))
            }
            Err(error) if matches!(errno(&error), Some(Errno::ENOENT | Errno::ESRCH)) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Takes what was printed; before GO, so that it stands in the log before what the daemon prints itself.
    fn drain(&mut self) {
        let Some(capture) = &mut self.capture else { return };
        let Some(on_output) = &self.plan.settings.on_output else { return capture.drain() };
        let printed = capture.take_new();
        // The user's code, which may take long: with the caller's mask, so that a signal can end it, and with it the start.
        let call = || printed.iter().all(|output| output.is_empty() || on_output.call(output));
        if !self.block.with_original_mask(call) {
            // It has panicked.
            self.plan.settings.on_output = None;
        }
    }

    /// Takes what was printed last; returns what is kept of all.
    fn finish_capture(&mut self) -> (Vec<u8>, Vec<u8>) {
        self.drain();
        self.capture.take().map(Capture::finish).unwrap_or_default()
    }

    fn conclude(mut self, outcome: Outcome, leaving: bool) -> Result<Started> {
        let failure = match outcome {
            Outcome::Ready(pid) => match self.release(pid, leaving) {
                Ok(()) => return Ok(self.success(pid, leaving)),
                Err(error) => error,
            },
            Outcome::Exited(pid) => {
                self.clean_up_after_exit();
                return Ok(self.success(pid, leaving));
            }
            Outcome::Dead(verdict) => {
                self.clean_up_after_verdict();
                verdict.into_error()
            }
            Outcome::Failed(error) => {
                self.abort();
                error
            }
            Outcome::EndOfFile => self.end_of_file(),
            Outcome::TooLate => {
                self.abort();
                let timeout = self.deadline.timeout();
                let text = format!("failed to start: the daemon was not ready within {timeout:?}, and was ended");
                Error::new(ErrorKind::NotReady, text)
            }
        };
        // The daemon only knows that there is no pidfile; the cause is known here.
        let failure = match std::mem::replace(&mut self.pidfile, PidFileState::Replaced) {
            PidFileState::Failed(error) => error,
            _ => failure,
        };
        Err(self.failure(failure))
    }

    /// L7: RELEASE to the session leader, then GO to the daemon. The error is how the daemon died in between.
    fn release(&mut self, daemon: Pid, leaving: bool) -> Result<()> {
        let _ = self.ctl.send(&Message::Release);
        // A launcher that is about to exit waits for no process, and its exit makes the session leader look for RELEASE: the
        // next start absorbs the session leader's last moments.
        if !leaving {
            self.ctl.shutdown_write();
            match self.answer(ANSWER) {
                Some(Message::Released) => {}
                message => return Err(self.undo(message)),
            }
        }
        self.drain();
        // The launcher is the service until it says who is.
        if let Some(notifier) = self.plan.manager.and_then(Manager::connect) {
            // A service must be an orphan: the manager hears of its end only if no other process does.
            self.reap_session_leader();
            notifier.introduce(daemon);
        }
        if matches!(self.pidfile, PidFileState::Written { last_words_due: true }) {
            self.lock.iter().for_each(|lock| lock.renew_last_words());
        }
        match self.ready.send(&Message::Go) {
            Ok(()) => {
                // The daemon owns the files from now on. What this launcher still does may take long: it prints what the start
                // said. Its copy of the lock would keep the next start from working if the daemon is killed meanwhile.
                drop(self.lock.take().map(|lock| lock.disown()));
                if !leaving {
                    self.reap_session_leader();
                }
                Ok(())
            }
            // It died after READY, and the session leader still watches it.
            Err(_) if leaving => {
                let message = self.answer(ANSWER);
                Err(self.undo(message))
            }
            Err(_) => {
                self.remove_pidfile();
                self.reap_session_leader();
                Err(died(None))
            }
        }
    }

    fn success(mut self, pid: Pid, leaving: bool) -> Started {
        let (output, errors) = self.finish_capture();
        let Launcher { block, mut plan, ready, ctl, destinations: [stdout, stderr], .. } = self;
        drop(block);
        let pidfile = std::mem::take(&mut plan.pidfile);
        if leaving {
            // The exit that follows closes and frees all of it at once.
            std::mem::forget((plan, ready, ctl));
        }
        Started { pid, pidfile, stdout, stderr, output, errors }
    }

    fn failure(&mut self, error: Error) -> Error {
        let (output, errors) = self.finish_capture();
        let error = if self.left_behind { error.and("a process of this start still runs") } else { error };
        let error = match (error.kind(), &self.log) {
            (ErrorKind::Body | ErrorKind::Died | ErrorKind::NotReady, Some(log)) => {
                error.and(&format!("what it printed is in `{}`", log.display()))
            }
            _ => error,
        };
        error.with_capture(output, errors)
    }
}
