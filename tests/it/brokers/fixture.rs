//! An example with its broker, and the sockets on which its handlers ask for an answer.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use look::{Deadline, Lab, Process, Run, Running, sys};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, needs};
use crate::examples::programs;

/// The time within which a message is redelivered. The examples leave an unacknowledged message alone for up to seven
/// seconds and look for such messages every two; the machine may be busy.
pub(super) const REDELIVERY_TIMEOUT: Duration = Duration::from_secs(20);

/// The number of messages that an example handles at a time.
pub(super) const POOL: usize = 8;

/// One of the examples.
pub(super) struct Kind {
    pub(super) example: &'static str,
    pub(super) server: &'static str,
    /// The environment variable with the server's address, and the address.
    pub(super) variable: &'static str,
    pub(super) place: fn(&Lab) -> String,
    /// Starts the server at that address, with a log file of this name.
    pub(super) serve: for<'lab> fn(&'lab Lab, &str, &str) -> Run<'lab>,
    /// The server's log line when it is ready.
    pub(super) ready: &'static str,
}

/// An example in a lab.
pub(super) struct Bench<'lab> {
    lab: &'lab Lab,
    kind: &'static Kind,
    place: String,
    servers: Cell<u32>,
    target: TcpListener,
}

impl<'lab> Bench<'lab> {
    pub(super) fn new(lab: &'lab Lab, kind: &'static Kind) -> Self {
        needs(&[kind.server]);
        // Built first: a program has a deadline from its start on.
        programs();
        let target = TcpListener::bind("127.0.0.1:0").expect("a port");
        Bench { lab, kind, place: (kind.place)(lab), servers: Cell::new(0), target }
    }

    /// Starts the server, on the data of an earlier one.
    pub(super) fn serve(&self) -> Server<'lab> {
        let count = self.servers.replace(self.servers.get() + 1);
        let log = format!("server-{count}.log");
        let server = Server(Some((self.kind.serve)(self.lab, &self.place, &log).spawn()));
        self.lab.wait_for(&log, EVENT_TIMEOUT, |text| text.contains(self.kind.ready));
        if count == 0 {
            // This creates the stream. A daemon would as well, but nats-server 2.9 shows a stream to others before
            // messages can be sent to it.
            assert_eq!(self.left(), 0);
        }
        server
    }

    pub(super) fn start(&self, name: &str) -> Process {
        self.run(&["start", name]).run().ok();
        self.lab.daemon(&self.file(name, "pid"))
    }

    /// Stops a daemon, which must report success.
    #[track_caller]
    pub(super) fn stop(&self, name: &str) {
        self.run(&["stop", name]).run().ok().prints(&["stopped"]);
        assert!(!self.log(name).contains("left unfinished"), "{}", self.log(name));
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Run<'lab> {
        let program = programs().join(self.kind.example);
        let run = self.lab.command(program.to_str().expect("a path of ours"), arguments);
        run.env("TMPDIR", self.lab.directory()).env(self.kind.variable, &self.place)
    }

    /// Adds messages, and returns their texts.
    pub(super) fn add(&self, count: usize) -> Vec<String> {
        let texts: Vec<String> = (0..count).map(|number| format!("message {number}")).collect();
        let to = self.target.local_addr().expect("its address").to_string();
        self.run(&["add", &to]).args(&texts).run().ok();
        texts
    }

    /// Returns the number of messages that the server keeps: those not acknowledged.
    pub(super) fn left(&self) -> usize {
        self.run(&["left"]).run().ok().number("left").try_into().expect("a count")
    }

    /// Returns the number of messages that were given up.
    pub(super) fn dead(&self) -> usize {
        self.run(&["dead"]).run().ok().number("dead").try_into().expect("a count")
    }

    pub(super) fn file(&self, name: &str, suffix: &str) -> String {
        format!("{}-{name}.{suffix}", self.kind.example)
    }

    pub(super) fn log(&self, name: &str) -> String {
        self.lab.read(&self.file(name, "log"))
    }

    #[track_caller]
    pub(super) fn wait_for_log(&self, name: &str, text: &str) {
        self.lab.wait_for(&self.file(name, "log"), EVENT_TIMEOUT, |log| log.contains(text));
    }

    /// Moves the log away and has the daemon reopen it: a signal in the middle of its work.
    pub(super) fn rotate_log(&self, name: &str) {
        let log = self.file(name, "log");
        std::fs::rename(self.lab.path(&log), self.lab.path("rotated")).expect("a log");
        self.lab.daemon(&self.file(name, "pid")).signal(Signal::SIGHUP);
        self.lab.wait_for(&log, EVENT_TIMEOUT, |_| true);
    }

    /// Waits for the next message of a handler.
    #[track_caller]
    pub(super) fn visit(&self) -> Visit {
        let visit = self.visit_unless(None);
        visit.unwrap_or_else(|| panic!("no message came within {REDELIVERY_TIMEOUT:?}; left {}", self.left()))
    }

    /// Waits for `count` messages, without answering any.
    #[track_caller]
    pub(super) fn visits(&self, count: usize) -> Vec<Visit> {
        (0..count).map(|_| self.visit()).collect()
    }

    /// Waits for the next message; `None` if `process` dies first.
    pub(super) fn visit_until_death_of(&self, process: Process) -> Option<Visit> {
        let handle = sys::pidfd_open(process.id()).ok()?;
        self.visit_unless(Some(handle.as_fd()))
    }

    fn visit_unless(&self, event: Option<BorrowedFd<'_>>) -> Option<Visit> {
        let deadline = Deadline::after(REDELIVERY_TIMEOUT);
        let mut fds = vec![PollFd::new(self.target.as_fd(), PollFlags::POLLIN)];
        fds.extend(event.map(|event| PollFd::new(event, PollFlags::POLLIN)));
        let milliseconds = deadline.left().as_millis();
        poll(&mut fds, PollTimeout::try_from(milliseconds).expect("a short time")).expect("a poll");
        (fds[0].any() == Some(true)).then(|| Visit::new(self.target.accept().expect("a visitor").0))
    }

    /// Answers messages until each of `texts` has been delivered at least once, and returns the number of deliveries of
    /// each.
    #[track_caller]
    pub(super) fn answer_all(&self, texts: &[String]) -> BTreeMap<String, usize> {
        let mut seen = BTreeMap::new();
        while texts.iter().any(|text| !seen.contains_key(text)) {
            *seen.entry(self.visit().thank()).or_default() += 1;
        }
        seen
    }

    /// Stops the daemon once it is idle: a message handled just when the server stopped is delivered once more.
    #[track_caller]
    pub(super) fn settle(&self, name: &str) {
        self.stop(name);
        while self.left() > 0 {
            self.start(name);
            self.visit().thank();
            self.stop(name);
        }
    }
}

