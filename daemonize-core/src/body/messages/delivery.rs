//! A message with a receipt.

use super::ack::{Ack, Nack};
use std::error::Error;
use std::marker::PhantomData;

/// A message with its receipt, which [`Daemon::messages`](crate::Daemon::messages) may fetch instead of a plain message. The
/// handler receives the message alone.
///
/// ```
/// use daemon::messages::{Ack, Delivery, Nack};
/// # type SettleResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;
/// # struct Channel;
/// # impl Channel { fn get(&self) -> Option<(u64, String)> { None } }
/// # fn confirm(_: u64) -> SettleResult { Ok(()) }
/// # fn requeue(_: u64) -> SettleResult { Ok(()) }
/// # fn move_to_dead_letters(_: u64) -> SettleResult { Ok(()) }
///
/// struct Tag(u64);
///
/// impl Ack for Tag {
///     fn ack(self) -> SettleResult {
///         confirm(self.0)
///     }
///     fn nack(self, why: Nack) -> SettleResult {
///         if why == Nack::Exhausted { move_to_dead_letters(self.0) } else { requeue(self.0) }
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
    /// Makes the type neither `Send` nor `Sync`: so it differs from a plain message, see [`Fetched`](super::Fetched).
    not_send: PhantomData<*const ()>,
}

impl<T, A> Delivery<T, A> {
    /// Returns a delivery of this message with this receipt, in the first attempt.
    pub fn new(message: T, receipt: A) -> Delivery<T, A> {
        Delivery { message, receipt, attempt: 1, not_send: PhantomData }
    }

    /// Sets the number of this attempt to handle the message, as its source counts, from 1; 1 unless set. If the handler
    /// fails, [`Retry`](crate::messages::Retry) derives from it the delay before the next attempt, and whether there is one.
    ///
    /// ```
    /// use daemon::messages::{Delivery, Nack, Requeue};
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
    ///     Some(Delivery::requeue_on_failure(job, requeue).attempt(attempt))
    /// }
    ///
    /// fn requeue(mut job: Job, why: Nack) {
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

    /// Splits the delivery into the message and its receipt.
    pub(super) fn into_parts(self) -> (T, Tracked<A>) {
        (self.message, Tracked { receipt: self.receipt, attempt: self.attempt })
    }
}

/// A receipt, and the number of the attempt to handle its message, from 1.
#[doc(hidden)] // Part of a hidden method of public traits.
#[derive(Debug, PartialEq)]
pub struct Tracked<A> {
    pub(super) receipt: A,
    pub(super) attempt: u32,
}

impl<A> Tracked<A> {
    /// Returns the receipt of a first attempt.
    #[inline]
    pub(super) fn first(receipt: A) -> Tracked<A> {
        Tracked { receipt, attempt: 1 }
    }
}

impl<T: Clone + Send + 'static> Delivery<T, Requeue<T>> {
    /// Returns a delivery that keeps a copy of the message, and calls `requeue` with the copy if the message was rejected.
    ///
    /// ```
    /// use daemon::messages::{Delivery, Requeue};
    ///
    /// fn next_line() -> Option<Delivery<String, Requeue<String>>> {
    ///     let line = std::io::stdin().lines().next()?.ok()?;
    ///     Some(Delivery::requeue_on_failure(line, |line, why| eprintln!("{why:?}: {line}")))
    /// }
    /// ```
    pub fn requeue_on_failure(message: T, requeue: fn(T, Nack)) -> Delivery<T, Requeue<T>> {
        let copy = message.clone();
        Delivery::new(message, Requeue { copy, requeue })
    }
}

/// A receipt that keeps a copy of its message and requeues it after a failure: see [`Delivery::requeue_on_failure`].
#[derive(Clone, Debug)]
pub struct Requeue<T> {
    copy: T,
    requeue: fn(T, Nack),
}

impl<T: Send + 'static> Ack for Requeue<T> {
    fn ack(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }

    fn nack(self, why: Nack) -> Result<(), Box<dyn Error + Send + Sync>> {
        (self.requeue)(self.copy, why);
        Ok(())
    }
}
