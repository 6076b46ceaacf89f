//! Limits the number of connections, of slow requests and of refused peers of one listener.

use super::backpressure::Backpressure;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Maximum number of connections of each listener, so that clients of the port cannot starve those of the socket.
const MAX_CONNECTIONS: u32 = 32;
/// Maximum number of slow requests (streams, events, user routes) of each listener. The remaining connections serve requests
/// that are answered at once.
const MAX_SLOW_REQUESTS: usize = 24;
/// Maximum number of unauthorized peers that receive a response at the same time.
const MAX_UNAUTHORIZED: usize = 4;
/// Interval at which idle connections are asked to close while another connection waits for a permit.
const EVICT_INTERVAL: Duration = Duration::from_millis(250);

/// The limits of one listener.
pub(super) struct ConnectionLimits {
    connection_permits: Arc<Semaphore>,
    pub(super) slow_request_permits: Arc<Semaphore>,
    unauthorized_permits: Arc<Semaphore>,
    pub(super) backpressure: Backpressure,
}

impl ConnectionLimits {
    pub(super) fn new() -> ConnectionLimits {
        ConnectionLimits {
            connection_permits: Arc::new(Semaphore::new(MAX_CONNECTIONS as usize)),
            slow_request_permits: Arc::new(Semaphore::new(MAX_SLOW_REQUESTS)),
            unauthorized_permits: Arc::new(Semaphore::new(MAX_UNAUTHORIZED)),
            backpressure: Backpressure::default(),
        }
    }

    /// Returns the permit for one more connection. While none is free, connections close after their response, and those that
    /// have been idle for longest are asked to close.
    pub(super) async fn connection_permit(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.connection_permits).try_acquire_owned() {
            return Some(permit);
        }
        self.backpressure.set_crowded(true);
        let permit = loop {
            match timeout(EVICT_INTERVAL, Arc::clone(&self.connection_permits).acquire_owned()).await {
                Ok(permit) => break permit.ok(),
                Err(_) => self.backpressure.evict_one(),
            }
        };
        self.backpressure.set_crowded(false);
        permit
    }

    /// Returns the permit to send a refusal to an unauthorized peer; `None` while too many receive one.
    pub(super) fn unauthorized_permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.unauthorized_permits).try_acquire_owned().ok()
    }

    /// Waits until all connections have ended.
    pub(super) async fn all_connections_ended(&self) {
        let _ = self.connection_permits.acquire_many(MAX_CONNECTIONS).await;
    }
}
