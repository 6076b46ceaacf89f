//! What may be awaited of messages: that there is one, and that somebody has heard what became of it.

use super::delivery::{Ack, Nack};
use super::fetch_result::{FetchResult, Fetched};
use std::error::Error;
use std::future::{self, Future};
use std::time::Duration;

/// [`Ack`] for receipts that await; every [`Ack`] is one.
pub trait AckAsync: Send + 'static {
    /// The handler has succeeded: see [`Ack::ack`].
    ///
    /// # Errors
    /// Whatever keeps it from being told.
    fn ack(self) -> impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send;

    /// The message was not handled to its end: see [`Ack::nack`].
    ///
    /// # Errors
    /// Whatever keeps it from being told.
    fn nack(self, why: Nack) -> impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send;

    /// Reports that the handler failed, and that the message is due again after `delay`: see [`Ack::retry`].
    ///
    /// # Errors
    /// Whatever keeps it from being told.
    fn retry(self, delay: Duration) -> impl Future<Output = Result<Option<Self>, Box<dyn Error + Send + Sync>>> + Send
    where
        Self: Sized,
    {
        let _ = delay;
        future::ready(Ok(Some(self)))
    }

    /// Whether there is nothing to tell, so that nothing needs to be kept.
    #[doc(hidden)]
    const IS_EMPTY: bool = false;
}

impl<A: Ack> AckAsync for A {
    async fn ack(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ack::ack(self)
    }

    async fn nack(self, why: Nack) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ack::nack(self, why)
    }

    async fn retry(self, delay: Duration) -> Result<Option<Self>, Box<dyn Error + Send + Sync>> {
        Ack::retry(self, delay)
    }

    const IS_EMPTY: bool = <A as Ack>::IS_EMPTY;
}

/// A function that fetches messages for async handlers: one that returns what [`Fetched`] allows, or an async one that does
/// (an `async fn` or closure, or a function that returns a future).
///
/// `Kind` only tells the implementations apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "messages cannot be fetched by this function",
    label = "returns no `Option` of a message that could be given to a task",
    note = "it may return `Option<T>`, `Option<Delivery<T, A>>`, a `Result` of these, or a future of any of them; `T` must be `Send`, since it is handled in a task"
)]
pub trait FetchAsync<Kind> {
    /// What the handler gets.
    type Message: Send + 'static;
    /// What is told when it was handled.
    type Receipt: Send + 'static;
    /// Both, if there is a message.
    #[doc(hidden)]
    fn fetch(&mut self) -> impl Future<Output = FetchResult<Self::Message, Self::Receipt>>;
}

/// Tells [`FetchAsync`]'s implementations apart.
#[derive(Debug)]
pub struct AtOnce<Kind>(Kind);
/// Tells [`FetchAsync`]'s implementations apart.
#[derive(Debug)]
pub struct Awaited<Kind>(Kind);

#[diagnostic::do_not_recommend]
impl<F: FnMut() -> R, R: Fetched<K>, K> FetchAsync<AtOnce<(R, K)>> for F {
    type Message = R::Message;
    type Receipt = R::Receipt;

    fn fetch(&mut self) -> impl Future<Output = FetchResult<R::Message, R::Receipt>> {
        future::ready(self().into_result())
    }
}

#[diagnostic::do_not_recommend]
impl<F: AsyncFnMut() -> R, R: Fetched<K>, K> FetchAsync<Awaited<(R, K)>> for F {
    type Message = R::Message;
    type Receipt = R::Receipt;

    async fn fetch(&mut self) -> FetchResult<R::Message, R::Receipt> {
        self().await.into_result()
    }
}
