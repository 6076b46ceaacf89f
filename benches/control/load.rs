//! A load generator: persistent connections, each with one request at a time.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// No answer takes longer.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The address of a server.
#[derive(Clone, Debug)]
pub(crate) enum Address {
    Unix(PathBuf),
    Tcp(String),
}

/// The measurements of one server.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    /// Responses per second.
    pub(crate) rate: f64,
    /// Latency of each request in microseconds.
    pub(crate) times: Vec<f64>,
}

enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

struct Connection {
    stream: Stream,
    asked: Instant,
    answer: Vec<u8>,
}

/// Sends `request` repeatedly for `time`, on this number of connections. Reads every response to its end, and requires
/// status 200.
///
/// # Panics
/// If a response is missing, late or not a success.
pub(crate) fn load(address: &Address, request: &[u8], connections: usize, time: Duration) -> Answers {
    let mut connections: Vec<Connection> = (0..connections).map(|_| Connection::new(address)).collect();
    let mut times = Vec::with_capacity(1 << 18);
    let begin = Instant::now();
    for connection in &mut connections {
        connection.ask(request);
    }
    let mut busy = connections.len();
    while busy > 0 {
        for index in ready(&connections) {
            let connection = &mut connections[index];
            if !connection.read() {
                continue;
            }
            times.push(connection.asked.elapsed().as_secs_f64() * 1e6);
            if begin.elapsed() < time {
                connection.ask(request);
            } else {
                busy -= 1;
            }
        }
    }
    let count = times.len();
    #[allow(clippy::cast_precision_loss)] // Of a small count.
    let rate = count as f64 / begin.elapsed().as_secs_f64();
    connections.into_iter().for_each(Connection::close);
    Answers { rate, times }
}

/// Waits for connections with input. A single connection waits in its read instead.
fn ready(connections: &[Connection]) -> Vec<usize> {
    if connections.len() == 1 {
        return vec![0];
    }
    let mut asked: Vec<PollFd<'_>> =
        connections.iter().map(|connection| PollFd::new(connection.stream.as_fd(), PollFlags::POLLIN)).collect();
    let timeout = PollTimeout::try_from(RESPONSE_TIMEOUT).expect("some seconds");
    match poll(&mut asked, timeout) {
        Ok(1..) => {}
        Err(Errno::EINTR) => return Vec::new(),
        other => panic!("no answer in {RESPONSE_TIMEOUT:?}: {other:?}"),
    }
    asked.iter().enumerate().filter(|(_, fd)| fd.any().unwrap_or(false)).map(|(index, _)| index).collect()
}

impl Connection {
    fn new(address: &Address) -> Self {
        let stream = match address {
            Address::Unix(path) => UnixStream::connect(path).and_then(|stream| {
                stream.set_read_timeout(Some(RESPONSE_TIMEOUT))?;
                Ok(Stream::Unix(stream))
            }),
            Address::Tcp(address) => TcpStream::connect(address).and_then(|stream| {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(RESPONSE_TIMEOUT))?;
                Ok(Stream::Tcp(stream))
            }),
        };
        let stream = stream.unwrap_or_else(|error| panic!("failed to connect to `{address:?}`: {error}"));
        Self { stream, asked: Instant::now(), answer: Vec::new() }
    }

    fn ask(&mut self, request: &[u8]) {
        self.answer.clear();
        self.asked = Instant::now();
        self.stream.write_all(request).expect("a server that reads");
    }

    /// Reads what there is; whether the answer is whole now.
    fn read(&mut self) -> bool {
        let mut piece = [0; 4096];
        let length = self.stream.read(&mut piece).expect("an answer in time");
        assert!(length > 0, "the server hung up after {:?}", String::from_utf8_lossy(&self.answer));
        self.answer.extend_from_slice(&piece[..length]);
        whole(&self.answer)
    }

    /// Waits until the server has closed the connection, so that the next round finds all connection slots free.
    fn close(mut self) {
        let _ = match &self.stream {
            Stream::Unix(stream) => stream.shutdown(Shutdown::Write),
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Write),
        };
        let _ = self.stream.read(&mut [0; 1]);
    }
}

/// Returns `true` if the response is complete.
///
/// # Panics
/// If it is not a success with a Content-Length.
fn whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = &answer[..end];
    let length = head.split(|byte| *byte == b'\n').find_map(|line| {
        let (name, value) = line.split_at(line.iter().position(|byte| *byte == b':')?);
        name.eq_ignore_ascii_case(b"content-length")
            .then(|| std::str::from_utf8(&value[1..]).ok()?.trim().parse().ok())?
    });
    let length: usize = length.unwrap_or_else(|| panic!("no length: {:?}", String::from_utf8_lossy(answer)));
    assert!(head.starts_with(b"HTTP/1.1 200 "), "no success: {:?}", String::from_utf8_lossy(answer));
    answer.len() >= end + 4 + length
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(buffer),
            Self::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(bytes),
            Self::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Unix(stream) => stream.as_fd(),
            Self::Tcp(stream) => stream.as_fd(),
        }
    }
}
