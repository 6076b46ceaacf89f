//! The measured servers: a daemon with an endpoint, and a bare server.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use look::Process;
use measure::WorkDir;

/// Returns the path of a program of this package.
fn beside(name: &str) -> PathBuf {
    std::env::current_exe().expect("a path").with_file_name(name)
}

/// A running daemon; stopped when dropped.
#[derive(Debug)]
pub(crate) struct Daemon {
    program: PathBuf,
    pidfile: PathBuf,
}

impl Daemon {
    /// Starts `endpoint` or `idle_daemon`.
    ///
    /// # Panics
    /// If the daemon does not start.
    pub(crate) fn start(name: &str, place: &WorkDir) -> Self {
        let (program, pidfile) = (beside(name), place.join(format!("{name}.pid")));
        let status = Command::new(&program).arg("start").arg(&pidfile).status();
        assert!(status.is_ok_and(|status| status.success()), "failed to start `{}`", program.display());
        Self { program, pidfile }
    }

    pub(crate) fn process(&self) -> Process {
        Process::new(self.line(1).parse().expect("a number"))
    }

    /// Returns a line of its pidfile: pid, identity, addresses.
    fn line(&self, number: usize) -> String {
        let text = fs::read_to_string(&self.pidfile).expect("a pidfile");
        text.lines().nth(number - 1).unwrap_or_else(|| panic!("no line {number}: {text:?}")).to_owned()
    }

    /// Returns the path of its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        PathBuf::from(self.line(3).strip_prefix("unix://").expect("a socket"))
    }

    /// Returns the TCP address on which it listens.
    pub(crate) fn port(&self) -> String {
        self.line(4).strip_prefix("http://").expect("a port").to_owned()
    }

    /// Returns the token that it requires.
    pub(crate) fn token(&self) -> String {
        let path = self.socket().parent().map(|folder| folder.join("token")).expect("a socket in a directory");
        fs::read_to_string(path).expect("a token").trim().to_owned()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = Command::new(&self.program).arg("stop").arg::<&Path>(&self.pidfile).status();
    }
}

/// A running bare server; killed when dropped.
#[derive(Debug)]
pub(crate) struct Bare {
    child: Child,
    pub(crate) address: String,
}

impl Bare {
    /// Starts the server.
    ///
    /// # Panics
    /// If the server does not print its address.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        // In a session of its own, like the daemon: the kernel shares CPU time among sessions (`sched(7)`, autogroup).
        let mut command = Command::new("setsid");
        command.arg(beside("bare_axum")).args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a bare server");
        let mut address = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut address).expect("its address");
        Self { child, address: address.trim().to_owned() }
    }

    pub(crate) fn process(&self) -> Process {
        Process::new(self.child.id().try_into().expect("a pid fits into an int"))
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
