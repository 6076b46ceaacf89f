//! Reaching a running daemon through its pidfile: stop it, signal it, ask after it.
//!
//! A process is signalled only when the identity in the file matches it exactly, through a handle on that very process
//! (`pidfd_open(2)`), with the file looked at once more in between.

mod find;
mod reception;
mod status;

use find::{Found, find_and_look};
pub(crate) use find::{find, refuse_second};
pub(crate) use status::status;
pub use status::{LastWords, State, Status};

use crate::error::{Error, ErrorKind, Result, cause};
use crate::escape::escape_bytes;
use crate::pid::Pid;
use crate::pidfile::{Forget, Holder, PASSING, PidFile, Probe, clean, clean_lock};
use crate::process::Identity;
use crate::settings::Settings;
use crate::signal::Signal;
use crate::stage::Stage;
use crate::sys::account::describe;
use crate::sys::error::errno;
use crate::sys::pidfd::PidFd;
use crate::sys::siginfo::Purpose;
use nix::errno::Errno;
use nix::unistd::Uid;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// How long a process may take to die of SIGKILL before that is an error.
const DEATH: Duration = Duration::from_secs(10);

/// How long a lock without a pidfile is waited for: another start or stop is in passing, and the machine may be busy.
const LEFTOVER_LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a daemon has to take SIGTERM before it is looked at whether it has.
const RECEPTION_TIME: Duration = Duration::from_millis(500);

const HANDLED_BY_PROGRAM: &str = "the program handles SIGTERM itself";

/// What `stop` did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stopped {
    /// The process that was stopped; `None` when there was none.
    pub pid: Option<Pid>,
    /// Whether SIGTERM was not enough.
    pub killed: bool,
    /// `true` if the program has put a handler of its own in place of the daemon's, which did not learn of the stop: the
    /// program itself has to end, and the daemon's `grace` does not bound that. Seen in a daemon that has not ended within
    /// half a second.
    pub handled_by_program: bool,
    /// Where was looked.
    pub pidfile: PathBuf,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) if self.killed => write!(f, "killed pid {pid}, which did not stop")?,
            Some(pid) => write!(f, "stopped pid {pid}")?,
            None => write!(f, "not running (no `{}`)", escape_bytes(self.pidfile.as_os_str().as_bytes()))?,
        }
        if self.handled_by_program { write!(f, "; {HANDLED_BY_PROGRAM}") } else { Ok(()) }
    }
}

/// Stops the daemon and waits for its end; success if there is none.
pub(crate) fn stop(settings: &Settings) -> Result<Stopped> {
    settings.check()?;
    let Found { path: pidfile, look } = find_and_look(settings)?;
    let began = Instant::now();
    let deadline = began + settings.stop_timeout();
    let mut stop =
        Stop { settings, began, deadline, look, pid: None, killed: false, handled_by_program: false, pidfile };
    let mut pause = Duration::from_millis(1);
    while !stop.attempt()? {
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
    let Stop { pid, killed, handled_by_program, pidfile, .. } = stop;
    Ok(Stopped { pid, killed, handled_by_program, pidfile })
}

/// Sends a signal to the daemon.
pub(crate) fn send(settings: &Settings, signal: Signal) -> Result<()> {
    if !signal.exists() {
        return Err(Error::failed(ErrorKind::Configuration, "send", signal, "there is no such signal"));
    }
    let pidfile = find(settings)?;
    loop {
        let probe = look(&pidfile)?;
        let identity = match holder(&pidfile, &probe)? {
            Holder::Alive(identity) => identity,
            Holder::Nothing => {
                return Err(not_sent(signal, format_args!("it is not running (no `{}`)", pidfile.display())));
            }
            Holder::Unsealed(_) if leaves_pidfile_to_hook(settings) => {
                return Err(not_sent(signal, names_no_process(&pidfile)));
            }
            other => return Err(not_sent(signal, describe_file(&pidfile, &other))),
        };
        if let Some(process) = certain(&probe, &identity)? {
            // A zombie takes any signal.
            if wait(&process, Instant::now())? {
                continue;
            }
            match process.send(signal) {
                Err(error) if errno(&error) == Some(Errno::ESRCH) => {}
                Err(error) => return Err(refused("signal", &identity, &error)),
                Ok(()) => return Ok(()),
            }
        }
    }
}

/// One `stop` on its way.
struct Stop<'a> {
    settings: &'a Settings,
    began: Instant,
    deadline: Instant,
    /// The look that has found the pidfile.
    look: Option<(Probe, Holder)>,
    pid: Option<Pid>,
    killed: bool,
    handled_by_program: bool,
    pidfile: PathBuf,
}

