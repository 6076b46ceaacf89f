//! Runs handlers of events, synchronous and asynchronous ones, so that a slow handler delays no other request.

use super::event::Event;
use super::into_reply::IntoReply;
use crate::blocking_thread;
use crate::json::{Object, failure};
use daemonize_core::attach::RequestGuard;
use daemonize_sys::escape::escape;
use std::pin::Pin;
use std::sync::Arc;
use std::thread;
use tokio::sync::OwnedSemaphorePermit;

/// The return type of an event handler: a reply, or a future of a reply.
///
/// The compiler infers `Kind`, which tells the two apart.
#[diagnostic::on_unimplemented(
    message = "a handler of events cannot return `{Self}`",
    note = "it returns `()`, JSON, a `Result` of these, or a future of one of them: see `IntoReply`"
)]
pub trait HandlerOutput<Kind>: Sized {
    /// Runs the handler on a thread or in a task of its own, which continues when the returned future is dropped.
    #[doc(hidden)]
    fn run(handler: &Arc<dyn Fn(Event) -> Self + Send + Sync>, event: Event, run: HandlerRun) -> HandlerFuture;
}

/// Marks a handler that returns its reply. It may block, since it runs on a thread of its own.
#[derive(Debug)]
#[doc(hidden)]
pub enum Blocking {}

/// Marks a handler that returns a future of its reply. It runs on the endpoint's thread.
#[derive(Debug)]
#[doc(hidden)]
pub enum Async {}

/// The permit of a slow request, which is released when it is dropped; `None` for requests that need none.
pub(crate) type SlowRequestPermit = Option<SlowRequest>;

/// A slow request: its permit, and the guard that counts it as work of the daemon.
#[derive(Debug)]
pub(crate) struct SlowRequest {
    _permit: OwnedSemaphorePermit,
    _work: Option<RequestGuard>,
}

impl SlowRequest {
    pub(crate) fn new(permit: OwnedSemaphorePermit, work: Option<RequestGuard>) -> SlowRequest {
        SlowRequest { _permit: permit, _work: work }
    }
}

/// The state of a running handler.
#[derive(Debug)]
#[doc(hidden)]
pub struct HandlerRun {
    pub(super) name: String,
    pub(super) permit: SlowRequestPermit,
}

/// The reply of a handler, and the permit of its request.
#[derive(Debug)]
#[doc(hidden)]
pub struct HandlerResult {
    pub(super) reply: Object,
    pub(super) permit: SlowRequestPermit,
}

/// A future of the result of a running handler; `None` if the handler panicked.
#[doc(hidden)]
#[allow(unreachable_pub)] // A public trait's hidden method returns it.
pub type HandlerFuture = Pin<Box<dyn Future<Output = Option<HandlerResult>> + Send>>;

impl HandlerRun {
    fn done(mut self, reply: Object) -> HandlerResult {
        HandlerResult { reply, permit: self.permit.take() }
    }
}

impl Drop for HandlerRun {
    /// Logs a panic of the handler: the client, which also receives the error, may have left.
    fn drop(&mut self) {
        if thread::panicking() {
            log::error!("the handler of the event `{}` panicked", escape(&self.name));
        }
    }
}

impl<R: IntoReply + 'static> HandlerOutput<Blocking> for R {
    fn run(handler: &Arc<dyn Fn(Event) -> R + Send + Sync>, event: Event, run: HandlerRun) -> HandlerFuture {
        let (handler, name) = (Arc::clone(handler), run.name.clone());
        let running = blocking_thread::spawn("daemon-event", move || {
            let reply = handler(event).into_reply();
            run.done(reply)
        });
        Box::pin(async move {
            match running {
                Ok(done) => done.await.ok(),
                Err(error) => {
                    let reply = failure(format!("failed to handle {name}: cannot create a thread: {error}"));
                    Some(HandlerResult { reply, permit: None })
                }
            }
        })
    }
}

impl<F> HandlerOutput<Async> for F
where
    F: Future<Output: IntoReply> + Send + 'static,
{
    fn run(handler: &Arc<dyn Fn(Event) -> F + Send + Sync>, event: Event, run: HandlerRun) -> HandlerFuture {
        let handler = Arc::clone(handler);
        let running = tokio::spawn(async move {
            let reply = handler(event).await.into_reply();
            run.done(reply)
        });
        Box::pin(async move { running.await.ok() })
    }
}
