//! The thread of the acceptor: waits for clients, control requests, the idle timer and the stages of the daemon.

use super::acceptor::Acceptor;
use super::control_connection::ControlConnections;
use super::lifecycle::{Lifecycle, LifecycleStage};
use super::requests::respond;
use crate::activity::{self, IdleTimer};
use crate::settings::OnDemand;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a daemon waits for its first client, unless the clients have a deadline of their own.
const FIRST_CLIENT_TIME: Duration = Duration::from_secs(10);
/// The state of the thread.
pub(super) struct EventLoop {
    acceptor: Acceptor,
    lifecycle: Arc<Lifecycle>,
    idle: Duration,
    first_client: Duration,
    timer: IdleTimer,
    control: ControlConnections,
}

/// The descriptors that are ready, of those that the loop waits for.
struct ReadyFds {
    timer: bool,
    clients: bool,
    control: bool,
    connections: Vec<bool>,
}

impl EventLoop {
    /// Prepares the thread: everything that can fail.
    pub(super) fn new(acceptor: Acceptor, lifecycle: Arc<Lifecycle>, settings: &OnDemand) -> io::Result<EventLoop> {
        Ok(EventLoop {
            acceptor,
            lifecycle,
            idle: settings.idle,
            first_client: settings.connect_timeout.unwrap_or(FIRST_CLIENT_TIME),
            timer: IdleTimer::new()?,
            control: ControlConnections::default(),
        })
    }

    /// Serves until the daemon ends.
    pub(super) fn run(&mut self) {
        while self.lifecycle.stage() < LifecycleStage::Ending {
            self.follow_stage();
            let ready = self.wait();
            // A stop that was requested meanwhile comes first: its clients are not to be greeted as ready.
            self.follow_stage();
            self.serve(&ready);
        }
        self.acceptor.end();
    }

    fn serve(&mut self, ready: &ReadyFds) {
        if ready.clients && self.acceptor.stage() == LifecycleStage::Ready {
            self.acceptor.accept_clients();
        }
        if ready.control {
            if let Some(stream) = self.acceptor.accept_control() {
                self.control.add(stream);
            }
        }
        self.control.serve(&ready.connections, |request| respond(request, &mut self.acceptor).to_line());
        if ready.timer && self.timer.take_expiration() && self.acceptor.stage() == LifecycleStage::Ready {
            self.acceptor.exit_if_idle();
        }
    }

    /// Does what the daemon's stage requires, once.
    fn follow_stage(&mut self) {
        let stage = self.lifecycle.stage();
        if self.acceptor.stage() == LifecycleStage::Starting && stage == LifecycleStage::Ready {
            activity::begin(self.idle, self.first_client, self.timer.clone());
        }
        self.acceptor.follow(stage);
    }

    /// Waits for an event.
    fn wait(&self) -> ReadyFds {
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds = vec![readable(self.lifecycle.as_fd()), readable(self.timer.as_fd())];
        let paused_until = self.acceptor.paused_until();
        let mut clients = 0;
        if paused_until.is_none() && self.acceptor.stage() == LifecycleStage::Ready {
            fds.extend(self.acceptor.listeners.for_clients().map(|(socket, _)| readable(socket.as_fd())));
            clients = fds.len() - 2;
        }
        let accepts_control = paused_until.is_none() && self.control.has_room();
        if accepts_control {
            fds.push(readable(self.acceptor.listeners.control().as_fd()));
        }
        fds.extend(self.control.poll_fds());
        let limit = self.control.next_deadline().into_iter().chain(paused_until).min();
        // An error (EINTR, ENOMEM) leaves no descriptor ready, and the next turn asks again.
        let _ = poll(&mut fds, timeout_until(limit));
        let mut ready = fds.iter().map(|fd| fd.any().unwrap_or(false));
        if ready.next().unwrap_or(false) {
            self.lifecycle.take_wakeup();
        }
        ReadyFds {
            timer: ready.next().unwrap_or(false),
            clients: ready.by_ref().take(clients).filter(|is_ready| *is_ready).count() > 0,
            control: accepts_control && ready.next().unwrap_or(false),
            connections: ready.collect(),
        }
    }
}

/// Returns the time left for `poll(2)`, rounded up; none without a limit.
fn timeout_until(limit: Option<Instant>) -> PollTimeout {
    let Some(limit) = limit else { return PollTimeout::NONE };
    let milliseconds = limit.saturating_duration_since(Instant::now()).as_micros().div_ceil(1000);
    PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)
}
