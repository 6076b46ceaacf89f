//! Sends one line to the system log, in bounded time. Not `syslog(3)`: it blocks as long as the receiver does not read, and uses the
//! identity and options that the program has passed to `openlog(3)`.

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, send, setsockopt, socket, sockopt::SendTimeout,
};
use nix::sys::time::{TimeVal, TimeValLike};
use std::io;
use std::os::fd::AsRawFd;

/// The socket of the system log.
const SOCKET: &str = "/dev/log";

/// The facility `daemon` and the level `err` (`syslog(3)`).
const PRIORITY: u8 = 3 << 3 | 3;

/// The timeout for the receiver, in milliseconds. A line that it does not accept by then is lost.
const SEND_TIMEOUT: i64 = 500;

/// Sends one line as `daemon.err`, in the form `NAME[PID]: TEXT`. Name and text have to be free of control characters.
pub(crate) fn error(name: &str, text: &str) {
    let line = format!("<{PRIORITY}>{name}[{}]: {text}", std::process::id());
    // Most receivers use datagrams; some use a stream, in which a NUL ends each line.
    if send_line(SockType::Datagram, line.as_bytes()).is_err() {
        let _ = send_line(SockType::Stream, format!("{line}\0").as_bytes());
    }
}

/// Sends a line on a socket of this type.
///
/// # Errors
/// If there is no receiver, or if it uses another type of socket. A line that could not be sent is not an error.
fn send_line(kind: SockType, line: &[u8]) -> io::Result<()> {
    let socket = socket(AddressFamily::Unix, kind, SockFlag::SOCK_CLOEXEC, None)?;
    // `SO_SNDTIMEO` bounds `connect(2)`, too, see `socket(7)`.
    setsockopt(&socket, SendTimeout, &TimeVal::milliseconds(SEND_TIMEOUT))?;
    connect(socket.as_raw_fd(), &UnixAddr::new(SOCKET)?)?;
    let _ = send(socket.as_raw_fd(), line, MsgFlags::MSG_NOSIGNAL);
    Ok(())
}
