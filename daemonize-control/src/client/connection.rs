//! A connection to the daemon that a pidfile names, and to no other process.

use super::error::{ErrorKind, Result, cause};
use super::socket::{ClientSocket, HyperIo};
use super::target::{RunningDaemon, Target};
use super::trust::{self, Secret};
use crate::address::Address;
use std::future::Future;
use std::io;

/// Connects the sockets of one kind of client.
pub(super) trait Connect {
    /// Connects a socket to this address.
    ///
    /// # Errors
    /// The address cannot be connected to; `TimedOut` if the deadline of the call has passed meanwhile.
    fn connect(&self, address: &Address) -> impl Future<Output = io::Result<Box<dyn ClientSocket>>> + Send;
}

/// A connection to a process that is proven to be the daemon, on which nothing has been sent yet.
pub(super) struct VerifiedConnection {
    pub(super) io: HyperIo,
    pub(super) host: String,
    /// Over TCP, the token, which proves that the client may read the daemon's files.
    pub(super) token: Option<Secret>,
}

impl VerifiedConnection {
    /// Connects to the daemon, and checks that it is the daemon.
    ///
    /// # Errors
    /// See [`ErrorKind`]: no daemon runs, it cannot be connected to, another process listens in its place.
    pub(super) async fn open(connector: &impl Connect, target: &Target) -> Result<VerifiedConnection> {
        let found = target.find()?;
        let connection = connect_to_any(connector, &found, target).await;
        if connection.as_ref().is_err_and(|error| error.kind() != ErrorKind::Untrusted) {
            return connection;
        }
        // If the daemon exited meanwhile, another process may have bound its address; report that instead.
        target.is_still(&found)?;
        connection
    }

    /// Proves that the process at the other end of the socket is the daemon.
    fn verify(socket: Box<dyn ClientSocket>, address: &Address, found: &RunningDaemon) -> Result<VerifiedConnection> {
        match address {
            Address::Unix(_) => {
                trust::check_peer(&socket, found)?;
                Ok(VerifiedConnection { io: HyperIo::new(socket, true), host: "localhost".to_owned(), token: None })
            }
            Address::Tcp(address) => {
                trust::check_listener(*address, found)?;
                let token = trust::token(&found.token_file(), found)?;
                Ok(VerifiedConnection { io: HyperIo::new(socket, false), host: address.to_string(), token })
            }
        }
    }
}

/// Connects to the first address that accepts connections.
async fn connect_to_any(
    connector: &impl Connect,
    found: &RunningDaemon,
    target: &Target,
) -> Result<VerifiedConnection> {
    let unreachable =
        |why: String| found.failed(ErrorKind::Unreachable, format_args!("pid {} does not answer: {why}", found.pid));
    // The first of several failures is reported: the first address is the preferred one.
    let mut failure = None;
    for address in &found.addresses {
        match connector.connect(address).await {
            Ok(socket) => {
                return VerifiedConnection::verify(socket, address, found).map_err(|error| match failure {
                    Some(first) if error.kind() == ErrorKind::Unreachable => unreachable(format!("{first}; {error}")),
                    _ => error,
                });
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                let why = format!("no connection within {:?}", target.timeout);
                return Err(found.failed(ErrorKind::Timeout, why));
            }
            Err(error) => _ = failure.get_or_insert_with(|| cause(&error)),
        }
    }
    Err(unreachable(failure.unwrap_or_default()))
}
