//! Runs one program in a lab, with a deadline.

use std::ffi::OsStr;
use std::fmt;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::mark::Mark;
use crate::process::Process;
use crate::sys;
use crate::wait::{self, Deadline};

/// Exceeds the run time of any test program on a busy machine: one that needs longer hangs.
const RUN_TIMEOUT: Duration = Duration::from_secs(40);

/// A program about to run in a lab.
#[derive(Debug)]
pub struct Run<'lab> {
    mark: &'lab Mark,
    command: Command,
    input: Vec<u8>,
    timeout: Duration,
}

impl<'lab> Run<'lab> {
    /// Prepares a run of `program` in the lab's directory, with a small environment and the lab's mark.
    pub(crate) fn new(mark: &'lab Mark, program: &Path) -> Self {
        let mut command = Command::new(program);
        command.current_dir(mark.directory()).env_clear().envs(mark.environment());
        Self { mark, command, input: Vec::new(), timeout: RUN_TIMEOUT }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs the program in another directory than the lab's.
    #[must_use]
    pub fn in_directory(mut self, directory: impl AsRef<Path>) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Sets its standard input (at most the size of a pipe), `/dev/null` by default.
    #[must_use]
    pub fn input(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.input = text.into();
        self
    }

    /// Sets the deadline.
    #[must_use]
    pub fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs the program until it exits.
    ///
    /// # Panics
    /// If it has not exited and closed its output by the deadline; the message shows its output.
    pub fn run(self) -> Outcome {
        self.spawn().finish()
    }

    /// Starts the program.
    ///
    /// # Panics
    /// If it cannot be executed.
    pub fn spawn(mut self) -> Running<'lab> {
        let stdin = if self.input.is_empty() { Stdio::null() } else { Stdio::piped() };
        self.command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let deadline = Deadline::after(self.timeout);
        let started = Instant::now();
        let mut child =
            self.command.spawn().unwrap_or_else(|error| panic!("failed to run {:?}: {error}", self.command));
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read its standard input is right as well.
            let _ = stdin.write_all(&self.input);
        }
        let stdout = Collector::new(child.stdout.take().expect("a pipe"));
        let stderr = Collector::new(child.stderr.take().expect("a pipe"));
        Running { mark: self.mark, child, stdout, stderr, started, deadline }
    }
}

/// A program that runs in a lab.
#[derive(Debug)]
pub struct Running<'lab> {
    mark: &'lab Mark,
    child: Child,
    stdout: Collector,
    stderr: Collector,
    started: Instant,
    deadline: Deadline,
}

impl Running<'_> {
    /// Returns its process.
    ///
    /// # Panics
    /// Never: a pid fits into an `i32`.
    pub fn process(&self) -> Process {
        Process::new(i32::try_from(self.child.id()).expect("a pid fits into an int"))
    }

    /// Sends a signal to the program, which is a child of this process and not reaped yet.
    pub fn signal(&self, signal: Signal) {
        self.process().signal(signal);
    }

    /// Waits until the program has exited and its output is closed.
    ///
    /// # Panics
    /// If not by the deadline; the message shows its output.
    pub fn finish(mut self) -> Outcome {
        if !self.ended() {
            self.give_up("it still runs");
        }
        let took = self.started.elapsed();
        if !self.stdout.closed(self.deadline) || !self.stderr.closed(self.deadline) {
            self.give_up("it has exited, but another process holds its output open");
        }
        Outcome {
            pid: self.process().id(),
            status: self.child.wait().expect("the status of a child of ours"),
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
            took,
        }
    }

    /// Waits until the program has exited, and returns `true` if it has in time; it stays unreaped.
    fn ended(&self) -> bool {
        let pidfd = sys::pidfd_open(self.process().id()).expect("a child of ours");
        wait::readable(&[pidfd.as_fd()], self.deadline)[0]
    }

    fn give_up(&mut self, why: &str) -> ! {
        let others: Vec<_> = self.mark.processes().into_iter().map(|process| (process, process.stat())).collect();
        let _ = self.child.kill();
        let _ = self.child.wait();
        panic!(
            "deadline passed: {why}\nprocesses of this lab: {others:?}\nstdout: {}\nstderr: {}",
            self.stdout.text(),
            self.stderr.text()
        );
    }
}

/// Reads a pipe to its end, in a thread of its own.
#[derive(Debug)]
struct Collector {
    text: Arc<Mutex<Vec<u8>>>,
    end: Receiver<()>,
}

impl Collector {
    fn new(mut pipe: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let (finished, end) = mpsc::channel();
        let shared = Arc::clone(&text);
        thread::spawn(move || {
            let mut piece = [0; 8192];
            while let Ok(length @ 1..) = pipe.read(&mut piece) {
                shared.lock().expect("no reader panics").extend_from_slice(&piece[..length]);
            }
            let _ = finished.send(());
        });
        Self { text, end }
    }

    /// Returns `true` if the pipe is at its end before the deadline.
    fn closed(&self, deadline: Deadline) -> bool {
        self.end.recv_timeout(deadline.left()).is_ok()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().expect("no reader panics")).into_owned()
    }
}

/// The exit status of a program, and its output.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The pid that it had.
    pub pid: i32,
    /// Its exit status.
    pub status: ExitStatus,
    /// The output of the program and of processes that shared its standard output.
    pub stdout: String,
    /// The output on standard error.
    pub stderr: String,
    /// The time from its start to its exit.
    pub took: Duration,
}

impl Outcome {
    /// Returns the exit status as a shell shows it: 128 plus the signal if a signal killed it.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| 128 + self.status.signal().unwrap_or(0))
    }

    /// Asserts that it succeeded.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.exits(0)
    }

    /// Asserts its exit status.
    ///
    /// # Panics
    /// If it is another.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "another exit status than expected: {self}");
        self
    }

    /// Asserts that standard error contains each of these texts.
    ///
    /// # Panics
    /// If one is missing.
    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "its standard error does not say {text:?}: {self}");
        }
        self
    }

    /// Asserts that standard output contains each of these texts.
    ///
    /// # Panics
    /// If one is missing.
    #[track_caller]
    pub fn prints(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stdout.contains(text), "its standard output does not hold {text:?}: {self}");
        }
        self
    }

    /// Returns the number after the first `label` in standard output, as in `started 4711`.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn number(&self, label: &str) -> i32 {
        let mut words = self.stdout.split_whitespace().skip_while(|word| *word != label).skip(1);
        let number = words.next().and_then(|word| word.parse().ok());
        number.unwrap_or_else(|| panic!("its standard output has no number behind {label:?}: {self}"))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let beginning = |text: &str| text.chars().take(4000).collect::<String>();
        write!(f, "{} after {:?}", self.status, self.took)?;
        write!(f, "\nstdout: {}\nstderr: {}", beginning(&self.stdout), beginning(&self.stderr))
    }
}
