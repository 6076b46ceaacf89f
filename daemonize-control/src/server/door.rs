//! One of the two ways in: who comes, and who has a place.

use super::connection::Connection;
use super::{End, FAREWELL, LAST_WORDS, glance};
use crate::access::Peer;
use crate::routes::Service;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

/// How many connections each of the two ways in may have: strangers at the port cannot starve the socket.
const CONNECTIONS: u32 = 32;
/// How many of them may be at what takes its time: streams, events, routes. The others are for what is answered at once.
const LONG: usize = 24;
/// How many who may not ask are told so at the same time.
const STRANGERS: usize = 4;
/// How long it is waited before the next connection is taken, where there are no descriptors or no memory.
const PAUSE: Duration = Duration::from_millis(100);
/// How long one more than there may be waits until it is made room for.
const PATIENCE: Duration = Duration::from_millis(250);

/// A socket that is connected.
pub(super) trait Stream: AsyncRead + AsyncWrite + AsFd + Unpin + Send + Sync + 'static {
    /// Returns once something may have come, such as the other side's end.
    fn hears(&self) -> impl Future<Output = io::Result<()>> + Send;
}

impl Stream for tokio::net::UnixStream {
    fn hears(&self) -> impl Future<Output = io::Result<()>> + Send {
        self.readable()
    }
}

impl Stream for tokio::net::TcpStream {
    fn hears(&self) -> impl Future<Output = io::Result<()>> + Send {
        self.readable()
    }
}

/// A socket that listens.
pub(super) trait Entrance: AsFd {
    /// A connection.
    type Stream: Stream;

    /// The next one, and who it is.
    async fn take(&self) -> io::Result<(Self::Stream, Peer)>;
}

impl Entrance for tokio::net::UnixListener {
    type Stream = tokio::net::UnixStream;

    async fn take(&self) -> io::Result<(Self::Stream, Peer)> {
        let (stream, _) = self.accept().await?;
        let user = stream.peer_cred()?;
        Ok((stream, Peer::Unix { uid: user.uid(), gid: user.gid() }))
    }
}

impl Entrance for tokio::net::TcpListener {
    type Stream = tokio::net::TcpStream;

    async fn take(&self) -> io::Result<(Self::Stream, Peer)> {
        let (stream, address) = self.accept().await?;
        // An answer is one write: there is nothing to wait for.
        stream.set_nodelay(true)?;
        Ok((stream, Peer::Tcp(address)))
    }
}

/// One way in, with its own places.
pub(super) struct Door {
    service: Arc<Service>,
    end: watch::Receiver<End>,
    places: Arc<Semaphore>,
    long: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
    crowd: Arc<Crowd>,
}

/// What those inside know of those outside.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    /// Somebody waits for a place: who has been answered leaves.
    waits: AtomicBool,
    /// Wakes whoever has waited longest for a next request of its own.
    leave: Notify,
}

impl Crowd {
    pub(super) fn is_there(&self) -> bool {
        self.waits.load(Relaxed)
    }

    /// Returns when somebody waits for the place of whoever calls this, who is not busy.
    pub(super) async fn asks_to_leave(&self) {
        loop {
            self.leave.notified().await;
            // It may have been meant for nobody, before a place came free.
            if self.is_there() {
                return;
            }
        }
    }
}

impl Door {
    pub(super) fn new(service: Arc<Service>, end: watch::Receiver<End>) -> Door {
        let places = |count| Arc::new(Semaphore::new(count));
        Door {
            service,
            end,
            places: places(CONNECTIONS as usize),
            long: places(LONG),
            strangers: places(STRANGERS),
            crowd: Arc::default(),
        }
    }

    /// Serves until the end, and then whoever has come by then, for a while.
    pub(super) async fn serve(&self, entrance: impl Entrance) {
        let mut end = self.end.clone();
        let all_are_served = async {
            self.take_all(entrance).await;
            let _ = self.places.acquire_many(CONNECTIONS).await;
        };
        let overdue = async {
            End::Soon.comes(&mut end).await;
            sleep(FAREWELL + LAST_WORDS).await;
        };
        tokio::select! {
            () = all_are_served => {}
            () = overdue => {}
        }
    }

    /// Takes one connection after another, until the end has come and nobody waits to be taken.
    async fn take_all(&self, entrance: impl Entrance) {
        let mut end = self.end.clone();
        let mut complained = false;
        loop {
            let taken = tokio::select! {
                biased;
                taken = entrance.take() => taken,
                () = End::Soon.comes(&mut end) => {
                    if !glance::has_something(&entrance) {
                        return;
                    }
                    entrance.take().await
                }
            };
            match taken {
                Ok((stream, peer)) => {
                    complained = false;
                    self.let_in(stream, peer).await;
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(_) if End::Soon.has_come(&self.end) => return,
                Err(error) => {
                    if !std::mem::replace(&mut complained, true) {
                        log::warn!("failed to take a connection: {error}");
                    }
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Whoever may not ask gets no place, however much they say: they are told so, or hung up on.
    async fn let_in(&self, stream: impl Stream, peer: Peer) {
        let service = Arc::clone(&self.service);
        let connection = || {
            let (end, crowd, long) = (self.end.clone(), Arc::clone(&self.crowd), Arc::clone(&self.long));
            Connection::new(stream, peer, end, crowd, long)
        };
        match self.service.rules.admit(peer) {
            Ok(()) => {
                let place = self.place().await;
                tokio::spawn(connection().serve(service, place));
            }
            Err(refusal) => {
                if let Ok(place) = Arc::clone(&self.strangers).try_acquire_owned() {
                    tokio::spawn(connection().turn_away(service, refusal, place));
                }
            }
        }
    }

    /// A place for one more connection. Whoever is answered meanwhile makes room; where nobody is, whoever has kept a
    /// connection for longest without asking anything.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Some(place);
        }
        self.crowd.waits.store(true, Relaxed);
        let place = loop {
            match timeout(PATIENCE, Arc::clone(&self.places).acquire_owned()).await {
                Ok(place) => break place.ok(),
                Err(_) => self.crowd.leave.notify_one(),
            }
        };
        self.crowd.waits.store(false, Relaxed);
        place
    }
}

/// Whether the next connection may do better (`accept(2)`): this one is gone.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, NotConnected};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | NotConnected)
}
