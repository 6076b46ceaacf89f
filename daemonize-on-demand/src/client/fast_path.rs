//! Connects to a daemon that listens, without a lock and without a look at the pidfile.
//!
//! The system calls of a connect after the first one of a process: geteuid, newfstatat (the directory is unchanged), socket, connect,
//! getsockopt (`SO_PEERCRED`), poll, recvfrom (looks at the greeting), recvfrom (takes it), ioctl (the stream blocks from now on).

use super::attempt::{Attempt, SilentStream, Unserved};
use super::deadline::ConnectDeadline;
use super::dial::{TrustedUsers, dial, failed};
use super::known_socket::KnownSocket;
use crate::directory::{Directory, SOCKET};
use daemonize_core::{Daemon, Error, ErrorKind, Result};
use daemonize_sys::error::cause;
use nix::errno::Errno;
use std::io;
use std::time::Instant;

/// The result of dialing.
pub(super) enum Dialed {
    /// The peer is connected and checked.
    Connected(SilentStream),
    /// No process listens, or its backlog is full.
    Unserved(Unserved),
}

/// Makes one attempt to be served, which waits no longer than a moment.
pub(super) fn attempt<W>(daemon: &Daemon<W>, deadline: ConnectDeadline) -> Result<Attempt> {
    let dialed = match dial_known(daemon)? {
        Some(dialed) => dialed,
        None => dial_place(daemon, &directory(daemon)?, None)?,
    };
    match dialed {
        Dialed::Connected(silent) => silent.listen(daemon.settings().name(), deadline),
        Dialed::Unserved(why) => Ok(Attempt::Unserved(why)),
    }
}

/// Connects to the socket at which this process was served before. Does not block. Returns `None` if it knows none, or no process
/// listens there.
pub(super) fn dial_known<W>(daemon: &Daemon<W>) -> Result<Option<Dialed>> {
    let Some(known) = KnownSocket::find(daemon) else { return Ok(None) };
    let name = daemon.settings().name();
    match dial(known.address()) {
        Ok(stream) => SilentStream::check(stream, name, known.users()).map(Dialed::Connected).map(Some),
        Err(Errno::EAGAIN) => Ok(Some(Dialed::Unserved(Unserved::BacklogFull))),
        // The daemon may have moved to another place meanwhile.
        Err(Errno::ENOENT | Errno::ECONNREFUSED | Errno::ENOTDIR) => Ok(None),
        Err(errno) => {
            let error = io::Error::from(errno);
            Err(failed(name, kind_of(&error), &cause(&error)))
        }
    }
}

/// Looks for the socket in each place of the daemon, and connects to the first that listens. Waits for room in its backlog until `until`.
pub(super) fn dial_place<W>(daemon: &Daemon<W>, directory: &Directory, until: Option<Instant>) -> Result<Dialed> {
    let name = daemon.settings().name();
    for (index, place) in directory.all().enumerate() {
        let opened = match place.open() {
            Ok(Some(opened)) => opened,
            Ok(None) => continue,
            // In another place than that of a start, another user's daemon of the same name may have a directory.
            Err(_) if index > 0 => continue,
            Err(error) => return Err(failed(name, kind_of(&error), &error.to_string())),
        };
        let known = KnownSocket::of(daemon, &place, &opened);
        let connected = match (&known, until) {
            (Some(known), None) => dial(known.address()).map_err(|errno| opened.error("connect to", SOCKET, errno)),
            _ => opened.connect(SOCKET, until.unwrap_or_else(Instant::now)),
        };
        match connected {
            Ok(stream) => {
                let users = known.as_ref().map_or_else(|| TrustedUsers::of(&place), KnownSocket::users);
                let silent = SilentStream::check(stream, name, users)?;
                if let Some(known) = known {
                    known.remember();
                }
                return Ok(Dialed::Connected(silent));
            }
            Err(error) => match error.kind() {
                // No socket, or a stale one.
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {}
                io::ErrorKind::WouldBlock => return Ok(Dialed::Unserved(Unserved::BacklogFull)),
                // No rights, no descriptors, another type of socket: nothing that a start would change.
                _ => return Err(failed(name, kind_of(&error), &error.to_string())),
            },
        }
    }
    Ok(Dialed::Unserved(Unserved::Absent))
}

/// Returns the directories of the daemon's sockets.
pub(super) fn directory<W>(daemon: &Daemon<W>) -> Result<Directory> {
    Directory::of(daemon).map_err(|error| invalid_place(daemon.settings().name(), &error))
}

#[cold]
fn invalid_place(name: &str, error: &io::Error) -> Error {
    failed(name, ErrorKind::Configuration, &error.to_string())
}

fn kind_of(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::PermissionDenied => ErrorKind::Permission,
        io::ErrorKind::InvalidInput => ErrorKind::Configuration,
        _ => ErrorKind::System,
    }
}
