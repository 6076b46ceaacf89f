//! Socket activation (`sd_listen_fds(3)`) and the file descriptor store of systemd (`FDSTORE=1`).

use crate::context::current;
use crate::error::{Error, ErrorKind, Result, cause};
use crate::sys::fds;
use std::os::fd::{AsFd, OwnedFd};

/// The longest name of a stored descriptor, in bytes (`sd_notify(3)`, `FDNAME=`).
const MAX_FD_NAME: usize = 255;

/// Returns the file descriptors that a service manager passed to this daemon (`sd_listen_fds(3)`), in its order, each with its
/// name (`unknown` unless the manager named it).
///
/// The first call returns them. Later calls, and calls outside of a daemon, return an empty vector. The descriptors are
/// close-on-exec. The launch has checked that the manager means this process, and removed `LISTEN_FDS` and the related
/// variables from the environment.
///
/// ```no_run
/// use std::os::unix::net::UnixListener;
///
/// let listeners = daemon::systemd::listen_fds().into_iter().map(|(name, fd)| (name, UnixListener::from(fd)));
/// # drop(listeners.collect::<Vec<_>>());
/// ```
pub fn listen_fds() -> Vec<(String, OwnedFd)> {
    let listen_fds = current().map(|context| context.handle.listen_fds.take(&mut |_, _| true));
    listen_fds.into_iter().flatten().map(|(name, fd)| (name, fds::own_handed_over(fd))).collect()
}

/// Stores a copy of a descriptor in the service manager (`sd_notify(3)`, `FDSTORE=1`): after a crash, the next daemon receives
/// it under this name from [`listen_fds`].
///
/// # Errors
/// The name is not 1 to 255 printable ASCII characters without `:`, no service manager expects notifications of this process
/// (`NOTIFY_SOCKET`), or the manager does not receive the message.
pub fn store_fd(name: &str, fd: impl AsFd) -> Result<()> {
    let failed = |why: &str| Error::failed(ErrorKind::Unsupported, "store descriptor", name, why);
    let is_allowed = |byte: u8| byte != b':' && (b' '..=b'~').contains(&byte);
    if name.is_empty() || name.len() > MAX_FD_NAME || !name.bytes().all(is_allowed) {
        return Err(failed("a name has 1 to 255 printable characters and no `:`"));
    }
    let notifier = current().and_then(|context| context.notifier.as_ref());
    let notifier = notifier.ok_or_else(|| failed("no service manager expects notifications of this process"))?;
    notifier.store_fd(name, fd.as_fd()).map_err(|error| failed(&cause(&error)))
}
