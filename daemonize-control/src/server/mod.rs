//! Accepts connections, reads requests strictly, writes responses.

mod connection;
mod reader;
mod writer;

use crate::access::Peer;
use crate::routes::Service;
use connection::Connection;
#[cfg(fuzzing)]
pub(crate) use reader::outcomes;
use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

/// How many connections each of the two ways in may have: strangers at the port cannot starve the socket.
const CONNECTIONS: u32 = 32;
/// How many handlers that do not await may work at the same time.
const WORKERS: usize = 8;
/// How long it is waited before the next connection is taken, where there are no descriptors or no memory.
const PAUSE: Duration = Duration::from_millis(100);
/// How long one more than there may be waits until it is made room for.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long answers that are on their way when it ends may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// A server in a thread of its own.
#[derive(Debug)]
pub(crate) struct Server {
    ending: watch::Sender<bool>,
    ended: Mutex<mpsc::Receiver<()>>,
    thread: ThreadId,
}

impl Server {
    /// Begins to serve.
    pub(crate) fn start(socket: UnixListener, port: Option<TcpListener>, service: Service) -> io::Result<Server> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().max_blocking_threads(WORKERS).build()?;
        let (ending, end) = watch::channel(false);
        let (tell, ended) = mpsc::channel();
        let doors = Doors::open(&runtime, socket, port)?;
        let service = Arc::new(service);
        let thread = thread::Builder::new().name("daemon-control".into()).spawn(move || {
            runtime.block_on(doors.serve(service, end));
            // A handler that does not end keeps nobody waiting.
            runtime.shutdown_background();
            let _ = tell.send(());
        })?;
        Ok(Server { ending, ended: Mutex::new(ended), thread: thread.thread().id() })
    }

    /// Takes no more requests, and waits until the answers to the others are sent, for a short while.
    pub(crate) fn end(&self) {
        self.ending.send_replace(true);
        if thread::current().id() != self.thread {
            let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = ended.recv_timeout(FAREWELL * 2);
        }
    }
}

/// Where connections come in.
struct Doors {
    socket: tokio::net::UnixListener,
    port: Option<tokio::net::TcpListener>,
}

impl Doors {
    fn open(runtime: &Runtime, socket: UnixListener, port: Option<TcpListener>) -> io::Result<Doors> {
        let _inside = runtime.enter();
        socket.set_nonblocking(true)?;
        let port = port.map(|port| port.set_nonblocking(true).and_then(|()| tokio::net::TcpListener::from_std(port)));
        Ok(Doors { socket: tokio::net::UnixListener::from_std(socket)?, port: port.transpose()? })
    }

    async fn serve(self, service: Arc<Service>, end: watch::Receiver<bool>) {
        let Doors { socket, port } = self;
        let unix = Door::new(Arc::clone(&service), end.clone());
        let serve_socket = unix.serve(async || {
            let (stream, _) = socket.accept().await?;
            let user = stream.peer_cred()?;
            Ok((stream, Peer::Unix { uid: user.uid(), gid: user.gid() }))
        });
        let Some(port) = port else { return serve_socket.await };
        let tcp = Door::new(service, end);
        let serve_port = tcp.serve(async || {
            let (stream, address) = port.accept().await?;
            // An answer is one write: there is nothing to wait for.
            stream.set_nodelay(true)?;
            Ok((stream, Peer::Tcp(address)))
        });
        tokio::join!(serve_socket, serve_port);
    }
}

/// One way in, with its own places.
struct Door {
    service: Arc<Service>,
    end: watch::Receiver<bool>,
    places: Arc<Semaphore>,
    crowd: Arc<Crowd>,
}

/// What those inside know of those outside.
#[derive(Debug, Default)]
struct Crowd {
    /// Somebody waits for a place: who has been answered leaves.
    waits: AtomicBool,
    /// Wakes whoever has waited longest for a next request of its own.
    leave: Notify,
}

impl Crowd {
    fn is_there(&self) -> bool {
        self.waits.load(Relaxed)
    }

    /// Returns when somebody waits for the place of whoever calls this, who is not busy.
    async fn asks_to_leave(&self) {
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
    fn new(service: Arc<Service>, end: watch::Receiver<bool>) -> Door {
        let places = Arc::new(Semaphore::new(CONNECTIONS as usize));
        Door { service, end, places, crowd: Arc::default() }
    }

    /// Takes one connection after another, until the end; then lets those that are being answered go on for a while.
    async fn serve<S>(&self, accept: impl AsyncFn() -> io::Result<(S, Peer)>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut end = self.end.clone();
        tokio::select! {
            biased;
            _ = end.wait_for(|end| *end) => {}
            () = self.take_all(accept) => {}
        }
        let _ = timeout(FAREWELL, self.places.acquire_many(CONNECTIONS)).await;
    }

    async fn take_all<S>(&self, accept: impl AsyncFn() -> io::Result<(S, Peer)>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut complained = false;
        loop {
            match accept().await {
                Ok((stream, peer)) => {
                    complained = false;
                    let place = self.place().await;
                    let connection = Connection::new(stream, peer, self.end.clone(), Arc::clone(&self.crowd));
                    tokio::spawn(connection.serve(Arc::clone(&self.service), place));
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    if !std::mem::replace(&mut complained, true) {
                        log::warn!("failed to take a connection: {error}");
                    }
                    tokio::time::sleep(PAUSE).await;
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
