//! Functions that fetch messages for async handlers.

use super::fetch_result::{FetchResult, Fetched};
use std::future::{self, Future};

/// A function that fetches messages for async handlers: one that returns what [`Fetched`] allows, or an async one that does
/// (an `async fn` or closure, or a function that returns a future).
///
/// `Kind` distinguishes the implementations and is always inferred.
#[diagnostic::on_unimplemented(
    message = "messages cannot be fetched by this function",
    label = "does not return an `Option` of a message that is `Send`",
    note = "it may return `Option<T>`, `Option<Delivery<T, A>>`, a `Result` of these, or a future of any of them; `T` must be `Send`, since it is handled in a task"
)]
pub trait FetchAsync<Kind> {
    /// The type that the handler receives.
    type Message: Send + 'static;
    /// The type of the receipt; `()` without a [`Delivery`](super::Delivery).
    type Receipt: Send + 'static;
    /// Fetches a message with its receipt; `None` if the source has none now.
    #[doc(hidden)]
    fn fetch(&mut self) -> impl Future<Output = FetchResult<Self::Message, Self::Receipt>>;
}

/// Distinguishes the implementations of [`FetchAsync`].
#[derive(Debug)]
pub struct SyncFetch<Kind>(Kind);
/// Distinguishes the implementations of [`FetchAsync`].
#[derive(Debug)]
pub struct AsyncFetch<Kind>(Kind);

#[diagnostic::do_not_recommend]
impl<F: FnMut() -> R, R: Fetched<K>, K> FetchAsync<SyncFetch<(R, K)>> for F {
    type Message = R::Message;
    type Receipt = R::Receipt;

    fn fetch(&mut self) -> impl Future<Output = FetchResult<R::Message, R::Receipt>> {
        future::ready(self().into_result())
    }
}

#[diagnostic::do_not_recommend]
impl<F: AsyncFnMut() -> R, R: Fetched<K>, K> FetchAsync<AsyncFetch<(R, K)>> for F {
    type Message = R::Message;
    type Receipt = R::Receipt;

    async fn fetch(&mut self) -> FetchResult<R::Message, R::Receipt> {
        self().await.into_result()
    }
}
