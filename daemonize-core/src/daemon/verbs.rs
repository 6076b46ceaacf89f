//! What can be done with a daemon.

use super::{Daemon, records};
use crate::attach::Handle;
use crate::body::Work;
use crate::error::{Error, ErrorKind, Result};
use crate::escape::escape;
use crate::inside;
use crate::launch::{Birth, Checked, Exit, Locked, Role, Started, live, live_on};
use crate::pid::Pid;
use crate::reach::{self, State, Status, Stopped};
use crate::report;
use crate::settings::Detach;
use crate::signal::Signal;
use crate::stage::Stage;
use std::convert::Infallible;
use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;

impl<W: Work> Daemon<W> {
    /// Starts the daemon and returns when it is ready, or why it is not.
    ///
    /// The calling process forks and stays what it was; the daemon runs the body and never returns here. Where somebody
    /// watches over this process already (see [`detach`](Daemon::detach)) there is no fork: the body runs here, and the
    /// process ends with it.
    ///
    /// # Errors
    /// Every reason why there is no daemon now: a wrong setting, more than one thread, one that runs already, a stage
    /// that failed, the daemon's death and its cause, no readiness in time. Nothing is left behind then.
    pub fn start(self) -> Result<Started> {
        self.launch(false, Exit::Now)
    }

    /// Stops the daemon if it runs, and starts it.
    ///
    /// From inside the daemon it starts this program again, as it was started, and stops this process.
    ///
    /// # Errors
    /// As [`start`](Daemon::start) and [`stop`](Daemon::stop). A mistake in the configuration is found before the
    /// running daemon is stopped.
    pub fn restart(self) -> Result<Started> {
        if self.is_inside() {
            inside::restart()?;
            return Ok(Started::here(self.pidfile_path()));
        }
        let name = self.settings.name.clone();
        records::starting(&name, " again");
        records::start(&name, self.restart_from_outside())
    }

    fn restart_from_outside(self) -> Result<Started> {
        if self.settings.no_pidfile {
            return Err(self.settings.cannot_find_without_pidfile("restart"));
        }
        // Taken first, so that a mistake removes it, as where a start fails later.
        let held = self.held.take();
        let checked = Checked::new(self.settings.copy())?;
        // A lock that is ours keeps every daemon out.
        if checked.has_pidfile() && !checked.is_restart() && held.is_none() {
            records::stop(&self.settings.name, reach::stop(&self.settings))?;
        }
        conclude(checked.lock(held)?, self.work, false, Exit::Now)
    }

    /// Runs the daemon in this process, without detaching, and ends the process with it.
    ///
    /// Nothing forks, so other threads and a tokio runtime may be there: unlike [`start`](Daemon::start), it may be called under
    /// `#[tokio::main]`. It blocks the thread that calls it until the process ends. An async body has a runtime of its own also
    /// there, beside the one that runs; if that one is of one thread, this is refused. A process with more than one thread
    /// cannot change its user or root, and the programs that it starts inherit the variables that a service manager set for it
    /// (`NOTIFY_SOCKET` and the like), since those cannot be removed safely.
    ///
    /// Process 1 of a container is the exception. With one thread it forks once: the daemon is the child, and process 1 stays as
    /// a minimal init, which reaps orphans, passes signals on, and exits with the daemon's status. The same goes for
    /// [`start`](Daemon::start) and [`activate`](Daemon::activate) there, unless they detach. Children that the program has
    /// started before are not the daemon's then. With several threads there is no init, and a line on stderr says so.
    ///
    /// # Errors
    /// Why the body was not entered. On success it does not return.
    pub fn foreground(mut self) -> Result<Infallible> {
        self.settings.detach = Detach::Never;
        records::starting(&self.settings.name, " in the foreground");
        match Locked::new(self.settings, self.held.take())?.split(false)? {
            Role::Daemon(birth) => live(birth, self.work, Exit::Whole),
            Role::Launcher(started) => started.report(),
        }
    }

