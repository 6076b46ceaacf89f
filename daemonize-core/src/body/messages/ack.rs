//! The receipt of a message: [`Ack`] settles it after the handler, [`Nack`] says why a message was rejected.

use std::error::Error;
use std::time::Duration;

/// The receipt of a message, which tells its source whether the message was handled.
///
/// A receipt comes with each message in a [`Delivery`](super::Delivery). The daemon keeps it while the handler has the message,
/// then settles it by calling exactly one of the methods, once: `ack` only after the handler has succeeded, `nack` only if it
/// has not. An error or a panic of a method is logged and has no other effect.
///
/// The daemon settles all receipts before its process ends, also when user code calls [`std::process::exit`]: the messages in
/// flight are then [`Unfinished`](Nack::Unfinished). It settles none if its process is killed or aborts, or if the start fails
/// before the daemon is ready, as the process is killed then. The broker must requeue the messages of a lost client.
pub trait Ack: Send + 'static {
    /// Acknowledges the message: the handler has succeeded, and the source can delete the message. Called in the worker's
    /// thread; a stop waits for it.
    ///
    /// # Errors
    /// The cause, if the source could not be informed.
    fn ack(self) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// Rejects the message: its handler failed, or did not finish.
    ///
    /// When the stop timeout is over, the daemon rejects all messages in flight with [`Unfinished`](Nack::Unfinished), up to 16
    /// at the same time. Together they have [`nack_timeout`](crate::Daemon::nack_timeout) for that, and the process does not end
    /// earlier, whether handlers return meanwhile or not.
    ///
    /// # Errors
    /// The cause, if the source could not be informed.
    fn nack(self, why: Nack) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// Requeues the message with a delay: its handler failed, and the message is due again after `delay`, see
    /// [`Retry`](crate::messages::Retry).
    ///
    /// If the broker can delay a message, request that here and return `Ok(None)`. Otherwise return the receipt, as the default
    /// implementation does: the daemon then keeps the receipt for that time and calls `nack` with [`Nack::Failed`]. It calls
    /// `nack` earlier if the daemon ends, or if 10,000 other receipts are delayed. A message whose receipt is delayed is not in
    /// flight: its worker handles other messages meanwhile.
    ///
    /// ```
    /// use daemon::messages::{Ack, Nack};
    /// use std::time::Duration;
    /// # fn confirm(_: u64) {}
    /// # fn requeue(_: u64, _: Duration) {}
    /// # fn move_to_dead_letters(_: u64) {}
    ///
    /// type SettleResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;
    ///
    /// /// A receipt of a broker that can delay messages.
    /// struct Tag(u64);
    ///
    /// impl Ack for Tag {
    ///     fn ack(self) -> SettleResult {
    ///         Ok(confirm(self.0))
    ///     }
    ///     fn nack(self, why: Nack) -> SettleResult {
    ///         Ok(if why == Nack::Exhausted { move_to_dead_letters(self.0) } else { requeue(self.0, Duration::ZERO) })
    ///     }
    ///     fn retry(self, delay: Duration) -> Result<Option<Self>, Box<dyn std::error::Error + Send + Sync>> {
    ///         requeue(self.0, delay);
    ///         Ok(None)
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// The cause, if the source could not be informed.
    fn retry(self, delay: Duration) -> Result<Option<Self>, Box<dyn Error + Send + Sync>>
    where
        Self: Sized,
    {
        let _ = delay;
        Ok(Some(self))
    }

    /// `true` if the methods do nothing, so that the daemon need not keep the receipt.
    #[doc(hidden)]
    const IS_EMPTY: bool = false;
}

/// The reason for which a message was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Nack {
    /// Its handler returned an error or panicked, and the message is to be handled again: its delay is over, or the daemon ends.
    Failed,
    /// Its handler failed as often as [`Retry::attempts`](crate::messages::Retry::attempts) allows. The message must not be
    /// requeued, but moved to a dead-letter queue for an operator. Without that setting, no receipt receives this.
    Exhausted,
    /// The daemon ended before the handler had finished or begun.
    Unfinished,
}

/// The receipt of a message whose source expects none.
impl Ack for () {
    fn ack(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }

    fn nack(self, _: Nack) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }

    const IS_EMPTY: bool = true;
}
