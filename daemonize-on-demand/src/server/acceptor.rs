//! The acceptor: the thread that accepts and greets clients, answers control requests, and decides when the daemon exits.

use super::admission::Admission;
use super::control_connection::ControlConnections;
use super::lifecycle::{Lifecycle, LifecycleStage};
use super::listeners::{Listeners, accept};
use super::queue::QUEUE;
use super::rate_limit::RateLimitedWarning;
use crate::activity::{self, IdleTimer};
use crate::greeting::GreetingState;
use daemonize_core::attach::Handle;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Pause before the next `accept(2)` after one that failed for lack of descriptors or memory.
const ACCEPT_RETRY_INTERVAL: Duration = Duration::from_millis(100);
/// How many clients are accepted before other events are looked at.
const MAX_ACCEPTED_AT_ONCE: usize = 64;

/// The state of the acceptor thread.
pub(super) struct Acceptor {
    pub(super) listeners: Listeners,
    pub(super) admission: Admission,
    pub(super) daemon: Handle,
    pub(super) lifecycle: Arc<Lifecycle>,
    idle: Duration,
    timer: IdleTimer,
    control: ControlConnections,
    /// The stage that was acted on.
    stage: LifecycleStage,
    /// The start has succeeded.
    was_ready: bool,
    /// Closed to accept, and send away, a client when the process has no other descriptor.
    spare: Option<File>,
    /// No client is accepted before this time.
    paused_until: Option<Instant>,
    failed: RateLimitedWarning,
}

/// The descriptors that are ready, of those that the acceptor waits for.
struct ReadyFds {
    clients: bool,
    control: bool,
    connections: Vec<bool>,
}

impl Acceptor {
    /// Prepares the thread: everything that can fail.
    pub(super) fn new(
        listeners: Listeners,
        admission: Admission,
        daemon: Handle,
        lifecycle: Arc<Lifecycle>,
        idle: Duration,
    ) -> io::Result<Acceptor> {
        Ok(Acceptor {
            listeners,
            admission,
            daemon,
            lifecycle,
            idle,
            timer: IdleTimer::new()?,
            control: ControlConnections::default(),
            stage: LifecycleStage::Starting,
            was_ready: false,
            spare: open_spare(),
            paused_until: None,
            failed: RateLimitedWarning::default(),
        })
    }

    /// Serves until the daemon ends.
    pub(super) fn run(&mut self) {
        while self.lifecycle.stage() < LifecycleStage::Ending {
            self.follow_stage();
            let ready = self.wait();
            self.lifecycle.take_wakeup();
            // A stop that was requested meanwhile comes first: its clients are not to be greeted as ready.
            self.follow_stage();
            if ready.clients && self.stage == LifecycleStage::Ready {
                self.accept_clients(MAX_ACCEPTED_AT_ONCE);
            }
            if ready.control {
                self.accept_control();
            }
            let mut control = std::mem::take(&mut self.control);
            control.serve(&ready.connections, self);
            self.control = control;
            if self.timer.take_expiration() && self.stage == LifecycleStage::Ready {
                self.exit_if_idle();
            }
        }
        self.stop_accepting();
        self.listeners.remove_names();
    }

    /// Does what the daemon's stage requires, once.
    fn follow_stage(&mut self) {
        // The acceptor itself decides to stop before the daemon does.
        let stage = self.lifecycle.stage().max(self.stage);
        if self.stage == LifecycleStage::Starting && stage == LifecycleStage::Ready {
            self.was_ready = true;
            activity::begin(self.idle, self.timer.clone());
        }
        if self.stage < LifecycleStage::Stopping && stage >= LifecycleStage::Stopping {
            self.stop_accepting();
        }
        self.stage = stage;
    }

    /// Returns the stage that was acted on.
    pub(super) fn stage(&self) -> LifecycleStage {
        self.stage
    }

    /// Has the daemon stop, and sends away the clients that come from now on.
    pub(super) fn stop_daemon(&mut self) {
        self.daemon.stop();
        self.stage = self.stage.max(LifecycleStage::Stopping);
        self.stop_accepting();
    }

