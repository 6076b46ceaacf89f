//! A message that somebody waits to hear of: acknowledged when it was handled, given back when it was not.

use std::error::Error;
use std::marker::PhantomData;
use std::time::Duration;

/// What is told about a message once it has been handled, or has not.
///
/// One of these comes with each message in a [`Delivery`], stays behind while the handler has the message, and is used
/// up exactly once: nothing that was not handled is acknowledged, nothing that was handled is given back. What these
/// return or panic with is reported, and costs nothing else.
///
/// Receipts are told before the process ends, also when user code calls [`std::process::exit`]: the messages in flight are
/// then [`Unfinished`](Nack::Unfinished). A process that is killed or aborts tells no receipt, and neither does a start
/// that fails before the daemon is ready, which is killed: the broker must then see that its client is gone.
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

    /// Reports that the handler failed, and that the message is due again after `delay`: see [`Retry`](crate::messages::Retry).
    ///
    /// A broker that can delay a message is told so here, and `Ok(None)` returned. Else the receipt is returned, which is
    /// what this method does unless it is implemented: then the daemon keeps the receipt for that time, and reports
    /// [`Nack::Failed`] to it when it is over. That happens earlier when the daemon ends, and when 10,000 other receipts wait.
    /// A message whose receipt waits is not in flight: its worker handles others meanwhile.
    ///
    /// ```
    /// use daemon::messages::{Ack, Nack};
    /// use std::time::Duration;
    /// # fn confirm(_: u64) {}
    /// # fn requeue(_: u64, _: Duration) {}
    /// # fn bury(_: u64) {}
    ///
    /// type Told = Result<(), Box<dyn std::error::Error + Send + Sync>>;
    ///
    /// /// Of a broker that can delay.
    /// struct Tag(u64);
    ///
    /// impl Ack for Tag {
    ///     fn ack(self) -> Told {
    ///         Ok(confirm(self.0))
    ///     }
    ///     fn nack(self, why: Nack) -> Told {
    ///         Ok(if why == Nack::Exhausted { bury(self.0) } else { requeue(self.0, Duration::ZERO) })
    ///     }
    ///     fn retry(self, delay: Duration) -> Result<Option<Self>, Box<dyn std::error::Error + Send + Sync>> {
    ///         requeue(self.0, delay);
    ///         Ok(None)
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// Whatever keeps it from being told.
    fn retry(self, delay: Duration) -> Result<Option<Self>, Box<dyn Error + Send + Sync>>
    where
        Self: Sized,
    {
        let _ = delay;
        Ok(Some(self))
    }

    /// Whether there is nothing to tell, so that nothing needs to be kept.
    #[doc(hidden)]
    const NOTHING: bool = false;
}

/// Why a message was not handled to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Nack {
    /// Its handler returned an error or panicked, and it is to be handled again: its delay is over, or the daemon ends.
    Failed,
    /// Its handler failed as often as [`Retry::attempts`](crate::messages::Retry::attempts) allows: it is not to be handled again, but
    /// moved to a place that an operator checks. Without that setting, no receipt gets this.
    Exhausted,
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
/// use daemon::messages::{Ack, Delivery, Nack};
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
///         if why == Nack::Exhausted { bury(self.0) } else { requeue(self.0) }
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
    attempt: u32,
    /// It is opened where it was fetched. That it is not `Send` is also what tells it from a plain message, see
    /// [`Fetched`](super::Fetched).
    here: PhantomData<*const ()>,
}

impl<T, A> Delivery<T, A> {
    /// The message for the handler, and what is told when it has been handled or has not.
    pub fn new(message: T, receipt: A) -> Delivery<T, A> {
        Delivery { message, receipt, attempt: 1, here: PhantomData }
    }

    /// Sets which attempt to handle the message this is, as its source counts: 1 for the first one, and unless it is set.
    /// [`Retry`](crate::messages::Retry) derives from it how long the message is left alone if its handler fails, and whether it is
    /// handled again at all.
    ///
    /// ```
    /// use daemon::messages::{Delivery, Requeue, Nack};
    /// use std::sync::Mutex;
    ///
    /// #[derive(Clone)]
    /// struct Job {
    ///     text: String,
    ///     failures: u32,
    /// }
    ///
    /// static JOBS: Mutex<Vec<Job>> = Mutex::new(Vec::new());
    ///
    /// fn next_job() -> Option<Delivery<Job, Requeue<Job>>> {
    ///     let job = JOBS.lock().ok()?.pop()?;
    ///     let attempt = job.failures + 1;
    ///     Some(Delivery::requeue_on_failure(job, give_back).attempt(attempt))
    /// }
    ///
    /// fn give_back(mut job: Job, why: Nack) {
    ///     match why {
    ///         Nack::Exhausted => return eprintln!("given up: {}", job.text),
    ///         Nack::Failed => job.failures += 1,
    ///         _ => {}
    ///     }
    ///     JOBS.lock().unwrap().push(job);
    /// }
    /// ```
    #[must_use]
    pub fn attempt(mut self, attempt: u32) -> Delivery<T, A> {
        self.attempt = attempt;
        self
    }

    pub(super) fn open(self) -> (T, Tracked<A>) {
        (self.message, Tracked { receipt: self.receipt, attempt: self.attempt })
    }
}

/// A receipt, and which attempt to handle its message this is.
#[doc(hidden)] // Part of a hidden method of public traits.
#[derive(Debug, PartialEq)]
pub struct Tracked<A> {
    pub(super) receipt: A,
    pub(super) attempt: u32,
}

impl<A> Tracked<A> {
    /// Of the first attempt.
    #[inline]
    pub(super) fn first(receipt: A) -> Tracked<A> {
        Tracked { receipt, attempt: 1 }
    }
}

impl<T: Clone + Send + 'static> Delivery<T, Requeue<T>> {
    /// A message of which a copy is kept, and given back if it was not handled to its end.
    ///
    /// ```
    /// use daemon::messages::{Delivery, Requeue};
    ///
    /// fn next_line() -> Option<Delivery<String, Requeue<String>>> {
    ///     let line = std::io::stdin().lines().next()?.ok()?;
    ///     Some(Delivery::requeue_on_failure(line, |line, why| eprintln!("{why:?}: {line}")))
    /// }
    /// ```
    pub fn requeue_on_failure(message: T, give_back: fn(T, Nack)) -> Delivery<T, Requeue<T>> {
        let copy = message.clone();
        Delivery::new(message, Requeue { copy, give_back })
    }
}

/// A copy of a message, and where it goes if the message was not handled: see [`Delivery::requeue_on_failure`].
#[derive(Clone, Debug)]
pub struct Requeue<T> {
    copy: T,
    give_back: fn(T, Nack),
}

impl<T: Send + 'static> Ack for Requeue<T> {
    fn ack(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }

    fn nack(self, why: Nack) -> Result<(), Box<dyn Error + Send + Sync>> {
        (self.give_back)(self.copy, why);
        Ok(())
    }
}