    fn launch(self, leaving: bool, exit: Exit) -> Result<Started> {
        let name = self.settings.name.clone();
        records::starting(&name, "");
        let locked = Locked::new(self.settings, self.held.take());
        records::start(&name, locked.and_then(|locked| conclude(locked, self.work, leaving, exit)))
    }

    /// An annotated `main`: the launcher's exit status is the start's outcome, the daemon is the program's continuation.
    pub(crate) fn main(self) -> ExitCode {
        match self.launch(true, Exit::Whole) {
            Ok(started) => started.report(),
            Err(error) => error.report(),
        }
    }
}

/// Goes on in whichever process one is. A body that runs in the process that was started is its continuation.
fn conclude<W: Work>(launch: Locked, work: W, leaving: bool, exit: Exit) -> Result<Started> {
    let exit = if launch.is_detached() { exit } else { Exit::Whole };
    match launch.split(leaving)? {
        Role::Launcher(started) => Ok(started),
        Role::Daemon(birth) => match live(birth, work, exit)? {},
    }
}

impl<W> Daemon<W> {
    /// Becomes the daemon here and goes on: what follows is the body. The launcher prints what the start said and
    /// exits with status 0.
    ///
    /// The pidfile is removed when the program ends by returning from `main` or by `exit`.
    ///
    /// # Errors
    /// As [`start`](Daemon::start), in the process that called, which goes on as what it was.
    pub fn activate(self) -> Result<()> {
        live_on(self.begin()?)
    }

    /// Runs the stages up to and with `stage`, and goes on: in the daemon, once `Detach` is among them, which is
    /// always. The launcher waits for the rest to be done.
    ///
    /// ```no_run
    /// use daemon::Daemon;
    /// use daemon::settings::Stage;
    ///
    /// let half = Daemon::new("web").user("www-data").run_to(Stage::CoreDumps)?;
    /// let socket = std::net::TcpListener::bind("0.0.0.0:80").expect("still root");
    /// half.activate()?;
    /// # drop(socket);
    /// # Ok::<(), daemon::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`start`](Daemon::start), in the process that called, which goes on as what it was.
    pub fn run_to(self, stage: Stage) -> Result<StagedLaunch> {
        StagedLaunch(self.begin()?).run_to(stage)
    }

    /// Runs the first stage, and returns in the daemon.
    fn begin(self) -> Result<Box<Birth>> {
        let name = self.settings.name.clone();
        records::starting(&name, "");
        match Locked::new(self.settings, self.held.take())?.split(true)? {
            Role::Launcher(started) => records::start(&name, Ok(started))?.report(),
            Role::Daemon(birth) => Ok(birth),
        }
    }

    /// Stops the daemon: SIGTERM, wait, and SIGKILL after [`stop_timeout`](Daemon::stop_timeout) unless
    /// [`kill`](Daemon::kill) is false. Returns when it is gone; success if there was none.
    ///
    /// A daemon that is suspended gets SIGCONT, so that its cleanup runs. One that is stopping already is not hurried by
    /// this, unlike by a second SIGTERM that is sent with `kill(1)` or with [`send`](Daemon::send).
    ///
    /// If no daemon runs, it removes what a dead one has left, its [last words](crate::status::LastWords) too.
    ///
    /// From inside the daemon it says that it is to stop, and returns at once.
    ///
    /// # Errors
    /// The daemon belongs to somebody else, or does not end; or the pidfile cannot be read or trusted. Nothing that
    /// does not match the pidfile exactly is ever signalled.
    pub fn stop(&self) -> Result<Stopped> {
        if self.is_inside() {
            inside::stop();
            return Ok(Stopped {
                pid: Some(Pid::this()),
                killed: false,
                handled_by_program: false,
                pidfile: self.pidfile_path(),
            });
        }
        records::stop(&self.settings.name, reach::stop(&self.settings))
    }

