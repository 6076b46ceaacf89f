//! A daemon that handles messages: one thread fetches them, a pool of others handles them.

#[cfg(feature = "tokio")]
mod asynchronous;
#[cfg(feature = "tokio")]
mod awaited;
mod complaints;
mod delivery;
mod fetched;
mod fetching;
mod pool;
mod retry;
mod settling;
mod state;
mod waiting;

#[cfg(feature = "tokio")]
pub(crate) use asynchronous::handle_messages_async;
#[cfg(feature = "tokio")]
pub use asynchronous::pump_async;
#[cfg(feature = "tokio")]
pub use awaited::{AckAsync, FetchAsync};
pub use delivery::{Ack, Delivery, Nack, Requeue};
pub use fetched::Fetched;
pub use retry::Retry;

use super::BodyResult;
use crate::counters::COUNTS;
use crate::shutdown;
use crate::stop_flag;
use fetched::Found;
use fetching::fetch_into;
pub use fetching::pump;
use pool::Pool;
use std::cell::Cell;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// How many messages are handled at the same time, unless told.
pub(crate) const POOL_SIZE: usize = 100;

/// No process has that many threads.
pub(crate) const LARGEST_POOL: usize = 32_768;

/// How long it takes until it is looked again for a message when there was none, unless told.
pub(crate) const IDLE_TIME: Duration = Duration::from_millis(100);

/// Where messages come from and what is done with them, as one type of yours: see
/// [`Daemon::messages_of`](crate::Daemon::messages_of).
///
/// ```
/// use daemon::Daemon;
/// use daemon::messages::Messages;
/// use std::error::Error;
/// use std::path::PathBuf;
///
/// struct Spool {
///     directory: PathBuf,
/// }
///
/// impl Messages for Spool {
///     type Message = PathBuf;
///     type Fetched = std::io::Result<Option<PathBuf>>;
///
///     fn fetch(&self) -> Self::Fetched {
///         self.directory.read_dir()?.next().map(|entry| Ok(entry?.path())).transpose()
///     }
///
///     fn handle(&self, file: PathBuf) -> Result<(), Box<dyn Error + Send + Sync>> {
///         Ok(std::fs::remove_file(file)?)
///     }
/// }
///
/// let daemon = Daemon::new("spool").messages_of(Spool { directory: "/var/spool/mine".into() });
/// # drop(daemon);
/// ```
pub trait Messages: Send + Sync + 'static {
    /// What the handler gets.
    type Message;
    /// `Option<Message>`, `Result<Option<Message>, E>`, or the same of a [`Delivery`].
    type Fetched;

    /// The next message, if there is one now. Called in one thread, the daemon's first.
    fn fetch(&self) -> Self::Fetched;

    /// Handles a message. Called in as many threads at once as the pool may have.
    ///
    /// # Errors
    /// Whatever went wrong: it is reported, and costs this message only.
    fn handle(&self, message: Self::Message) -> Result<(), Box<dyn Error + Send + Sync>>;
}

/// How a daemon handles its messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handling {
    pub(crate) pool_size: usize,
    pub(crate) idle_time: Duration,
    pub(crate) retry: Retry,
}

/// Runs a daemon that handles messages, until it is to stop and nothing is in flight.
pub(crate) fn handle_messages<T, A, H>(
    mut fetch: impl FnMut() -> Found<T, A>,
    handle: H,
    settings: Handling,
) -> BodyResult
where
    T: Send + 'static,
    A: Ack,
    H: Fn(T) -> BodyResult + Send + Sync + 'static,
{
    let pool = Pool::new(settings.pool_size, handle, settings.retry, &COUNTS);
    shutdown::register(Arc::new(Arc::clone(&pool)));
    // The first answer makes the daemon ready, whether there was a message or not; an error does not.
    let answered = &Cell::new(false);
    let fetch = move || fetch().inspect(|_| answered.set(true));
    let is_over = || if answered.get() { stop_flag::poll_stop() } else { stop_flag::poll_stop_before_ready() };
    let pause = || {
        is_over();
        stop_flag::sleep(settings.idle_time);
    };
    fetch_into(&pool, fetch, is_over, pause);
    pool.drain(stop_flag::poll_stop);
    if !shutdown::complete() {
        // The grace is over, and receipts are being told: to return now would end the process amid that.
        shutdown::park_until_exit();
    }
    BodyResult::success()
}
