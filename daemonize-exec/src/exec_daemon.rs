//! A daemon that is launched by exec.

use crate::environment::Environment;
use crate::exec_error::timed_out;
use crate::isolation::Isolation;
use crate::request::{Request, Verb};
use crate::spawn::spawn;
use daemonize_core::{Daemon, Pid, Result, Started, restart};
use std::fmt;
use std::time::Instant;

/// A daemon with its arguments, to be launched by exec: made by [`exec!`](crate::exec!), and by the attributes with `launch = exec`.
///
/// [`start`](ExecDaemon::start) executes the program of this process again. The new process, which has one thread, finds the daemon's
/// function by its name and launches the daemon as [`Daemon::start`] does; the outcome is returned here. So the calling process may have
/// threads and an async runtime, and keeps no part of the daemon but its result.
#[derive(Clone)]
pub struct ExecDaemon {
    daemon: Daemon,
    entry: &'static str,
    arguments: Vec<u8>,
    environment: Environment,
    isolation: Isolation,
}

impl ExecDaemon {
    /// Returns a daemon whose entry has this name, with its encoded arguments.
    pub(crate) fn new(daemon: Daemon, entry: &'static str, arguments: Vec<u8>) -> ExecDaemon {
        ExecDaemon { daemon, entry, arguments, environment: Environment::default(), isolation: Isolation::default() }
    }

    /// Sets the environment of the daemon; [`Environment::Inherit`] unless set.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> ExecDaemon {
        self.environment = environment;
        self
    }

    /// Sets which attributes of this process the daemon takes over; [`Isolation::Inherit`] unless set.
    #[must_use]
    pub fn isolation(mut self, isolation: Isolation) -> ExecDaemon {
        self.isolation = isolation;
        self
    }

    /// Returns the settings of the daemon, for the verbs that need no body: `stop`, `status`, `send`.
    pub fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    /// Starts the daemon and returns when it is ready, as [`Daemon::start`] does.
    ///
    /// Blocks: call it from async code with `tokio::task::spawn_blocking`. If this process or the calling thread ends meanwhile, the start is
    /// undone.
    ///
    /// # Errors
    /// As [`Daemon::start`]; and the process has not called [`init`](crate::init), or the program cannot be executed again.
    pub fn start(&self) -> Result<Started> {
        self.launch(Verb::Start, None)
    }

    /// Starts the daemon as [`start`](ExecDaemon::start) does, and ends the attempt at the deadline.
    ///
    /// # Errors
    /// As [`start`](ExecDaemon::start). At the deadline the new process is killed and the start undone
    /// ([`ErrorKind::NotReady`](daemonize_core::ErrorKind)).
    pub fn start_until(&self, deadline: Instant) -> Result<Started> {
        self.launch(Verb::Start, Some(deadline))
    }

    /// Stops the daemon if it runs, and starts it, as [`Daemon::restart`] does. Called inside the daemon, it starts the program again, by the
    /// path by which it was called, and stops this process.
    ///
    /// # Errors
    /// As [`start`](ExecDaemon::start) and [`Daemon::stop`].
    pub fn restart(&self) -> Result<Started> {
        if self.daemon.pid().ok().flatten() == Some(Pid::this()) {
            restart()?;
            // The restart is accepted: this call describes it, and runs nothing.
            return self.daemon.clone().run(|| ()).restart();
        }
        self.launch(Verb::Restart, None)
    }

    fn launch(&self, verb: Verb, deadline: Option<Instant>) -> Result<Started> {
        let request = Request::new(&self.daemon, self.entry, self.arguments.clone(), verb, self.isolation);
        let begin = Instant::now();
        if deadline.is_some_and(|deadline| deadline <= begin) {
            return Err(timed_out(request.name(), "the deadline has passed already"));
        }
        let process = spawn(&request, &self.environment)?;
        process.outcome(begin + self.daemon.settings().start_timeout(), deadline)
    }
}

impl fmt::Debug for ExecDaemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecDaemon")
            .field("daemon", &self.daemon)
            .field("entry", &self.entry)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}
