//! A lab in which several builds of one daemon meet.

use look::{Deadline, Lab, Process, Run, Running};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

/// Longer than any wait of a test that succeeds.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// A lab with the daemon `agent` and its clients.
pub(crate) struct VersionsLab {
    pub(crate) lab: Lab,
}

/// The line that a client prints: the greeting, and `started`.
#[derive(Debug)]
pub(crate) struct ServedClient {
    words: BTreeMap<String, String>,
}

/// A client that keeps its connection.
pub(crate) struct HoldingClient<'lab> {
    running: Running<'lab>,
    release: PathBuf,
    pub(crate) served: ServedClient,
}

impl ServedClient {
    pub(crate) fn parse(line: &str) -> ServedClient {
        let words = line.split_whitespace().filter_map(|word| word.split_once('='));
        ServedClient { words: words.map(|(key, value)| (key.to_owned(), value.to_owned())).collect() }
    }

    pub(crate) fn text(&self, key: &str) -> &str {
        self.words.get(key).map_or("", String::as_str)
    }

    pub(crate) fn pid(&self) -> i32 {
        self.text("pid").parse().unwrap_or_else(|_| panic!("no pid in {self:?}"))
    }

    pub(crate) fn build(&self) -> &str {
        self.text("build")
    }

    /// Returns `true` if the client has started the daemon.
    pub(crate) fn has_started(&self) -> bool {
        self.text("started") == "true"
    }
}

impl VersionsLab {
    pub(crate) fn new() -> VersionsLab {
        VersionsLab { lab: Lab::new(env!("CARGO_BIN_EXE_on-demand-lab")) }
    }

    /// Prepares a run of the helper program, or of another build of it.
    pub(crate) fn helper(&self, program: Option<&Path>, verb: &str, options: &[&str]) -> Run<'_> {
        let program = program.unwrap_or(self.lab.program());
        self.lab.command(program.to_str().expect("a path"), &["versions", verb]).args(options)
    }

    /// Connects a client, which leaves at once.
    #[track_caller]
    pub(crate) fn connect(&self, options: &[&str]) -> ServedClient {
        self.connect_with(None, options)
    }

    #[track_caller]
    pub(crate) fn connect_with(&self, program: Option<&Path>, options: &[&str]) -> ServedClient {
        ServedClient::parse(&self.helper(program, "connect", options).run().ok().stdout)
    }

    /// Connects a client, and waits until the daemon has noticed that it has left.
    #[track_caller]
    pub(crate) fn connect_and_leave(&self, options: &[&str]) -> ServedClient {
        let served = self.connect(options);
        self.wait_for_status("clients", "0");
        served
    }

    /// Connects a client, which stays until it is released.
    #[track_caller]
    pub(crate) fn hold(&self, name: &str, options: &[&str]) -> HoldingClient<'_> {
        self.hold_with(None, name, options)
    }

    #[track_caller]
    pub(crate) fn hold_with(&self, program: Option<&Path>, name: &str, options: &[&str]) -> HoldingClient<'_> {
        let (note, hold) = (format!("note={name}.note"), format!("hold={name}.release"));
        let run = self.helper(program, "connect", options).args([&note, &hold]);
        let running = run.spawn();
        let line = self.lab.wait_for(&format!("{name}.note"), LONG, |line| line.ends_with('\n'));
        let release = self.lab.path(&format!("{name}.release"));
        HoldingClient { running, release, served: ServedClient::parse(&line) }
    }

    /// Sends one line over the socket `control`, and returns the answer without its end.
    pub(crate) fn ask(&self, line: &str) -> String {
        let mut stream = self.control();
        writeln!(stream, "{line}").expect("a daemon that reads");
        read_answer(&stream)
    }

    /// Connects to the socket `control`.
    pub(crate) fn control(&self) -> UnixStream {
        let stream = UnixStream::connect(self.lab.path("agent.agent/control")).expect("a daemon");
        stream.set_read_timeout(Some(LONG)).expect("a time");
        stream
    }

    /// Returns the value of a key in the daemon's status.
    pub(crate) fn status(&self, key: &str) -> String {
        ServedClient::parse(&self.ask("status")).text(key).to_owned()
    }

    /// Waits until the daemon's status has this value, which the daemon sets after the event that the test knows of.
    #[track_caller]
    pub(crate) fn wait_for_status(&self, key: &str, value: &str) {
        let deadline = Deadline::after(LONG);
        while self.status(key) != value {
            assert!(!deadline.passed(), "`{key}` is {} and not {value}", self.status(key));
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Copies the helper program to another build: `change` receives its bytes.
    pub(crate) fn other_build(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
        let mut bytes = std::fs::read(self.lab.program()).expect("the program");
        change(&mut bytes);
        let data = self.lab.write(&format!("{name}.data"), bytes);
        let path = self.lab.path(name);
        // Not written here: a program that another test executes meanwhile would inherit the open file (`ETXTBSY`).
        let install = Command::new("install").args(["-m", "755"]).arg(&data).arg(&path).status();
        assert!(install.is_ok_and(|status| status.success()), "failed to copy the helper program");
        std::fs::remove_file(data).expect("a file");
        path
    }
}

impl HoldingClient<'_> {
    /// Lets the client leave, and waits for its end.
    pub(crate) fn release(self) {
        std::fs::write(&self.release, "").expect("a file");
        self.running.finish().ok();
    }
}

/// Reads one line.
pub(crate) fn read_answer(stream: &UnixStream) -> String {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).expect("an answer");
    line.trim_end().to_owned()
}

/// Returns the position of the build id in a program, and the id: `None` if the linker wrote none.
pub(crate) fn find_note(program: &[u8]) -> Option<(usize, String)> {
    // The length of the name, that of the id (20 bytes: SHA-1), the type, and the name (elf(5)).
    let header: Vec<u8> = [4_u32, 20, 3].into_iter().flat_map(u32::to_ne_bytes).chain(*b"GNU\0").collect();
    let at = program.windows(header.len()).position(|bytes| bytes == header)? + header.len();
    let id = program.get(at..at + 20)?.iter().fold(String::new(), |mut id, byte| {
        write!(id, "{byte:02x}").expect("a string");
        id
    });
    Some((at, id))
}

/// Waits for the end of a process.
#[track_caller]
pub(crate) fn assert_ends(pid: i32) {
    assert!(look::death(pid, Deadline::after(LONG)).is_ok(), "pid {pid} still runs");
}

/// Returns `true` while the process lives.
pub(crate) fn lives(pid: i32) -> bool {
    Process::new(pid).alive()
}

/// Stops a process, and waits until each of its threads has noticed.
pub(crate) fn suspend(pid: i32) {
    Process::new(pid).signal(Signal::SIGSTOP);
    let deadline = Deadline::after(LONG);
    while Process::new(pid).threads().into_iter().any(|thread| thread.stat().is_some_and(|stat| stat.state != 'T')) {
        assert!(!deadline.passed(), "pid {pid} does not stop");
        std::thread::sleep(Duration::from_millis(1));
    }
}