impl Stop<'_> {
    /// Ends whoever is alive, then cleans up; whether nothing is left.
    fn attempt(&mut self) -> Result<bool> {
        loop {
            let (probe, holder) = if let Some(found) = self.look.take() {
                found
            } else {
                let probe = look(&self.pidfile)?;
                let holder = holder(&self.pidfile, &probe)?;
                (probe, holder)
            };
            match holder {
                Holder::Nothing => {
                    return self.until_unlocked(clean_lock(&probe, self.words())?, &Holder::Nothing);
                }
                Holder::Alive(identity) => {
                    if let Some(process) = certain(&probe, &identity)? {
                        self.end(&process, &identity)?;
                        // Most daemons remove their files themselves; what is left needs another look from the root on.
                        if probe.is_nothing_left() {
                            return Ok(true);
                        }
                    }
                }
                other => return self.clean(&other),
            }
        }
    }

    /// TERM, wait, KILL through the same handle.
    fn end(&mut self, process: &PidFd, identity: &Identity) -> Result<()> {
        // Marked: a daemon that is stopping already is not hurried by another `stop`.
        signal_or_dead(process, identity, Signal::SIGTERM, Purpose::Stop)?;
        // A suspended daemon acts on SIGTERM only after SIGCONT (signal(7)); one that runs is not affected.
        signal_or_dead(process, identity, Signal::SIGCONT, Purpose::Unmarked)?;
        if !self.wait_for_end(process, identity)? {
            if !self.settings.kill {
                let handled = if self.handled_by_program { format!(", {HANDLED_BY_PROGRAM}") } else { String::new() };
                return Err(Error::failed(
                    ErrorKind::Stop,
                    "stop pid",
                    identity.pid,
                    format_args!(
                        "it still runs {:?} after SIGTERM{handled}, and `kill` is false",
                        self.settings.stop_timeout()
                    ),
                ));
            }
            signal_or_dead(process, identity, Signal::SIGKILL, Purpose::Unmarked)?;
            self.killed = true;
            if !wait(process, Instant::now() + DEATH)? {
                return Err(Error::failed(ErrorKind::Stop, "stop pid", identity.pid, "it did not even die of SIGKILL"));
            }
        }
        self.pid = Some(identity.pid);
        // However long that took, whoever cleans up at the same moment is waited for.
        self.deadline = self.deadline.max(Instant::now() + PASSING);
        Ok(())
    }

    /// Waits until the process has ended, or until the deadline. Returns `false` at the deadline.
    fn wait_for_end(&mut self, process: &PidFd, identity: &Identity) -> Result<bool> {
        if wait(process, self.deadline.min(Instant::now() + RECEPTION_TIME))? {
            return Ok(true);
        }
        self.handled_by_program = reception::is_handled_by_the_program(identity.pid);
        if wait(process, self.deadline)? {
            return Ok(true);
        }
        // A daemon that was kept from the processor may have taken it since.
        self.handled_by_program = reception::is_handled_by_the_program(identity.pid);
        Ok(false)
    }

    /// No daemon is alive: removes its files, unless another process holds the lock.
    fn clean(&self, holder: &Holder) -> Result<bool> {
        if matches!(holder, Holder::Foreign | Holder::Unproven(_) | Holder::Stranger(..)) {
            return Err(Error::failed(ErrorKind::PidFile, "stop the daemon of", self.pidfile.display(), holder));
        }
        let obstacle = clean(&self.pidfile, self.words())?;
        if obstacle.is_some() && matches!(holder, Holder::Unsealed(_)) && leaves_pidfile_to_hook(self.settings) {
            let text = format!("failed to stop `{}`: {}", self.settings.name, names_no_process(&self.pidfile));
            return Err(Error::new(ErrorKind::Stop, text));
        }
        self.until_unlocked(obstacle, holder)
    }

    /// Keeps why the daemon that this stop has ended failed: the caller has not seen it.
    fn words(&self) -> Forget {
        if self.pid.is_some() { Forget::Successes } else { Forget::All }
    }

    /// Returns `true` if a stop or start that is just cleaning up has had its time.
    fn has_passed(&self) -> bool {
        self.began.elapsed() >= LEFTOVER_LOCK_TIMEOUT
    }

    /// Returns `true` if nothing is left, `false` to look again.
    fn until_unlocked(&self, obstacle: Option<String>, holder: &Holder) -> Result<bool> {
        match obstacle {
            None => Ok(true),
            // Without a pidfile there is no daemon to wait for: only a start or stop in passing.
            Some(obstacle) if Instant::now() >= self.deadline || (*holder == Holder::Nothing && self.has_passed()) => {
                let cause = format!("{holder}, and {obstacle}");
                Err(Error::failed(ErrorKind::Locked, "stop the daemon of", self.pidfile.display(), cause))
            }
            Some(_) => Ok(false),
        }
    }
}

