//! The client's end: sends one request, and reads the answer.

use super::{ControlAnswer, ControlRequest, MAX_ANSWER_BYTES};
use crate::directory::{CONTROL, OpenDirectory};
use daemonize_sys::account::describe;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::{Uid, geteuid};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Sends a request to the daemon, and returns its answer. `owner` is the user that the daemon runs as.
///
/// # Errors
/// No daemon listens, it belongs to another user, it has not answered by the deadline (`TimedOut`), or the answer is not valid.
pub(crate) fn ask(
    directory: &OpenDirectory,
    owner: u32,
    request: &ControlRequest,
    deadline: Instant,
) -> io::Result<ControlAnswer> {
    let mut stream = directory.connect(CONTROL, deadline)?;
    check_peer(&stream, owner)?;
    stream.set_write_timeout(Some(time_until(deadline)?))?;
    stream.write_all(request.to_line().as_bytes()).map_err(at_deadline)?;
    let line = read_line(&mut stream, deadline)?;
    ControlAnswer::parse(&line)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the daemon's answer is not valid"))
}

/// Refuses a listener of another user than this one, root and the daemon's: the process that called listen(2), as the kernel reports.
fn check_peer(stream: &UnixStream, owner: u32) -> io::Result<()> {
    let user = getsockopt(stream, PeerCredentials)?.uid();
    if user == geteuid().as_raw() || user == 0 || user == owner {
        return Ok(());
    }
    let why = format!("its socket belongs to {}", describe(Uid::from_raw(user)));
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

/// Reads a line of bounded length.
fn read_line(stream: &mut UnixStream, deadline: Instant) -> io::Result<Vec<u8>> {
    let mut buffer = [0; MAX_ANSWER_BYTES];
    let mut length = 0;
    while length < buffer.len() {
        // A daemon that sends byte by byte does not prolong the wait.
        stream.set_read_timeout(Some(time_until(deadline)?))?;
        match stream.read(&mut buffer[length..]) {
            Ok(0) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the daemon has closed the connection")),
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(at_deadline(error)),
        }
        if let Some(end) = buffer[..length].iter().position(|byte| *byte == b'\n') {
            return Ok(buffer[..end].to_vec());
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "the daemon's answer is too long"))
}

/// Returns the time until the deadline, which is not zero: that would mean no limit.
fn time_until(deadline: Instant) -> io::Result<Duration> {
    let time = deadline.saturating_duration_since(Instant::now());
    if time.is_zero() { Err(no_answer()) } else { Ok(time.max(Duration::from_micros(1))) }
}

/// Translates the error of a socket's timeout (`socket(7)`, `SO_RCVTIMEO`).
fn at_deadline(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock { no_answer() } else { error }
}

fn no_answer() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the daemon has not answered in time")
}
