//! The client for async code; the same bytes, the same care.

use super::blocking::{is_closed, timed_out};
use super::error::{Error, ErrorKind, Result, cause};
use super::reply::{self, cut_off, not_http};
use super::stop::{self, Stop};
use super::stream::{Incoming, Published};
use super::target::{Found, Obstacles, Target};
use super::trust::{self, Secret};
use super::wire::{Reply, Request, Whole};
use crate::address::Address;
use daemonize_core::{Daemon, Pid};
use futures_core::Stream;
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, sleep, timeout_at};

/// Talks to a running daemon that has an endpoint, from async code; cheap to clone. Says and does what a
/// [`Client`](super::Client) does.
///
/// ```no_run
/// # async fn example() -> Result<(), daemonize_control::Error> {
/// let client = daemonize_control::AsyncClient::at("/run/sleepy.pid");
/// let mut events = client.events().await?;
/// while let Some(published) = events.next().await {
///     println!("{:?}", published?);
/// }
/// # Ok(())
/// # }
/// ```
///
/// It wants a tokio runtime with its drivers (`enable_all`).
#[derive(Clone, Debug)]
pub struct AsyncClient {
    pub(super) target: Target,
}

impl AsyncClient {
    /// A client of this daemon, whether it runs or not: that is looked at by each call.
    pub fn of<W>(daemon: &Daemon<W>) -> AsyncClient {
        AsyncClient { target: Target::of(daemon) }
    }

    /// A client of the daemon that this pidfile names; `~` and `$VAR` are expanded.
    pub fn at(pidfile: impl Into<PathBuf>) -> AsyncClient {
        AsyncClient { target: Target::at(pidfile) }
    }

    /// How long each call may take from its beginning to its end; ten seconds unless it is set.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> AsyncClient {
        self.target.timeout = timeout;
        self
    }

    /// The process, if it runs. Connects to nobody.
    ///
    /// # Errors
    /// The pidfile cannot be read or trusted.
    pub fn pid(&self) -> Result<Option<Pid>> {
        super::Client { target: self.target.clone() }.pid()
    }

    /// `GET`: see [`Client::get`](super::Client::get).
    ///
    /// # Errors
    /// See [`ErrorKind`].
    pub async fn get(&self, route: &str) -> Result<Value> {
        self.call(&Request::get(route)?).await
    }

    /// `POST`: see [`Client::send`](super::Client::send).
    ///
    /// # Errors
    /// See [`ErrorKind`].
    pub async fn send(&self, route: &str, body: impl Into<Value>) -> Result<Value> {
        let request = Request::post(route, &body.into())?;
        self.call(&request).await
    }

    /// Has an event handled: see [`Client::event`](super::Client::event).
    ///
    /// # Errors
    /// See [`ErrorKind`].
    pub async fn event(&self, name: &str, data: impl Into<Value>) -> Result<Value> {
        let event = reply::event(name, data.into())?;
        reply::of_event(name, self.send("/event", event).await?)
    }

    /// What the daemon publishes from now on.
    ///
    /// # Errors
    /// See [`ErrorKind`].
    pub async fn events(&self) -> Result<AsyncEvents> {
        self.stream("/events").await
    }

    /// The server-sent events of a route of your own.
    ///
    /// # Errors
    /// See [`ErrorKind`].
    pub async fn stream(&self, route: &str) -> Result<AsyncEvents> {
        let request = Request::stream(route)?;
        let opening = async {
            let connection = self.open(&request).await?;
            let mut events = AsyncEvents { connection, incoming: Incoming::new(request.clone()), ended: false };
            while !events.incoming.is_accepted() {
                if std::future::poll_fn(|context| events.poll_read(context)).await? == 0 {
                    return Err(events.incoming.cut_off(events.connection.unread));
                }
            }
            Ok(events)
        };
        let opened = timeout_at(self.deadline(), opening).await;
        opened.unwrap_or_else(|_| Err(timed_out(&self.target, &request)))
    }

    /// What the daemon says of itself.
    ///
    /// # Errors
    /// See [`ErrorKind`].
    pub async fn status(&self) -> Result<Value> {
        self.get("/status").await
    }

    /// Asks it to stop, and waits until it is gone: see [`Client::stop`](super::Client::stop).
    ///
    /// # Errors
    /// See [`ErrorKind`].
    pub async fn stop(&self) -> Result<Value> {
        let Some(mut stop) = Stop::of(&self.target)? else { return Ok(stop::stopped()) };
        stop.answered(self.send("/stop", json!({})).await);
        while let Some(pause) = stop.pause()? {
            sleep(pause).await;
        }
        stop.outcome()
    }

    /// Asks it to start its program again, which takes over from it; returns when the new program waits to do so.
    ///
    /// # Errors
    /// See [`ErrorKind`].
    pub async fn restart(&self) -> Result<Value> {
        self.send("/restart", json!({})).await
    }

    /// Asks it to reload, as SIGHUP does; returns at once.
    ///
    /// # Errors
    /// See [`ErrorKind`].
    pub async fn reload(&self) -> Result<Value> {
        self.send("/reload", json!({})).await
    }

    fn deadline(&self) -> Instant {
        self.target.deadline().into()
    }

    async fn call(&self, request: &Request) -> Result<Value> {
        let called = timeout_at(self.deadline(), self.exchange(request)).await;
        let reply = called.unwrap_or_else(|_| Err(timed_out(&self.target, request)))?;
        reply::value(request, &reply)
    }

    async fn exchange(&self, request: &Request) -> Result<Reply> {
        let mut connection = self.open(request).await?;
        let mut whole = Whole::default();
        let mut piece = [0; 8192];
        loop {
            let length = match connection.stream.read(&mut piece).await {
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    connection.unread = connection.is_unix;
                    0
                }
                other => other.map_err(|error| failed(request, &error))?,
            };
            if length == 0 {
                let untouched = whole.reader.is_untouched();
                return whole.close().ok_or_else(|| cut_off(request, untouched, connection.unread));
            }
            if let Some(reply) = whole.push(&piece[..length]).map_err(|why| not_http(request, why))? {
                return Ok(reply);
            }
        }
    }

    /// Connects to the daemon, makes sure that it is the daemon, and sends the request.
    async fn open(&self, request: &Request) -> Result<Connection> {
        let found = self.target.find()?;
        let mut connection = match connect(&found).await {
            // Who listens in place of one that has gone is whoever came after it.
            Err(error) if error.kind() == ErrorKind::Untrusted => {
                return Err(self.target.is_still(&found).err().unwrap_or(error));
            }
            connection => connection?,
        };
        self.target.is_still(&found)?;
        let bytes = request.bytes(&connection.host, connection.token.as_ref());
        match connection.stream.write_all(&bytes).await {
            // It may have answered without reading all of it.
            Err(error) if is_closed(&error) => connection.unread = connection.is_unix,
            other => other.map_err(|error| failed(request, &error))?,
        }
        Ok(connection)
    }
}