/// A running server, which is killed when dropped. The lab cannot find it by its mark, since redis-server overwrites
/// its environment with its title.
pub(super) struct Server<'lab>(Option<Running<'lab>>);

impl Server<'_> {
    /// Kills the server.
    pub(super) fn kill(mut self) {
        if let Some(server) = self.0.take() {
            server.signal(Signal::SIGKILL);
            server.finish();
        }
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        if let Some(server) = &self.0 {
            server.signal(Signal::SIGKILL);
            // Reaps it as well; a failure here must not hide the first panic.
            let _ = server.process().died(EVENT_TIMEOUT);
        }
    }
}

/// A handler that waits for an answer to its message.
pub(super) struct Visit {
    stream: TcpStream,
    pub(super) text: String,
    /// The name of the daemon.
    pub(super) by: String,
}

impl Visit {
    fn new(stream: TcpStream) -> Visit {
        stream.set_read_timeout(Some(EVENT_TIMEOUT)).expect("a timeout");
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).expect("a message");
        let (text, by) = line.trim_end().trim_end_matches(')').split_once(" (by ").expect("a text, and who brings it");
        Visit { text: text.to_owned(), by: by.to_owned(), stream }
    }

    /// Lets the handler succeed.
    pub(super) fn thank(self) -> String {
        self.answer("thanks")
    }

    /// Lets the handler fail, unless the answer is thanks. The handler may have given up meanwhile.
    pub(super) fn answer(mut self, answer: &str) -> String {
        let _ = writeln!(self.stream, "{answer}");
        self.text
    }
}

/// Returns a socket path in the lab.
pub(super) fn socket(lab: &Lab) -> PathBuf {
    lab.path("server.sock")
}

/// Returns an unused address below the ephemeral port range, so that it is free again after a server on it has died.
pub(super) fn address() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    let (count, [_, _, high, low]) = (COUNT.fetch_add(1, Ordering::Relaxed), std::process::id().to_be_bytes());
    format!("127.{count}.{high}.{low}:4222")
}

pub(super) fn text(path: &Path) -> &str {
    path.to_str().expect("a path of ours")
}
