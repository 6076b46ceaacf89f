//! The acceptor: accepts and greets clients, and stops to.

use super::admission::Admission;
use super::lifecycle::LifecycleStage;
use super::listeners::{Listeners, accept};
use super::queue::QUEUE;
use super::rate_limit::RateLimitedWarning;
use crate::greeting::GreetingState;
use daemonize_core::attach::Handle;
use std::fs::File;
use std::io;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Pause before the next `accept(2)` after one that failed for lack of descriptors or memory.
const ACCEPT_RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// The sockets, and the decision about each connection. Only the thread of the event loop has it.
pub(super) struct Acceptor {
    pub(super) listeners: Listeners,
    pub(super) admission: Admission,
    daemon: Handle,
    stage: LifecycleStage,
    /// The start has succeeded.
    was_ready: bool,
    /// Closed to accept, and send away, a client when the process has no other descriptor.
    spare: Option<File>,
    /// No connection is accepted before this time.
    paused_until: Option<Instant>,
    failed: RateLimitedWarning,
}

impl Acceptor {
    pub(super) fn new(listeners: Listeners, admission: Admission, daemon: Handle) -> Acceptor {
        Acceptor {
            listeners,
            admission,
            daemon,
            stage: LifecycleStage::Starting,
            was_ready: false,
            spare: open_spare(),
            paused_until: None,
            failed: RateLimitedWarning::default(),
        }
    }

    /// Returns the stage that was acted on.
    pub(super) fn stage(&self) -> LifecycleStage {
        self.stage
    }

    /// Follows the daemon into this stage. An earlier one is ignored: the acceptor itself decides to stop before the daemon does.
    pub(super) fn follow(&mut self, stage: LifecycleStage) {
        let stage = stage.max(self.stage);
        self.was_ready |= stage == LifecycleStage::Ready;
        if self.stage < LifecycleStage::Stopping && stage >= LifecycleStage::Stopping {
            self.stop_accepting();
        }
        self.stage = stage;
    }

    /// Has the daemon stop, and sends away the clients that come from now on.
    pub(super) fn stop_daemon(&mut self) {
        self.daemon.stop();
        self.follow(LifecycleStage::Stopping);
    }

    /// Returns the time before which no connection is accepted.
    pub(super) fn paused_until(&self) -> Option<Instant> {
        self.paused_until.filter(|time| *time > Instant::now())
    }

    /// Accepts one client of each socket at which one waits. Returns `true` if there was one, or if there may be one.
    ///
    /// A second `accept4(2)` mostly finds none, and costs more than `poll(2)`: the kernel makes the new socket before it looks.
    pub(super) fn accept_clients(&mut self) -> bool {
        let mut found = false;
        for index in 0..self.listeners.for_clients().count() {
            let Some((listener, is_passed)) = self.listeners.for_clients().nth(index) else { break };
            match accept(listener) {
                Ok(Some(stream)) => {
                    found = true;
                    self.admission.admit(stream, is_passed);
                }
                Ok(None) => {}
                Err(error) => {
                    found = true;
                    self.send_away(index, &error);
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

    /// Accepts a control connection. Returns `None` if none waits, or if its peer is not authorized.
    pub(super) fn accept_control(&mut self) -> Option<UnixStream> {
        match accept(self.listeners.control()) {
            Ok(stream) => stream.filter(|stream| self.admission.authorize(stream, false).is_some()),
            Err(error) => {
                self.failed.warn(format_args!("failed to accept a control connection: {error}"));
                self.paused_until = Some(Instant::now() + ACCEPT_RETRY_INTERVAL);
                None
            }
        }
    }

    /// Ends: no name leads to the sockets any more.
    pub(super) fn end(&mut self) {
        self.follow(LifecycleStage::Ending);
        self.send_backlog_away();
        self.listeners.remove_names();
    }

    /// Hides the socket, ends the queue, and sends the clients in the backlog away: the daemon stops.
    fn stop_accepting(&mut self) {
        self.listeners.hide();
        QUEUE.close();
        self.send_backlog_away();
    }

    /// Sends the clients in the backlog away. The sockets of a service manager keep theirs for the next daemon, and the launcher tells those
    /// of a start that has failed why.
    fn send_backlog_away(&mut self) {
        if !self.was_ready {
            return;
        }
        while let Ok(Some(stream)) = accept(self.listeners.own()) {
            self.admission.dismiss(&stream, false, GreetingState::Leaving);
        }
    }
}

fn open_spare() -> Option<File> {
    File::open("/dev/null").ok()
}
