//! A client that knows the documented protocol alone, and the daemon of the helper `server`.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use look::Lab;
use look::Process;

/// How long a test waits for an answer.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// An idle time that no test reaches.
pub(crate) const NEVER_IDLE: &str = "600000";

pub(crate) struct PlainClient(BufReader<UnixStream>);

impl PlainClient {
    /// Connects to `agent.agent/socket` in the lab.
    #[track_caller]
    pub(crate) fn connect(lab: &Lab) -> PlainClient {
        PlainClient::connect_to(lab, "agent.agent/socket").expect("a daemon that listens")
    }

    pub(crate) fn connect_to(lab: &Lab, socket: &str) -> io::Result<PlainClient> {
        let stream = UnixStream::connect(lab.path(socket))?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        Ok(PlainClient(BufReader::new(stream)))
    }

    /// Reads a line without its end; an empty one at the end of the stream.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        self.try_line().expect("a line, or the end")
    }

    pub(crate) fn try_line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    pub(crate) fn send(&mut self, line: &str) {
        // A daemon that has closed the connection is found by the next read.
        let _ = self.0.get_mut().write_all(format!("{line}\n").as_bytes());
    }

    /// Sends a line, and returns the answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.send(line);
        self.line()
    }

    /// Reads the greeting, and returns the daemon's answer to a line.
    #[track_caller]
    pub(crate) fn greeted_answer(&mut self, line: &str) -> String {
        let greeting = self.line();
        assert!(greeting.contains(" state=ready"), "{greeting:?}");
        self.ask(line)
    }
}

pub(crate) fn new_lab() -> Lab {
    Lab::new(env!("CARGO_BIN_EXE_on-demand-lab"))
}

/// Starts the daemon, and returns it.
#[track_caller]
pub(crate) fn start(lab: &Lab, body: &str, idle: &str, options: &[&str]) -> Process {
    lab.run(&[&["server", "start", body, idle], options].concat()).ok();
    lab.daemon("agent.pid")
}
