//! The body that handles messages: one thread fetches them, a pool of worker threads or tokio tasks handles them.

mod ack;
#[cfg(feature = "tokio")]
mod ack_async;
mod delayed_receipts;
mod delivery;
mod fetch;
#[cfg(feature = "tokio")]
mod fetch_async;
mod fetch_result;
mod pool;
mod rate_limited_errors;
mod retry;
#[cfg(feature = "tokio")]
mod tasks;
mod unfinished;

pub use ack::{Ack, Nack};
#[cfg(feature = "tokio")]
pub use ack_async::AckAsync;
pub use delivery::{Delivery, Requeue};
#[cfg(feature = "tokio")]
pub use fetch_async::FetchAsync;
pub use fetch_result::Fetched;
pub use retry::Retry;
#[cfg(feature = "tokio")]
pub(crate) use tasks::handle_messages_async;
#[cfg(feature = "tokio")]
pub use tasks::pump_async;

use super::BodyResult;
use crate::counters::COUNTS;
use crate::shutdown;
use crate::stop_flag;
use fetch::fetch_loop;
pub use fetch::pump;
use fetch_result::FetchResult;
use pool::Pool;
use std::cell::Cell;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// The default number of messages that are handled at the same time.
pub(crate) const POOL_SIZE: usize = 100;

/// The largest pool size that is accepted.
pub(crate) const LARGEST_POOL: usize = 32_768;

/// The default time until the daemon fetches again after the source had no message.
pub(crate) const IDLE_TIME: Duration = Duration::from_millis(100);

/// A source of messages with its handler, as one type: see
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
    /// The type that the handler receives.
    type Message;
    /// `Option<Message>`, `Result<Option<Message>, E>`, or the same of a [`Delivery`].
    type Fetched;

    /// Fetches the next message; `None` if there is none now. Called in one thread, the main thread of the daemon.
    fn fetch(&self) -> Self::Fetched;

    /// Handles a message. Called in up to as many threads at once as the pool has workers.
    ///
    /// # Errors
    /// Any error: it is reported, and the message is requeued or given up, see [`Retry`]; the daemon goes on.
    fn handle(&self, message: Self::Message) -> Result<(), Box<dyn Error + Send + Sync>>;
}

/// The settings of a daemon that handles messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HandlerSettings {
    pub(crate) pool_size: usize,
    pub(crate) idle_time: Duration,
    pub(crate) retry: Retry,
}

/// Runs the body of a daemon that handles messages, until a stop is requested and no message is in flight.
pub(crate) fn handle_messages<T, A, H>(
    mut fetch: impl FnMut() -> FetchResult<T, A>,
    handle: H,
    settings: HandlerSettings,
) -> BodyResult
where
    T: Send + 'static,
    A: Ack,
    H: Fn(T) -> BodyResult + Send + Sync + 'static,
{
    let pool = Pool::new(settings.pool_size, handle, settings.retry, &COUNTS);
    shutdown::register(Arc::new(Arc::clone(&pool)));
    // The first fetch that succeeds makes the daemon ready, with or without a message; an error does not.
    let answered = &Cell::new(false);
    let fetch = move || fetch().inspect(|_| answered.set(true));
    let is_over = || if answered.get() { stop_flag::poll_stop() } else { stop_flag::poll_stop_before_ready() };
    let pause = || {
        is_over();
        stop_flag::sleep(settings.idle_time);
    };
    fetch_loop(&pool, fetch, is_over, pause);
    pool.drain(stop_flag::poll_stop);
    if !shutdown::complete() {
        // The stop timeout is over, and the signal thread settles receipts: to return now would end the process too early.
        shutdown::park_until_exit();
    }
    BodyResult::success()
}