/// A connection to a daemon that is known to be the right one.
struct Connection {
    stream: Box<dyn Duplex>,
    is_unix: bool,
    host: String,
    token: Option<Secret>,
    /// The endpoint has closed it before it had read the whole request.
    unread: bool,
}

/// A connection of either kind.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Through the first address that leads somewhere.
async fn connect(found: &Found) -> Result<Connection> {
    let mut obstacles = Obstacles::default();
    for address in &found.addresses {
        let connected = match address {
            Address::Unix(path) => connect_unix(path).await.map(|stream| over_unix(stream, found)),
            Address::Tcp(address) => TcpStream::connect(address).await.map(|stream| over_tcp(stream, *address, found)),
        };
        match connected {
            Ok(connection) => return connection.map_err(|error| obstacles.before(found, error)),
            Err(error) => obstacles.add(&error),
        }
    }
    Err(obstacles.all(found))
}

fn over_unix(stream: UnixStream, found: &Found) -> Result<Connection> {
    trust::check_peer(&stream, found)?;
    let (stream, host) = (Box::new(stream), "localhost".to_owned());
    Ok(Connection { stream, is_unix: true, host, token: None, unread: false })
}

fn over_tcp(stream: TcpStream, address: SocketAddr, found: &Found) -> Result<Connection> {
    trust::check_listener(address, found)?;
    let _ = stream.set_nodelay(true);
    let token = trust::token(&found.token_file(), found)?;
    Ok(Connection { stream: Box::new(stream), is_unix: false, host: address.to_string(), token, unread: false })
}

/// A connection that does not wait is refused for now when too many are not accepted yet.
async fn connect_unix(path: &Path) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(Duration::from_millis(2)).await,
            other => return other,
        }
    }
}

fn failed(request: &Request, error: &io::Error) -> Error {
    Error::failed(ErrorKind::Reply, "ask for", request.route(), cause(error))
}

/// What the daemon publishes from now on, one after another; ends when the daemon does. A
/// [`Stream`](futures_core::Stream), too. Its limits are those of [`Events`](super::Events).
pub struct AsyncEvents {
    connection: Connection,
    incoming: Incoming,
    ended: bool,
}

impl AsyncEvents {
    /// The next one, whenever it comes; nothing more at the end. Loses nothing if it is dropped before.
    pub async fn next(&mut self) -> Option<Result<Published>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Reads once; how many bytes came.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<usize>> {
        let mut piece = [0; 8192];
        let mut buffer = ReadBuf::new(&mut piece);
        let length = match ready!(Pin::new(&mut self.connection.stream).poll_read(context, &mut buffer)) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                self.connection.unread = self.connection.is_unix;
                0
            }
            Err(error) => return Poll::Ready(Err(failed(&self.incoming.request, &error))),
            Ok(()) => buffer.filled().len(),
        };
        self.incoming.push(buffer.filled()).inspect_err(|_| self.ended = true)?;
        self.ended = length == 0 || self.incoming.is_whole();
        Poll::Ready(Ok(length))
    }
}

impl Stream for AsyncEvents {
    type Item = Result<Published>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Published>>> {
        loop {
            if let Some(published) = self.incoming.next() {
                return Poll::Ready(Some(published));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            if let Err(error) = ready!(self.poll_read(context)) {
                self.ended = true;
                return Poll::Ready(Some(Err(error)));
            }
        }
    }
}

impl std::fmt::Debug for AsyncEvents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AsyncEvents").field("ended", &self.ended).finish_non_exhaustive()
    }
}
