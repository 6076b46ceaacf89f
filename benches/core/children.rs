//! Processes that the bench starts, and their descendants, which it adopts and reaps at once, as a good init does.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use measure::WorkDir;
use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// The time that a daemon has to write its pidfile after its launcher has exited.
const PIDFILE_TIMEOUT: Duration = Duration::from_secs(20);

/// The time that a killed or stopped daemon has to end.
const REAP_TIMEOUT: Duration = Duration::from_secs(5);

/// A program and its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
}

impl Program {
    /// Creates a command line without arguments.
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), arguments: Vec::new() }
    }

    /// Adds an argument.
    #[must_use]
    pub(crate) fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }
}

/// A started program.
#[derive(Debug)]
pub(crate) struct Child {
    pid: Pid,
    /// When it was started.
    pub(crate) since: Instant,
    /// Its standard output and its standard error.
    output: PathBuf,
    errors: PathBuf,
}

impl Child {
    /// Starts a program with `posix_spawn`, which `std` uses where nothing but files is handed over. What it prints goes
    /// into files in `work_dir`.
    pub(crate) fn start(program: &Program, work_dir: &WorkDir) -> Result<Self, String> {
        let [output, errors] = ["output", "errors"].map(|name| work_dir.join(name));
        let mut command = Command::new(&program.path);
        command.args(&program.arguments).stdin(Stdio::null());
        command.stdout(create(&output)?).stderr(create(&errors)?);
        let since = Instant::now();
        // Its status is taken by `reap`, not through the handle of `std`.
        let child =
            command.spawn().map_err(|error| format!("failed to start `{}`: {error}", program.path.display()))?;
        Ok(Self { pid: pid(child.id())?, since, output, errors })
    }

    /// Waits until the program has exited, and returns when it was reaped. Adopted processes that end meanwhile are reaped too.
    ///
    /// # Errors
    /// When the program failed: its status and what it printed on standard error.
    pub(crate) fn reap(&self) -> Result<Instant, String> {
        let status = loop {
            match waitpid(None, None) {
                Ok(status) if status.pid() == Some(self.pid) => break status,
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(format!("failed to wait for a child: {error}")),
            }
        };
        let end = Instant::now();
        if let WaitStatus::Exited(_, 0) = status {
            return Ok(end);
        }
        let errors = fs::read_to_string(&self.errors).unwrap_or_default();
        Err(format!("{status:?}: {}", errors.trim()))
    }

    /// Returns the numbers that the program printed, one in each line.
    pub(crate) fn numbers(&self) -> Result<Vec<f64>, String> {
        let text = fs::read_to_string(&self.output).map_err(|error| format!("no output: {error}"))?;
        let number = |line: &str| line.trim().parse().map_err(|_| format!("`{line}` is not a number"));
        text.lines().map(number).collect()
    }

    /// Returns the number that the program printed.
    pub(crate) fn printed(&self) -> Result<f64, String> {
        let text = fs::read_to_string(&self.output).map_err(|error| format!("no output: {error}"))?;
        text.trim().parse().map_err(|_| format!("`{text}` is not a number"))
    }
}

/// Makes the orphans of all started programs children of this process.
pub(crate) fn adopt_orphans() -> Result<(), String> {
    prctl::set_child_subreaper(true).map_err(|error| format!("failed to adopt orphans: {error}"))
}

/// A running daemon; killed, reaped and without a pidfile when dropped.
#[derive(Debug)]
pub(crate) struct Daemon {
    pub(crate) pid: Pid,
    pidfile: PathBuf,
}

impl Daemon {
    /// Takes the daemon that a pidfile names, if that is alive.
    pub(crate) fn named_by(pidfile: &Path) -> Option<Self> {
        let text = fs::read_to_string(pidfile).ok()?;
        let pid = text.lines().next()?.trim().parse().ok().filter(|pid| *pid > 1).map(Pid::from_raw)?;
        kill(pid, None).is_ok().then(|| Self { pid, pidfile: pidfile.to_owned() })
    }

    /// Waits until a pidfile names a living process.
    pub(crate) fn wait(pidfile: &Path) -> Result<Self, String> {
        let begin = Instant::now();
        loop {
            if let Some(daemon) = Self::named_by(pidfile) {
                return Ok(daemon);
            }
            if begin.elapsed() > PIDFILE_TIMEOUT {
                return Err(format!("`{}` names no living process", pidfile.display()));
            }
        }
    }

    /// Waits until the daemon has ended, which something else has asked it to do, and reaps it.
    pub(crate) fn reap(&self) -> Result<(), String> {
        reap(self.pid)
    }

    /// Kills and reaps the daemon, and leaves its pidfile behind.
    pub(crate) fn kill(&self) -> Result<(), String> {
        // One that has ended meanwhile is reaped too.
        let _ = kill(self.pid, Signal::SIGKILL);
        reap(self.pid)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Err(problem) = self.kill() {
            eprintln!("{problem}");
        }
        let _ = fs::remove_file(&self.pidfile);
    }
}

/// Waits until a daemon has ended that was killed or stopped; `Child::reap` may have reaped it already.
fn reap(daemon: Pid) -> Result<(), String> {
    let begin = Instant::now();
    loop {
        match waitpid(daemon, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) if begin.elapsed() > REAP_TIMEOUT => {
                return Err(format!("the daemon {daemon} does not end"));
            }
            Ok(WaitStatus::StillAlive) => thread::sleep(Duration::from_micros(100)),
            Err(Errno::EINTR) => {}
            Ok(_) | Err(Errno::ECHILD) => return Ok(()),
            Err(error) => return Err(format!("failed to wait for {daemon}: {error}")),
        }
    }
}

fn create(path: &Path) -> Result<OwnedFd, String> {
    let file = File::create(path).map_err(|error| format!("failed to create `{}`: {error}", path.display()))?;
    Ok(file.into())
}

fn pid(number: u32) -> Result<Pid, String> {
    number.try_into().map(Pid::from_raw).map_err(|_| format!("{number} is not a pid"))
}
