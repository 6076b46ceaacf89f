//! The state that a listener, its connections and their responses share.

use super::connection_limits::ConnectionLimits;
use super::shutdown::Shutdown;
use crate::routes::Service;
use std::sync::Arc;
use tokio::sync::watch;

/// The state that a listener and its connections share.
pub(super) struct Shared {
    pub(super) service: Arc<Service>,
    pub(super) shutdown: watch::Receiver<Shutdown>,
    pub(super) limits: ConnectionLimits,
}