    /// Returns whether the daemon runs, what it could not do, and after its end why it ended, as it said itself. Takes no lock,
    /// and so never makes a start fail.
    ///
    /// # Errors
    /// Only a wrong name or path; what cannot be found out is [`State::Unknown`].
    pub fn status(&self) -> Result<Status> {
        if let Some(inside) = inside::current().filter(|_| self.is_inside()) {
            let Handle { pidfile, addresses, .. } = inside.handle.clone();
            let warning = report::warning().map(|warning| format!("it says: {}", escape(&warning)));
            let (state, pid) = (State::Running, Some(Pid::this()));
            return Ok(Status { state, pid, pidfile, addresses, last_words: None, warning });
        }
        reach::status(&self.settings)
    }

    /// Sends the daemon a signal: a [`Signal`], a number, or a name with or without `SIG`.
    ///
    /// ```no_run
    /// use daemon::{Daemon, Signal};
    ///
    /// let sleepy = Daemon::new("sleepy");
    /// sleepy.send("HUP")?;
    /// sleepy.send(Signal::SIGHUP)?;
    /// # Ok::<(), daemon::Error>(())
    /// ```
    ///
    /// # Errors
    /// There is no such signal, no daemon, or it belongs to another user.
    pub fn send(&self, signal: impl TryInto<Signal, Error: Display>) -> Result<()> {
        let unknown = |error| Error::new(ErrorKind::Configuration, format!("failed to send a signal: {error}"));
        let signal = signal.try_into().map_err(unknown)?;
        let sent = if self.is_inside() { inside::send(signal) } else { reach::send(&self.settings, signal) };
        records::send(&self.settings.name, signal, sent)
    }

    /// The daemon's pid, while it lives.
    ///
    /// # Errors
    /// It cannot be found out.
    pub fn pid(&self) -> Result<Option<Pid>> {
        match self.status()? {
            Status { state: State::Running, pid, .. } => Ok(pid),
            Status { state: State::Unknown(why), .. } => Err(Error::new(ErrorKind::PidFile, why)),
            _ => Ok(None),
        }
    }

    /// Returns where the pidfile is, or will be if no daemon runs; empty if that cannot be said (a mistake that the other verbs
    /// report).
    pub fn pidfile_path(&self) -> PathBuf {
        match inside::current().filter(|_| self.is_inside()) {
            Some(inside) => inside.handle.pidfile.clone(),
            None => reach::find(&self.settings).unwrap_or_default(),
        }
    }

    /// Whether this process is this very daemon.
    fn is_inside(&self) -> bool {
        let Some(handle) = inside::current().map(|inside| &inside.handle) else { return false };
        // The default pidfile depends on the user, which the daemon may have changed since its start.
        let is_default = self.settings.pidfile.is_none() && handle.is_default_pidfile;
        if is_default {
            return handle.name == self.settings.name;
        }
        self.settings.pidfile().is_ok_and(|pidfile| pidfile == handle.pidfile)
    }
}

/// A daemon on its way: some stages have run, the others are to come.
///
/// Dropped, it ends the launch as failed, and with it this process.
#[must_use = "the launcher waits for `activate`"]
pub struct StagedLaunch(Box<Birth>);

impl StagedLaunch {
    /// Runs the stages up to and with `stage`; those that have run do not run again.
    ///
    /// # Errors
    /// Only where there was no fork; otherwise the launcher is told and this process ends.
    pub fn run_to(mut self, stage: Stage) -> Result<StagedLaunch> {
        self.0.run_to(stage)?;
        self.0.expect_foreign_code();
        Ok(self)
    }

    /// Runs the remaining stages, and goes on as the daemon.
    ///
    /// # Errors
    /// As [`run_to`](StagedLaunch::run_to).
    pub fn activate(self) -> Result<()> {
        live_on(self.0)
    }
}

impl std::fmt::Debug for StagedLaunch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StagedLaunch").finish_non_exhaustive()
    }
}
