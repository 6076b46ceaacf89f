//! Serves HTTP/1.1 on a Unix socket and a TCP port, with hyper, the limits of the endpoint and its own check of each head.

mod accept;
mod backpressure;
mod connection;
mod connection_limits;
mod deadline;
mod peer_closed;
mod reply;
mod service;
mod shared;
mod shutdown;
mod socket;
mod strict_head;
mod wire;

use crate::routes::Service;
use accept::Listener;
use daemonize_sys::mutex::lock;
use shutdown::{DRAIN_TIMEOUT, REFUSE_TIMEOUT, Shutdown};
use std::io::Result;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
#[cfg(fuzzing)]
pub(crate) use strict_head::outcome;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// Maximum number of threads for `spawn_blocking` in user routes: one for each slow request of both listeners, and some more.
/// tokio ends an idle thread after 10 s.
const MAX_BLOCKING_THREADS: usize = 64;

/// A server that runs on its own thread.
#[derive(Debug)]
pub(crate) struct Server {
    shutdown: watch::Sender<Shutdown>,
    ended: Mutex<mpsc::Receiver<()>>,
    thread: ThreadId,
}

impl Server {
    /// Starts the server.
    ///
    /// # Errors
    /// The runtime or its thread cannot be created.
    pub(crate) fn start(socket: UnixListener, port: Option<TcpListener>, service: Service) -> Result<Server> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(MAX_BLOCKING_THREADS)
            .build()?;
        let (shutdown, observer) = watch::channel(Shutdown::NotRequested);
        let (sender, ended) = mpsc::channel();
        let listeners = Listeners::register(&runtime, socket, port)?;
        let thread = thread::Builder::new().name("daemon-control".into()).spawn(move || {
            runtime.block_on(listeners.serve(service, observer));
            // Does not wait: a handler that never ends must not keep the daemon from exiting.
            runtime.shutdown_background();
            let _ = sender.send(());
        })?;
        Ok(Server { shutdown, ended: Mutex::new(ended), thread: thread.thread().id() })
    }

    /// Stops accepting requests, waits up to [`DRAIN_TIMEOUT`] for the responses to those that have arrived, and refuses the rest.
    pub(crate) fn end(&self) {
        self.shutdown.send_replace(Shutdown::Draining);
        // On the server's own thread, which cannot wait for itself.
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

/// The listening sockets, registered with the runtime.
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
