//! Accepts connections, reads requests strictly, writes responses.

mod connection;
mod deadline;
mod door;
mod glance;
mod reader;
mod writer;

use crate::routes::Service;
use door::Door;
#[cfg(fuzzing)]
pub(crate) use reader::outcomes;
use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// How many threads the runtime may have for `spawn_blocking` in routes: one for each request that may take long, over both ways
/// in, and some more. An idle one ends after ten seconds.
const WORKERS: usize = 64;
/// How long answers that are on their way when it ends may take. With [`LAST_WORDS`] it is less than the second that the
/// core gives to everything that is attached to a daemon whose body does not end by itself.
const FAREWELL: Duration = Duration::from_millis(600);
/// How long it may take to tell those who have not been answered by then that they will not be.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// Not at all.
    No,
    /// Whoever has asked is answered, and nobody else.
    Soon,
    /// Whoever has no answer gets none.
    Now,
}

impl End {
    /// Whether it has come so far.
    fn has_come(self, end: &watch::Receiver<End>) -> bool {
        *end.borrow() >= self
    }

    /// Returns when it has come so far.
    async fn comes(self, end: &mut watch::Receiver<End>) {
        // Whose sender is gone has come to its end as well.
        let _ = end.wait_for(|end| *end >= self).await;
    }
}

/// A server in a thread of its own.
#[derive(Debug)]
pub(crate) struct Server {
    ending: watch::Sender<End>,
    ended: Mutex<mpsc::Receiver<()>>,
    thread: ThreadId,
}

impl Server {
    /// Begins to serve.
    pub(crate) fn start(socket: UnixListener, port: Option<TcpListener>, service: Service) -> io::Result<Server> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().max_blocking_threads(WORKERS).build()?;
        let (ending, end) = watch::channel(End::No);
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

    /// Takes no more requests than have come, and waits until they are answered, for a short while; whoever is not by then
    /// is told so.
    pub(crate) fn end(&self) {
        self.ending.send_replace(End::Soon);
        if thread::current().id() == self.thread {
            return;
        }
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.recv_timeout(FAREWELL).is_err() {
            self.ending.send_replace(End::Now);
            let _ = ended.recv_timeout(LAST_WORDS);
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

    async fn serve(self, service: Arc<Service>, end: watch::Receiver<End>) {
        let Doors { socket, port } = self;
        let unix = Door::new(Arc::clone(&service), end.clone());
        let Some(port) = port else { return unix.serve(socket).await };
        let tcp = Door::new(service, end);
        tokio::join!(unix.serve(socket), tcp.serve(port));
    }
}