/// Sends it; a process that is dead already needs no signal.
fn signal_or_dead(process: &PidFd, identity: &Identity, signal: Signal, purpose: Purpose) -> Result<()> {
    match process.send_for(signal, purpose) {
        Err(error) if errno(&error) != Some(Errno::ESRCH) => Err(refused("stop", identity, &error)),
        _ => Ok(()),
    }
}

fn wait(process: &PidFd, deadline: Instant) -> Result<bool> {
    process.wait(deadline).map_err(|error| Error::system("wait for the daemon's end", cause(&error)))
}

/// Reads the file; a directory that is not there holds none.
fn look(pidfile: &Path) -> Result<Probe> {
    PidFile::probe(pidfile).or_else(|error| match pidfile.parent().map(Path::try_exists) {
        Some(Ok(false)) => Ok(Probe::nothing()),
        _ => Err(error),
    })
}

fn holder(pidfile: &Path, probe: &Probe) -> Result<Holder> {
    probe.holder().map_err(|error| {
        Error::failed(ErrorKind::PidFileInaccessible, "identify the daemon of", pidfile.display(), cause(&error))
    })
}

/// A handle on exactly the process that the file named, and still names; `None` when to look again.
fn certain(probe: &Probe, identity: &Identity) -> Result<Option<PidFd>> {
    let process = identity
        .open()
        .map_err(|error| Error::failed(ErrorKind::Stop, "get hold of pid", identity.pid, cause(&error)))?;
    let unchanged = process.is_some() && probe.is_unchanged()?;
    Ok(process.filter(|_| unchanged))
}

fn refused(verb: &str, identity: &Identity, error: &std::io::Error) -> Error {
    let pid = identity.pid;
    if errno(error) != Some(Errno::EPERM) {
        return Error::failed(ErrorKind::Stop, &format!("{verb} pid"), pid, cause(error));
    }
    let owner = std::fs::metadata(format!("/proc/{pid}")).map(|process| describe(Uid::from_raw(process.uid())));
    let owner = owner.unwrap_or_else(|_| "somebody else".to_owned());
    Error::failed(ErrorKind::Permission, &format!("{verb} pid"), pid, format_args!("it belongs to {owner}"))
}

fn not_sent(signal: Signal, why: impl fmt::Display) -> Error {
    Error::failed(ErrorKind::NotRunning, "send", signal, why)
}

/// Returns `true` if a hook takes the place of the stage that writes the pidfile.
fn leaves_pidfile_to_hook(settings: &Settings) -> bool {
    settings.hooks.replaces(Stage::PidFile)
}

/// Says why no verb reaches a daemon whose pidfile no stage has written.
fn names_no_process(pidfile: &Path) -> String {
    format!(
        "a hook replaces its stage `PidFile`, so the pidfile `{}` does not name its process: send a signal to the pid that its \
         start returned",
        pidfile.display()
    )
}

fn describe_file(pidfile: &Path, holder: &Holder) -> String {
    format!("pidfile `{}`: {holder}", pidfile.display())
}
