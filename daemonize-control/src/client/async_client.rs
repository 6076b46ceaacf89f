//! The asynchronous client.

use super::connection::Connect;
use super::error::Result;
use super::event_stream::EventStream;
use super::reply;
use super::request::Request;
use super::response::timed_out;
use super::server_sent_events::Published;
use super::socket::ClientSocket;
use super::stop::{self, Stop};
use super::target::Target;
use crate::address::Address;
use daemonize_core::{Daemon, Pid};
use futures_core::Stream;
use serde_json::{Value, json};
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{sleep, sleep_until};

/// Interval between attempts to connect while the backlog of the listener is full, which no readiness event reports.
const RECONNECT_INTERVAL: Duration = Duration::from_millis(2);

/// An asynchronous client of a running daemon that has an endpoint, with the calls and errors of [`Client`](super::Client).
/// Cheap to clone.
///
/// ```no_run
/// # async fn example() -> Result<(), daemon::control::Error> {
/// let client = daemon::control::AsyncClient::at("/run/sleepy.pid");
/// let mut events = client.events().await?;
/// while let Some(published) = events.next().await {
///     println!("{:?}", published?);
/// }
/// # Ok(())
/// # }
/// ```
///
/// The client needs a tokio runtime with the I/O and time drivers (`enable_all`).
#[derive(Clone, Debug)]
pub struct AsyncClient {
    pub(super) target: Target,
}

impl AsyncClient {
    /// Makes a client of this daemon. Each call checks whether the daemon runs.
    pub fn of<W>(daemon: &Daemon<W>) -> AsyncClient {
        AsyncClient { target: Target::of(daemon) }
    }

    /// Makes a client of the daemon that this pidfile names; `~` and `$VAR` are expanded.
    pub fn at(pidfile: impl Into<PathBuf>) -> AsyncClient {
        AsyncClient { target: Target::at(pidfile) }
    }

    /// Sets the timeout of each whole call; the default is 10 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> AsyncClient {
        self.target.timeout = timeout;
        self
    }

    /// Returns the daemon's process if it runs. Does not connect.
    ///
    /// # Errors
    /// The pidfile cannot be read or trusted.
    pub fn pid(&self) -> Result<Option<Pid>> {
        self.target.pid()
    }

    /// Sends a `GET` request: see [`Client::get`](super::Client::get).
    ///
    /// # Errors
    /// See [`ErrorKind`](crate::ErrorKind).
    pub async fn get(&self, route: &str) -> Result<Value> {
        self.call(&Request::get(route)?).await
    }

    /// Sends a `POST` request: see [`Client::send`](super::Client::send).
    ///
    /// # Errors
    /// See [`ErrorKind`](crate::ErrorKind).
    pub async fn send(&self, route: &str, body: impl Into<Value>) -> Result<Value> {
        let request = Request::post(route, &body.into())?;
        self.call(&request).await
    }

    /// Sends an event to its handler: see [`Client::event`](super::Client::event).
    ///
    /// # Errors
    /// See [`ErrorKind`](crate::ErrorKind).
    pub async fn event(&self, name: &str, data: impl Into<Value>) -> Result<Value> {
        let event = reply::event(name, data.into())?;
        reply::of_event(name, self.send("/event", event).await?)
    }

    /// Opens a stream of the events that the daemon publishes from now on.
    ///
    /// # Errors
    /// See [`ErrorKind`](crate::ErrorKind).
    pub async fn events(&self) -> Result<AsyncEvents> {
        self.stream("/events").await
    }

    /// Opens the stream of server-sent events of one of your own routes.
    ///
    /// # Errors
    /// See [`ErrorKind`](crate::ErrorKind).
    pub async fn stream(&self, route: &str) -> Result<AsyncEvents> {
        let request = Request::stream(route)?;
        let stream = self.within_timeout(&request, EventStream::open(&TokioConnector, &self.target, &request)).await?;
        Ok(AsyncEvents { stream })
    }

    /// Returns the response to `GET /status`.
    ///
    /// # Errors
    /// See [`ErrorKind`](crate::ErrorKind).
    pub async fn status(&self) -> Result<Value> {
        self.get("/status").await
    }

    /// Requests a stop, and waits until it has exited: see [`Client::stop`](super::Client::stop).
    ///
    /// # Errors
    /// See [`ErrorKind`](crate::ErrorKind).
    pub async fn stop(&self) -> Result<Value> {
        let Some(mut stop) = Stop::of(&self.target)? else { return Ok(stop::stopped()) };
        stop.answered(self.send("/stop", json!({})).await);
        while let Some(pause) = stop.pause()? {
            sleep(pause).await;
        }
        stop.outcome()
    }

    /// Requests a restart: see [`Client::restart`](super::Client::restart).
    ///
    /// # Errors
    /// See [`ErrorKind`](crate::ErrorKind).
    pub async fn restart(&self) -> Result<Value> {
        self.send("/restart", json!({})).await
    }

    /// Requests a reload, as SIGHUP does, and returns at once.
    ///
    /// # Errors
    /// See [`ErrorKind`](crate::ErrorKind).
    pub async fn reload(&self) -> Result<Value> {
        self.send("/reload", json!({})).await
    }

    async fn call(&self, request: &Request) -> Result<Value> {
        self.within_timeout(request, reply::call(&TokioConnector, &self.target, request)).await
    }

    async fn within_timeout<T>(&self, request: &Request, call: impl Future<Output = Result<T>>) -> Result<T> {
        let deadline = self.target.deadline();
        let timed_out = || Poll::Ready(Err(timed_out(&self.target, request)));
        let mut timer = pin!(sleep_until(deadline.into()));
        let mut call = pin!(call);
        poll_fn(|context| match call.as_mut().poll(context) {
            // While tasks are busy, tokio checks its timers only every few polls.
            Poll::Pending if timer.as_mut().poll(context).is_ready() || Instant::now() >= deadline => timed_out(),
            called => called,
        })
        .await
    }
}

