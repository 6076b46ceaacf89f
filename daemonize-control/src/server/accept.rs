//! Accepts the connections of one listening socket.

use super::connection::Connection;
use super::connection_limits::ConnectionLimits;
use super::shared::Shared;
use super::shutdown::{DRAIN_TIMEOUT, REFUSE_TIMEOUT, Shutdown};
use super::socket::{Acceptor, PeerSocket};
use super::{peer_closed, service};
use crate::access_rules::Peer;
use crate::routes::Service;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// Pause before the next `accept(2)` after one that failed for lack of descriptors or memory.
const ACCEPT_RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// One of the two listening sockets, with its own limits.
pub(super) struct Listener {
    shared: Arc<Shared>,
}

impl Listener {
    pub(super) fn new(service: Arc<Service>, shutdown: watch::Receiver<Shutdown>) -> Listener {
        Listener { shared: Arc::new(Shared { service, shutdown, limits: ConnectionLimits::new() }) }
    }

    /// Serves until the shutdown, and then the clients that have connected by then, for a limited time.
    pub(super) async fn serve(&self, acceptor: impl Acceptor) {
        let all_are_served = async {
            self.accept_all(acceptor).await;
            self.shared.limits.all_connections_ended().await;
        };
        let overdue = async {
            Shutdown::Draining.reached(self.shared.shutdown.clone()).await;
            self.shared.limits.backpressure.wake_all();
            sleep(DRAIN_TIMEOUT + REFUSE_TIMEOUT).await;
        };
        tokio::select! {
            () = all_are_served => {}
            () = overdue => {}
        }
    }

    /// Accepts connections until the shutdown is requested and no connection waits in the backlog.
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
                Err(error) if concerns_one_connection(&error) => {}
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

    /// Serves a connection. Unauthorized peers take no connection slot, and nothing that they send is read: they get a 403, or
    /// are disconnected when too many wait.
    async fn admit(&self, socket: impl PeerSocket, peer: Peer) {
        let shared = Arc::clone(&self.shared);
        match shared.service.rules.check_peer(peer) {
            Ok(()) => {
                let permit = shared.limits.connection_permit().await;
                tokio::spawn(service::serve(Connection::new(socket, peer, shared), permit));
            }
            Err(refusal) => {
                if let Some(permit) = shared.limits.unauthorized_permit() {
                    let connection = Connection::refused(socket, peer, shared, refusal);
                    tokio::spawn(service::serve(connection, Some(permit)));
                }
            }
        }
    }
}

/// Returns `true` if the error concerns one connection only, so that the next can be accepted at once (`accept(2)`).
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, NotConnected};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | NotConnected)
}
