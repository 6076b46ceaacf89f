//! The clients that were greeted and wait for the body.

use super::peer::Peer;
use crate::activity::ClientToken;
use daemonize_sys::mutex::{lock, wait};
use std::collections::VecDeque;
use std::os::unix::net::UnixStream;
use std::sync::{Condvar, Mutex};

/// The queue of this process, which is at most one daemon.
pub(crate) static QUEUE: Queue = Queue::new();

/// A client that waits for the body.
#[derive(Debug)]
pub(crate) struct QueuedClient {
    pub(crate) stream: UnixStream,
    pub(crate) peer: Peer,
    pub(crate) token: ClientToken,
}

/// A queue with one writer, the acceptor, and any number of readers.
pub(crate) struct Queue {
    state: Mutex<QueueState>,
    changed: Condvar,
    #[cfg(feature = "tokio")]
    notify: tokio::sync::Notify,
}

struct QueueState {
    clients: VecDeque<QueuedClient>,
    stage: QueueStage,
    /// The body has asked for a client.
    was_asked: bool,
    /// The threads that wait.
    waiting: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum QueueStage {
    /// This process is not a daemon on demand.
    Absent,
    Open,
    Closed,
}

/// The answer of the queue to the body.
pub(crate) enum Next {
    Client(QueuedClient),
    /// The daemon stops, and no client waits.
    Closed,
    /// This process is not a daemon on demand.
    Absent,
}

impl Queue {
    const fn new() -> Queue {
        let state = QueueState { clients: VecDeque::new(), stage: QueueStage::Absent, was_asked: false, waiting: 0 };
        Queue {
            state: Mutex::new(state),
            changed: Condvar::new(),
            #[cfg(feature = "tokio")]
            notify: tokio::sync::Notify::const_new(),
        }
    }

    /// Opens the queue: this process is a daemon on demand.
    pub(super) fn open(&self) {
        lock(&self.state).stage = QueueStage::Open;
    }

    /// Ends the queue: readers receive what is in it, and then the end.
    pub(super) fn close(&self) {
        lock(&self.state).stage = QueueStage::Closed;
        self.changed.notify_all();
        #[cfg(feature = "tokio")]
        self.notify.notify_waiters();
    }

    /// Returns the number of clients that wait.
    pub(super) fn len(&self) -> usize {
        lock(&self.state).clients.len()
    }

    /// Adds a client and wakes a reader.
    pub(super) fn push(&self, client: QueuedClient) {
        let mut state = lock(&self.state);
        state.clients.push_back(client);
        let is_awaited = state.waiting > 0;
        drop(state);
        // A system call, even if no thread waits.
        if is_awaited {
            self.changed.notify_one();
        }
        #[cfg(feature = "tokio")]
        self.notify.notify_one();
    }

    /// Removes the clients for which `is_gone` returns `true`, if the body has never asked for one.
    pub(super) fn remove_unasked(&self, is_gone: impl Fn(&QueuedClient) -> bool) {
        let mut state = lock(&self.state);
        if state.was_asked {
            return;
        }
        let (gone, stay) = std::mem::take(&mut state.clients).into_iter().partition(|client| is_gone(client));
        state.clients = stay;
        drop(state);
        drop::<VecDeque<_>>(gone);
    }

    /// Returns the next client, if one waits or none will come.
    fn take(state: &mut QueueState) -> Option<Next> {
        state.was_asked = true;
        match (state.clients.pop_front(), state.stage) {
            (Some(client), _) => Some(Next::Client(client)),
            (None, QueueStage::Open) => None,
            (None, QueueStage::Closed) => Some(Next::Closed),
            (None, QueueStage::Absent) => Some(Next::Absent),
        }
    }

    /// Waits for the next client.
    pub(crate) fn next(&self) -> Next {
        let mut state = lock(&self.state);
        loop {
            if let Some(next) = Queue::take(&mut state) {
                return next;
            }
            state.waiting += 1;
            state = wait(&self.changed, state);
            state.waiting -= 1;
        }
    }

    /// Waits for the next client. A call that is cancelled has taken none.
    #[cfg(feature = "tokio")]
    pub(crate) async fn next_async(&self) -> Next {
        loop {
            let mut notified = std::pin::pin!(self.notify.notified());
            // Before the look into the queue: each push wakes one task that is registered by then.
            notified.as_mut().enable();
            if let Some(next) = Queue::take(&mut lock(&self.state)) {
                return next;
            }
            notified.await;
        }
    }
}

#[cfg(test)]
mod tests;
