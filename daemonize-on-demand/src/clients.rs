//! The clients of the daemon, as its body receives them.

#[cfg(feature = "tokio")]
mod async_client;
mod client;

#[cfg(feature = "tokio")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
pub use async_client::{AsyncClient, accept};
pub use client::Client;

use crate::server::{Next, QUEUE};
use daemonize_core::body::while_waiting;
use daemonize_core::{Error, ErrorKind, Result};
use std::iter::FusedIterator;

/// Returns the clients of this daemon on demand, one after another, as they connect; the iterator ends when the daemon stops.
///
/// Each of them has read the [`Greeting`](crate::Greeting) already. When the daemon is to stop, clients that were greeted before are
/// still returned. Several threads may call it: each client is returned once.
///
/// The first call counts as the body's first look, with which a daemon is ready unless `ready` says something else.
///
/// ```no_run
/// use std::io::{BufRead, BufReader, Write};
///
/// fn body() -> daemon::Result<()> {
///     for client in daemon::on_demand::clients() {
///         let mut client = client?;
///         let mut request = String::new();
///         // A client that fails is no reason to end the daemon.
///         if BufReader::new(&*client).read_line(&mut request).is_ok() {
///             let _ = client.write_all(request.to_uppercase().as_bytes());
///         }
///     }
///     Ok(())
/// }
/// # drop(body);
/// ```
///
/// # Errors
/// The only item is an error of the kind [`Unsupported`](ErrorKind::Unsupported) if this process is not a daemon to which
/// [`OnDemand`](crate::OnDemand) is attached.
pub fn clients() -> Clients {
    Clients { has_ended: false }
}

/// The clients of this daemon: see [`clients`].
#[derive(Debug)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct Clients {
    has_ended: bool,
}

impl Iterator for Clients {
    type Item = Result<Client>;

    fn next(&mut self) -> Option<Result<Client>> {
        if self.has_ended {
            return None;
        }
        // The first look of the body, and its heartbeat.
        daemonize_core::stopping();
        match while_waiting(|| QUEUE.next()) {
            Next::Client(client) => Some(Ok(Client::new(client))),
            Next::Closed => {
                // The body sees the stop with it, and is given its grace to return.
                daemonize_core::stopping();
                self.has_ended = true;
                None
            }
            Next::Absent => {
                self.has_ended = true;
                Some(Err(not_on_demand()))
            }
        }
    }
}

impl FusedIterator for Clients {}

/// Returns the error of a process that has no clients.
fn not_on_demand() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "failed to wait for clients: this process is not a daemon on demand; attach `OnDemand`, or set the key `on_demand`",
    )
}
