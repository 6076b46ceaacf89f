//! Accepts the connections of one of the two listening sockets, and limits their number.

use super::backpressure::Backpressure;
use super::connection::Connection;
use super::shared::{Shared, Shutdown};
use super::socket::{Acceptor, Socket};
use super::{DRAIN_TIMEOUT, REFUSE_TIMEOUT, peer_closed, service};
use crate::access::Peer;
use crate::routes::Service;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

/// Maximum number of connections of each listener: clients of the port cannot starve those of the socket.
const CONNECTIONS: u32 = 32;
/// Maximum number of slow requests among them: streams, events, routes. The others are left to requests that are answered at once.
const SLOW_REQUESTS: usize = 24;
/// Maximum number of unauthorized peers that are answered at the same time.
const UNAUTHORIZED: usize = 4;
/// Pause before the next `accept(2)` after one that found no descriptor or memory.
const ACCEPT_RETRY_INTERVAL: Duration = Duration::from_millis(100);
/// Interval at which idle connections are asked to close while another one waits.
const EVICT_INTERVAL: Duration = Duration::from_millis(250);

/// One of the two ways in, with its own limits.
pub(super) struct Listener {
    shared: Arc<Shared>,
    permits: Arc<Semaphore>,
    unauthorized_permits: Arc<Semaphore>,
}

impl Listener {
    pub(super) fn new(service: Arc<Service>, shutdown: watch::Receiver<Shutdown>) -> Listener {
        let slow_permits = Arc::new(Semaphore::new(SLOW_REQUESTS));
        Listener {
            shared: Arc::new(Shared { service, shutdown, slow_permits, backpressure: Backpressure::default() }),
            permits: Arc::new(Semaphore::new(CONNECTIONS as usize)),
            unauthorized_permits: Arc::new(Semaphore::new(UNAUTHORIZED)),
        }
    }

    /// Serves until the end, and then for a while the clients that have connected by then.
    pub(super) async fn serve(&self, acceptor: impl Acceptor) {
        let all_are_served = async {
            self.accept_all(acceptor).await;
            let _ = self.permits.acquire_many(CONNECTIONS).await;
        };
        let overdue = async {
            Shutdown::Draining.reached(self.shared.shutdown.clone()).await;
            self.shared.backpressure.wake_all();
            sleep(DRAIN_TIMEOUT + REFUSE_TIMEOUT).await;
        };
        tokio::select! {
            () = all_are_served => {}
            () = overdue => {}
        }
    }

    /// Accepts connections until the end is requested and none waits to be accepted.
    async fn accept_all(&self, acceptor: impl Acceptor) {
        let mut is_reported = false;
        loop {
            let accepted = tokio::select! {
                biased;
                accepted = acceptor.accept_peer() => accepted,
                () = Shutdown::Draining.reached(self.shared.shutdown.clone()) => {
                    if !peer_closed::has_input(&acceptor) {
                        return;
                    }
                    acceptor.accept_peer().await
                }
            };
            match accepted {
                Ok((socket, peer)) => {
                    is_reported = false;
                    self.admit(socket, peer).await;
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(_) if Shutdown::Draining.is_reached(&self.shared.shutdown) => return,
                Err(error) => {
                    if !std::mem::replace(&mut is_reported, true) {
                        log::warn!("failed to accept a connection: {error}");
                    }
                    sleep(ACCEPT_RETRY_INTERVAL).await;
                }
            }
        }
    }

    /// Serves a connection. Unauthorized peers take no connection slot, and nothing of theirs is read: they get a 403, or are
    /// disconnected when too many wait.
    async fn admit(&self, socket: impl Socket, peer: Peer) {
        let shared = Arc::clone(&self.shared);
        match shared.service.rules.admit(peer) {
            Ok(()) => {
                let permit = self.permit().await;
                tokio::spawn(service::serve(Connection::new(socket, peer, shared), permit));
            }
            Err(refusal) => {
                if let Ok(permit) = Arc::clone(&self.unauthorized_permits).try_acquire_owned() {
                    let connection = Connection::refused(socket, peer, shared, refusal);
                    tokio::spawn(service::serve(connection, Some(permit)));
                }
            }
        }
    }

    /// Returns the permit for one more connection. While there is none, connections close after their reply, and those that have
    /// been idle for longest are asked to close.
    async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Some(permit);
        }
        let backpressure = &self.shared.backpressure;
        backpressure.set_crowded(true);
        let permit = loop {
            match timeout(EVICT_INTERVAL, Arc::clone(&self.permits).acquire_owned()).await {
                Ok(permit) => break permit.ok(),
                Err(_) => backpressure.evict_one(),
            }
        };
        backpressure.set_crowded(false);
        permit
    }
}

/// Returns `true` if the error concerns one connection only, so that the next can be accepted at once (`accept(2)`).
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, NotConnected};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | NotConnected)
}
