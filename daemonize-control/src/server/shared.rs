//! State that the listener, its connections and their replies share.

use super::backpressure::Backpressure;
use crate::routes::Service;
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};

/// The state that the connections of a listener share.
pub(super) struct Shared {
    pub(super) service: Arc<Service>,
    pub(super) shutdown: watch::Receiver<Shutdown>,
    pub(super) slow_permits: Arc<Semaphore>,
    pub(super) backpressure: Backpressure,
}

/// Progress of the server's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shutdown {
    NotRequested,
    /// Requests that have come are answered, and no others.
    Draining,
    /// Requests without a reply are refused.
    Refusing,
}

impl Shutdown {
    /// Returns `true` if the end has progressed this far.
    pub(super) fn is_reached(self, shutdown: &watch::Receiver<Shutdown>) -> bool {
        *shutdown.borrow() >= self
    }

    /// Waits until the end has progressed this far. A dropped sender counts as the end.
    pub(super) async fn reached(self, mut shutdown: watch::Receiver<Shutdown>) {
        let _ = shutdown.wait_for(|shutdown| *shutdown >= self).await;
    }
}
