//! Serves HTTP/1.1 over a Unix socket and a TCP port: hyper, behind the endpoint's own limits and its check of each head.

mod accept;
mod backpressure;
mod connection;
mod deadline;
mod peer_closed;
mod reply;
mod service;
mod shared;
mod socket;
mod strict_head;
mod wire;

use crate::routes::Service;
use accept::Listener;
use daemonize_sys::mutex::lock;
use shared::Shutdown;
use std::io::Result;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;
#[cfg(fuzzing)]
pub(crate) use strict_head::outcome;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// Maximum number of threads for `spawn_blocking` in routes: one for each slow request, over both listeners, and some more. An
/// idle one ends after ten seconds.
const BLOCKING_THREADS: usize = 64;
/// Time for replies that are under way when the server ends. With [`REFUSE_TIMEOUT`] it is less than the second that the core
/// gives to the attachments of a daemon whose body does not end by itself.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(600);
/// Time to refuse the requests that have no reply by then.
const REFUSE_TIMEOUT: Duration = Duration::from_millis(200);

/// A server in a thread of its own.
#[derive(Debug)]
pub(crate) struct Server {
    shutdown: watch::Sender<Shutdown>,
    ended: Mutex<mpsc::Receiver<()>>,
    thread: ThreadId,
}

impl Server {
    /// Starts to serve.
    ///
    /// # Errors
    /// The runtime or its thread cannot be made.
    pub(crate) fn start(socket: UnixListener, port: Option<TcpListener>, service: Service) -> Result<Server> {
        let runtime =
            Builder::new_current_thread().enable_io().enable_time().max_blocking_threads(BLOCKING_THREADS).build()?;
        let (shutdown, observer) = watch::channel(Shutdown::NotRequested);
        let (sender, ended) = mpsc::channel();
        let listeners = Listeners::register(&runtime, socket, port)?;
        let thread = thread::Builder::new().name("daemon-control".into()).spawn(move || {
            runtime.block_on(listeners.serve(service, observer));
            // A handler that does not end must not keep the daemon from its end.
            runtime.shutdown_background();
            let _ = sender.send(());
        })?;
        Ok(Server { shutdown, ended: Mutex::new(ended), thread: thread.thread().id() })
    }

    /// Accepts no more requests, waits up to [`DRAIN_TIMEOUT`] for the replies to those that have come, and refuses the others.
    pub(crate) fn end(&self) {
        self.shutdown.send_replace(Shutdown::Draining);
        if thread::current().id() == self.thread {
            return;
        }
        let ended = lock(&self.ended);
        if ended.recv_timeout(DRAIN_TIMEOUT).is_err() {
            self.shutdown.send_replace(Shutdown::Refusing);
            let _ = ended.recv_timeout(REFUSE_TIMEOUT);
        }
    }
}

/// The listening sockets, known to the runtime.
struct Listeners {
    socket: tokio::net::UnixListener,
    port: Option<tokio::net::TcpListener>,
}

impl Listeners {
    fn register(runtime: &Runtime, socket: UnixListener, port: Option<TcpListener>) -> Result<Listeners> {
        let _entered = runtime.enter();
        socket.set_nonblocking(true)?;
        let port = match port {
            Some(port) => {
                port.set_nonblocking(true)?;
                Some(tokio::net::TcpListener::from_std(port)?)
            }
            None => None,
        };
        Ok(Listeners { socket: tokio::net::UnixListener::from_std(socket)?, port })
    }

    async fn serve(self, service: Service, shutdown: watch::Receiver<Shutdown>) {
        let service = Arc::new(service);
        let unix = Listener::new(Arc::clone(&service), shutdown.clone());
        let Some(port) = self.port else { return unix.serve(self.socket).await };
        let tcp = Listener::new(service, shutdown);
        tokio::join!(unix.serve(self.socket), tcp.serve(port));
    }
}
