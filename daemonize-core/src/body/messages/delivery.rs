//! A message that somebody waits to hear of: acknowledged when it was handled, given back when it was not.

use std::error::Error;
use std::marker::PhantomData;

/// What is told about a message once it has been handled, or has not.
///
/// One of these comes with each message in a [`Delivery`], stays behind while the handler has the message, and is used
/// up exactly once: nothing that was not handled is acknowledged, nothing that was handled is given back. What these
/// return or panic with is reported, and costs nothing else.
///
/// Receipts are told before the process ends, also when user code calls [`std::process::exit`]: the messages in flight are
/// then [`Unfinished`](Nack::Unfinished). A process that is killed or aborts tells nobody anything, and neither does a start
/// that fails before the daemon is ready, which is killed: then it is the broker that must see that its client is gone.
pub trait Ack: Send + 'static {
    /// The handler has succeeded: nobody needs to keep the message any more. Called in the worker's thread; a stop
    /// waits for it.
    ///
    /// # Errors
    /// Whatever keeps it from being told.
    fn ack(self) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// Reports that the message was not handled to its end, and why.
    ///
    /// When the grace is over, the receipts of all messages in flight are told [`Unfinished`](Nack::Unfinished), up to 16 at
    /// the same time; all together have [`nack_timeout`](crate::Daemon::nack_timeout) for that. The process does not end
    /// before, whatever the handlers do meanwhile.
    ///
    /// # Errors
    /// Whatever keeps it from being told.
    fn nack(self, why: Nack) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// Whether there is nothing to tell, so that nothing needs to be kept.
    #[doc(hidden)]
    const NOTHING: bool = false;
}

/// Why a message was not handled to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Nack {
    /// Its handler returned an error or panicked. Handled once more, it probably would again.
    Failed,
    /// The daemon ended before the handler had, or before it had begun.
    Unfinished,
}

/// Nobody waits to hear of the message.
impl Ack for () {
    fn ack(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }

    fn nack(self, _: Nack) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }

    const NOTHING: bool = true;
}

/// A message with what is to be told about it: what [`Daemon::messages`](crate::Daemon::messages) may fetch instead of a
/// plain message. The handler gets the message alone.
///
/// ```
/// use daemonize_core::{Ack, Delivery, Nack};
/// # type Told = Result<(), Box<dyn std::error::Error + Send + Sync>>;
/// # struct Channel;
/// # impl Channel { fn get(&self) -> Option<(u64, String)> { None } }
/// # fn confirm(_: u64) -> Told { Ok(()) }
/// # fn requeue(_: u64) -> Told { Ok(()) }
/// # fn bury(_: u64) -> Told { Ok(()) }
///
/// struct Tag(u64);
///
/// impl Ack for Tag {
///     fn ack(self) -> Told {
///         confirm(self.0)
///     }
///     fn nack(self, why: Nack) -> Told {
///         if why == Nack::Failed { bury(self.0) } else { requeue(self.0) }
///     }
/// }
///
/// fn next_job(channel: &Channel) -> Option<Delivery<String, Tag>> {
///     let (tag, job) = channel.get()?;
///     Some(Delivery::new(job, Tag(tag)))
/// }
/// ```
#[derive(Debug)]
pub struct Delivery<T, A = ()> {
    message: T,
    receipt: A,
    /// It is opened where it was fetched. That it is not `Send` is also what tells it from a plain message, see
    /// [`Fetched`](super::Fetched).
    here: PhantomData<*const ()>,
}

impl<T, A> Delivery<T, A> {
    /// The message for the handler, and what is told when it has been handled or has not.
    pub fn new(message: T, receipt: A) -> Delivery<T, A> {
        Delivery { message, receipt, here: PhantomData }
    }

    pub(super) fn open(self) -> (T, A) {
        (self.message, self.receipt)
    }
}

impl<T: Clone + Send + 'static> Delivery<T, GiveBack<T>> {
    /// A message of which a copy is kept, and given back if it was not handled to its end.
    ///
    /// ```
    /// use daemonize_core::{Delivery, GiveBack};
    ///
    /// fn next_line() -> Option<Delivery<String, GiveBack<String>>> {
    ///     let line = std::io::stdin().lines().next()?.ok()?;
    ///     Some(Delivery::kept(line, |line, why| eprintln!("{why:?}: {line}")))
    /// }
    /// ```
    pub fn kept(message: T, give_back: fn(T, Nack)) -> Delivery<T, GiveBack<T>> {
        let copy = message.clone();
        Delivery::new(message, GiveBack { copy, give_back })
    }
}

/// A copy of a message, and where it goes if the message was not handled: see [`Delivery::kept`].
#[derive(Clone, Debug)]
pub struct GiveBack<T> {
    copy: T,
    give_back: fn(T, Nack),
}

impl<T: Send + 'static> Ack for GiveBack<T> {
    fn ack(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }

    fn nack(self, why: Nack) -> Result<(), Box<dyn Error + Send + Sync>> {
        (self.give_back)(self.copy, why);
        Ok(())
    }
}