/// Connects sockets that the caller's tokio runtime waits for.
struct TokioConnector;

impl Connect for TokioConnector {
    async fn connect(&self, address: &Address) -> io::Result<Box<dyn ClientSocket>> {
        match address {
            Address::Unix(path) => Ok(Box::new(connect_unix(path).await?)),
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
        }
    }
}

/// Connects to a Unix socket, which refuses a connection that must not block while its backlog is full.
async fn connect_unix(path: &Path) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(RECONNECT_INTERVAL).await,
            other => return other,
        }
    }
}

impl<T: AsyncRead + AsyncWrite + AsFd + Send + Sync + Unpin> ClientSocket for T {
    fn poll_read(&mut self, context: &mut Context<'_>, bytes: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(bytes);
        Pin::new(self).poll_read(context, &mut buffer).map_ok(|()| buffer.filled().len())
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(self).poll_write(context, bytes)
    }
}

/// A stream of what the daemon publishes; it ends when the daemon exits. Its limits are those of [`Events`](super::Events).
pub struct AsyncEvents {
    stream: EventStream,
}

impl AsyncEvents {
    /// Waits for the next event; `None` at the end. No event is lost if the future is dropped (cancel safe).
    pub async fn next(&mut self) -> Option<Result<Published>> {
        poll_fn(|context| self.stream.poll_next(context)).await
    }
}

impl Stream for AsyncEvents {
    type Item = Result<Published>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Published>>> {
        self.stream.poll_next(context)
    }
}

impl fmt::Debug for AsyncEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncEvents").field("has_ended", &self.stream.has_ended()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Client, Events};
    use super::*;

    #[test]
    fn clients_streams_and_calls_cross_threads() {
        fn is_shared<T: Send + Sync + Unpin>() {}
        fn is_sent(_: impl Send) {}
        is_shared::<(Client, Events, AsyncClient, AsyncEvents)>();
        let client = AsyncClient::at("none.pid");
        is_sent(client.get("/"));
        is_sent(client.event("echo", Value::Null));
        is_sent(client.stop());
        is_sent(async { client.events().await?.next().await.transpose() });
    }
}
