//! Receipts whose methods are async.

use super::ack::{Ack, Nack};
use std::error::Error;
use std::future::{self, Future};
use std::time::Duration;

/// The receipt of a message, with async methods; every [`Ack`] implements it.
pub trait AckAsync: Send + 'static {
    /// Acknowledges the message: see [`Ack::ack`].
    ///
    /// # Errors
    /// The cause, if the source could not be informed.
    fn ack(self) -> impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send;

    /// Rejects the message: see [`Ack::nack`].
    ///
    /// # Errors
    /// The cause, if the source could not be informed.
    fn nack(self, why: Nack) -> impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send;

    /// Requeues the message with a delay: see [`Ack::retry`].
    ///
    /// # Errors
    /// The cause, if the source could not be informed.
    fn retry(self, delay: Duration) -> impl Future<Output = Result<Option<Self>, Box<dyn Error + Send + Sync>>> + Send
    where
        Self: Sized,
    {
        let _ = delay;
        future::ready(Ok(Some(self)))
    }

    /// `true` if the methods do nothing, so that the daemon need not keep the receipt.
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
