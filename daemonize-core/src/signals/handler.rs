//! The functions and closures that can handle a signal.

use crate::body::{BodyResult, IntoExit};
use crate::signal::Signal;
use std::sync::{Arc, Mutex};

/// A stored handler: shared by all clones of a `Daemon`, called by one thread at a time.
pub(crate) type SharedHandler = Arc<Mutex<dyn FnMut(Signal) -> BodyResult + Send>>;

/// A function or closure that handles a signal: `FnMut()` or `FnMut(Signal)`, with a return type that [`IntoExit`] allows.
///
/// `Kind` only distinguishes the implementations and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot handle a signal",
    label = "not a signal handler",
    note = "a handler is a `FnMut()` or `FnMut(Signal)`, `Send + 'static`, that returns `()` or a `Result`"
)]
pub trait Handler<Kind>: Send + 'static {
    /// Runs the handler for one signal.
    fn handle(&mut self, signal: Signal) -> BodyResult;
}

/// Distinguishes the implementations of [`Handler`].
#[derive(Debug)]
#[doc(hidden)]
pub struct WithoutSignal<Kind>(Kind);
/// Distinguishes the implementations of [`Handler`].
#[derive(Debug)]
#[doc(hidden)]
pub struct WithSignal<Kind>(Kind);

impl<F, R, K> Handler<WithoutSignal<(R, K)>> for F
where
    F: FnMut() -> R + Send + 'static,
    R: IntoExit<K>,
{
    fn handle(&mut self, _: Signal) -> BodyResult {
        self().into_exit()
    }
}

impl<F, R, K> Handler<WithSignal<(R, K)>> for F
where
    F: FnMut(Signal) -> R + Send + 'static,
    R: IntoExit<K>,
{
    fn handle(&mut self, signal: Signal) -> BodyResult {
        self(signal).into_exit()
    }
}

pub(super) fn shared<K>(mut handler: impl Handler<K>) -> SharedHandler {
    Arc::new(Mutex::new(move |signal| handler.handle(signal)))
}
