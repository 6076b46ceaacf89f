//! Cancellation: reports to the engine that a caller has stopped waiting.

use std::sync::{Arc, Weak};

/// Held by a caller for as long as it waits; dropping it cancels every token made from it.
#[derive(Debug, Default)]
pub(crate) struct CancelGuard(Arc<()>);

/// Reports whether the guard that it was made from still exists.
#[derive(Clone, Debug, Default)]
pub(crate) struct CancelToken(Weak<()>);

impl CancelGuard {
    /// Returns a token that is cancelled when this guard is dropped.
    pub(crate) fn token(&self) -> CancelToken {
        CancelToken(Arc::downgrade(&self.0))
    }
}

impl CancelToken {
    /// Returns `true` if the guard was dropped.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.0.strong_count() == 0
    }
}
