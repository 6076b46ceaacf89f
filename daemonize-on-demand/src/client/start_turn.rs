//! The turn of one client, among the processes of this user, to start the daemon.
//!
//! The lock of the pidfile already lets one start succeed. The turn keeps the other clients from executing a launcher each that loses, and
//! lets them share a failure from before the socket of the daemon exists. The client that has locked the directory (`flock(2)`) listens
//! at `starting`; the others connect there, and wait. A failure is sent to them; end of file means that they try again.

use super::dial::{TrustedUsers, check_peer, start_of_other_failed};
use crate::directory::{Directory, OpenDirectory};
use daemonize_core::relay::{self, ENCODED_LIMIT};
use daemonize_core::{Error, ErrorKind, Result, Started};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::unistd::geteuid;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

/// The name of the socket at which the client that starts the daemon listens for others.
const STARTING: &str = "starting";

/// How long a client waits for the rest of an outcome of which the first byte has come.
const OUTCOME_TIMEOUT: Duration = Duration::from_secs(1);

/// The result of [`StartTurn::take`].
#[derive(Debug)]
pub(super) enum StartTurn {
    /// It is this client's turn.
    Taken(TakenTurn),
    /// It is the turn of the client at the other end.
    Other(UnixStream),
    /// Another client has begun or ended its turn just now.
    Changing,
    /// There is no directory yet, it is another user's, or its file system has no locks: the lock of the pidfile alone decides.
    Unavailable,
}

/// The turn of this client, until it is dropped.
#[derive(Debug)]
pub(super) struct TakenTurn {
    directory: OpenDirectory,
    listener: UnixListener,
    /// Unlocked last.
    _lock: Flock<File>,
}

impl StartTurn {
    /// Takes the turn, or connects to the client that has it.
    pub(super) fn take(place: &Directory, name: &str) -> StartTurn {
        // A daemon that changes its user owns its directory, and could block the clients of the other user.
        if place.owner() != geteuid().as_raw() {
            return StartTurn::Unavailable;
        }
        // As the launcher does later. Without it, the first clients of a new daemon would all execute a launcher.
        let Ok(directory) = place.open().and_then(|open| open.map_or_else(|| place.create(), Ok)) else {
            return StartTurn::Unavailable;
        };
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let Ok(file) = OpenOptions::new().read(true).custom_flags(flags.bits()).open(place.path()) else {
            return StartTurn::Unavailable;
        };
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => match directory.bind(STARTING) {
                Ok(listener) => StartTurn::Taken(TakenTurn { directory, listener, _lock: lock }),
                Err(_) => StartTurn::Unavailable,
            },
            Err((_, Errno::EAGAIN)) => match directory.connect(STARTING, Instant::now()) {
                Ok(stream) if check_peer(&stream, name, TrustedUsers::of(place)).is_ok() => StartTurn::Other(stream),
                _ => StartTurn::Changing,
            },
            Err(_) => StartTurn::Unavailable,
        }
    }
}

impl TakenTurn {
    /// Ends the turn, and sends a failure to the clients that wait.
    pub(super) fn finish(self, outcome: &Result<Started>, has_passed_deadline: bool) {
        let Err(error) = outcome else { return };
        if has_passed_deadline || !is_shared(error.kind()) {
            return;
        }
        // Without what the daemon has printed, which the client that started it reports.
        let failure = relay::encode(&Err(Error::new(error.kind(), error.to_string())));
        let _ = self.directory.remove(STARTING);
        if self.listener.set_nonblocking(true).is_err() {
            return;
        }
        while let Ok((mut client, _)) = self.listener.accept() {
            // A client that does not read keeps no other from the outcome.
            let _ = client.set_nonblocking(true).and_then(|()| client.write_all(&failure));
        }
    }
}

impl Drop for TakenTurn {
    fn drop(&mut self) {
        let _ = self.directory.remove(STARTING);
    }
}

/// Reads the outcome of another client's turn, which can be read: its failure. Without one, another attempt may succeed.
pub(super) fn read_outcome(stream: &UnixStream, name: &str) -> Result<()> {
    let mut bytes = Vec::new();
    if stream.set_read_timeout(Some(OUTCOME_TIMEOUT)).is_err() {
        return Ok(());
    }
    let limit = u64::try_from(ENCODED_LIMIT).unwrap_or(u64::MAX);
    let _ = stream.take(limit).read_to_end(&mut bytes);
    match relay::decode(&bytes) {
        Some(Err(error)) => Err(start_of_other_failed(name, error.kind(), &error.to_string())),
        _ => Ok(()),
    }
}

/// Returns `true` for failures of the daemon, and `false` for those that may be the client's own: its settings, its rights, its limits.
fn is_shared(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Body | ErrorKind::Died | ErrorKind::NotReady | ErrorKind::Stage(_) | ErrorKind::Stopped)
}
