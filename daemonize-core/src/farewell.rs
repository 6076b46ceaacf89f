//! What the body wants done when it is not the one who ends the daemon: its grace is over, or it was told to stop twice.

use crate::mutex::lock;
use std::sync::Mutex;

/// What is to be done, once.
type Farewell = Box<dyn FnOnce() + Send>;

static FAREWELL: Mutex<Option<Farewell>> = Mutex::new(None);

/// The body leaves word.
pub(crate) fn leave(farewell: impl FnOnce() + Send + 'static) {
    *lock(&FAREWELL) = Some(Box::new(farewell));
}

/// What the body left, for whoever ends the daemon in its place.
pub(crate) fn take() -> Option<Farewell> {
    lock(&FAREWELL).take()
}
