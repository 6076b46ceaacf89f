//! The steps of the server's shutdown.

use std::time::Duration;
use tokio::sync::watch;

/// Time for responses that are under way when the shutdown begins. With [`REFUSE_TIMEOUT`] it is shorter than the second that
/// the core gives to the attachments of a daemon whose body does not end by itself.
pub(super) const DRAIN_TIMEOUT: Duration = Duration::from_millis(600);
/// Time to refuse the requests that still have no response after [`DRAIN_TIMEOUT`].
pub(super) const REFUSE_TIMEOUT: Duration = Duration::from_millis(200);

/// A step of the shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shutdown {
    NotRequested,
    /// Requests that have arrived are answered; no other request is read.
    Draining,
    /// Requests without a response are refused.
    Refusing,
}

impl Shutdown {
    /// Returns `true` if the shutdown has reached this step.
    pub(super) fn is_reached(self, shutdown: &watch::Receiver<Shutdown>) -> bool {
        *shutdown.borrow() >= self
    }

    /// Waits until the shutdown has reached this step. A dropped sender counts as shutdown.
    pub(super) async fn reached(self, mut shutdown: watch::Receiver<Shutdown>) {
        let _ = shutdown.wait_for(|shutdown| *shutdown >= self).await;
    }
}