    /// Waits for an event.
    fn wait(&self) -> ReadyFds {
        let mut fds = vec![PollFd::new(self.lifecycle.as_fd(), PollFlags::POLLIN), self.poll_timer()];
        let accepts = self.paused_until.is_none_or(|time| time <= Instant::now());
        let mut clients = 0;
        if accepts && self.stage == LifecycleStage::Ready {
            fds.extend(self.listeners.for_clients().map(|(socket, _)| PollFd::new(socket.as_fd(), PollFlags::POLLIN)));
            clients = fds.len() - 2;
        }
        let accepts_control = accepts && self.control.has_room();
        if accepts_control {
            fds.push(PollFd::new(self.listeners.control().as_fd(), PollFlags::POLLIN));
        }
        fds.extend(self.control.poll_fds());
        let limit = self.control.next_deadline().into_iter().chain(self.paused_until.filter(|_| !accepts)).min();
        // An error (EINTR, ENOMEM) leaves no descriptor ready, and the next turn asks again.
        let _ = poll(&mut fds, timeout_until(limit));
        let mut ready = fds.iter().skip(2).map(|fd| fd.any().unwrap_or(false));
        ReadyFds {
            clients: ready.by_ref().take(clients).filter(|is_ready| *is_ready).count() > 0,
            control: accepts_control && ready.next().unwrap_or(false),
            connections: ready.collect(),
        }
    }

    fn poll_timer(&self) -> PollFd<'_> {
        PollFd::new(self.timer.as_fd(), PollFlags::POLLIN)
    }

    /// Accepts the clients that wait, at most `most` of each socket. Returns `true` if there was one, or if there may be one.
    pub(super) fn accept_clients(&mut self, most: usize) -> bool {
        let mut found = false;
        for index in 0..self.listeners.for_clients().count() {
            for _ in 0..most {
                let Some((listener, is_passed)) = self.listeners.for_clients().nth(index) else { break };
                match accept(listener) {
                    Ok(Some(stream)) => {
                        found = true;
                        self.admission.admit(stream, is_passed);
                    }
                    Ok(None) => break,
                    Err(error) => {
                        found = true;
                        self.send_away(index, &error);
                        break;
                    }
                }
            }
        }
        found
    }

    /// Sends the client away that cannot be accepted, with the spare descriptor; else pauses.
    fn send_away(&mut self, index: usize, error: &io::Error) {
        self.failed.warn(format_args!("failed to accept a client: {error}"));
        drop(self.spare.take());
        let accepted =
            self.listeners.for_clients().nth(index).map(|(listener, is_passed)| (accept(listener), is_passed));
        if let Some((Ok(Some(stream)), is_passed)) = accepted {
            self.admission.dismiss(&stream, is_passed, GreetingState::Full);
            drop(stream);
        }
        self.spare = open_spare();
        if self.spare.is_none() {
            self.paused_until = Some(Instant::now() + ACCEPT_RETRY_INTERVAL);
        }
    }

    fn accept_control(&mut self) {
        match accept(self.listeners.control()) {
            Ok(Some(stream)) => self.add_control(stream),
            Ok(None) => {}
            Err(error) => {
                self.failed.warn(format_args!("failed to accept a control connection: {error}"));
                self.paused_until = Some(Instant::now() + ACCEPT_RETRY_INTERVAL);
            }
        }
    }

    fn add_control(&mut self, stream: UnixStream) {
        if self.admission.authorize(&stream, false).is_some() {
            self.control.add(stream);
        }
    }

    /// Hides the socket, sends the clients in the backlog away, and ends the queue: the daemon stops. The sockets of a service manager
    /// keep their clients for the next daemon, and the launcher tells those of a start that has failed why.
    fn stop_accepting(&mut self) {
        self.listeners.hide();
        QUEUE.close();
        if !self.was_ready {
            return;
        }
        while let Ok(Some(stream)) = accept(self.listeners.own()) {
            self.admission.dismiss(&stream, false, GreetingState::Leaving);
        }
    }
}

/// Returns the time left for `poll(2)`, rounded up; none without a limit.
fn timeout_until(limit: Option<Instant>) -> PollTimeout {
    let Some(limit) = limit else { return PollTimeout::NONE };
    let milliseconds = limit.saturating_duration_since(Instant::now()).as_micros().div_ceil(1000);
    PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)
}

fn open_spare() -> Option<File> {
    File::open("/dev/null").ok()
}
