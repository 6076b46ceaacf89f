//! The process that is to be the daemon, from its first moment until it is ready.
//!
//! It never returns an error to code of the user that is not expecting a second process: whatever goes wrong is told to
//! the launcher, and the process ends by `_exit`.

use super::Launch;
use super::capture::Captured;
use super::identity::Target;
use super::quiet::Quiet;
use super::stdio::Streams;
use crate::attach::Handle;
use crate::error::{Error, ErrorKind, Result, cause};
use crate::handoff::{Channel, Message};
use crate::inside::{Inside, Pending, Program};
use crate::pid::Pid;
use crate::pidfile::Lock;
use crate::process::{Here, Identity, Stat};
use crate::settings::{Close, Ready, Settings, When};
use crate::signal::Signal;
use crate::stage::Stage;
use crate::stdout;
use crate::stopping;
use crate::sys::dispositions::{self, Disposition};
use crate::sys::fds;
use crate::sys::fork::exit_now;
use crate::sys::mask::Mask;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::{Mode, umask};
use std::env;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

/// The umask of a daemon that asks for none: what it makes is its own.
const UMASK: u32 = 0o077;

/// Ignored in a daemon: without a terminal they mean nothing, and a closed pipe is an error, not a death.
const TERMINAL: [Signal; 3] = [Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU];

/// A daemon on its way through the stages.
pub(crate) struct Birth {
    launch: Launch,
    /// To the launcher, where there is one.
    link: Option<Link>,
    /// When this process started; read before a change of root hides `/proc`.
    start_time: u64,
    here: Option<Here>,
    /// Where the program was started.
    directory: Option<PathBuf>,
    /// Blocked until the signal thread takes them; none when the stage was replaced.
    handled: Vec<Signal>,
    /// The mask to go back to when a launch that did not detach fails.
    before: Mask,
    done: usize,
}

/// What ties the daemon to its start.
pub(super) struct Link {
    pub(super) ready: Channel,
    pub(super) middle: Pid,
}

/// What is left of a birth when every stage is done.
pub(super) struct Born {
    pub(super) settings: Settings,
    pub(super) inside: Inside,
    pub(super) handled: Vec<Signal>,
    pub(super) announcement: Announcement,
}

impl Birth {
    /// In the new process, first of all.
    pub(super) fn detached(launch: Launch, link: Link, captured: Option<Captured>) -> Birth {
        match Birth::begin(launch, link, captured) {
            Ok(birth) => {
                // An error does not come back: it ends this process.
                let _ = birth.settle(birth.launch.hook(Stage::Detach, When::After));
                birth
            }
            Err((link, error)) => link.give_up(&error),
        }
    }

    fn begin(launch: Launch, link: Link, captured: Option<Captured>) -> std::result::Result<Birth, (Link, Error)> {
        link.die_with_the_middle();
        let captured = captured.map_or(Ok(()), Captured::install);
        let captured = captured.map_err(|errno| Error::stage(Stage::Detach, cause(&errno.into())));
        match captured.and_then(|()| start_time()) {
            Ok(start_time) => Ok(Birth::new(launch, Some(link), start_time, Mask::all())),
            Err(error) => Err((link, error)),
        }
    }

    /// Without a fork: in the process that called.
    pub(super) fn here(launch: Launch, quiet: Quiet) -> Result<Birth> {
        let start_time = start_time()?;
        let birth = Birth::new(launch, None, start_time, quiet.go_on());
        birth.settle(birth.launch.hook(Stage::Detach, When::After))?;
        Ok(birth)
    }

    fn new(launch: Launch, link: Option<Link>, start_time: u64, before: Mask) -> Birth {
        let directory = env::current_dir().ok();
        Birth { launch, link, start_time, here: None, directory, handled: Vec::new(), before, done: 1 }
    }

    /// Who this process is; what only the launcher has looked up by now, it tells.
    fn identity(&mut self) -> Result<Identity> {
        if self.here.is_none() {
            let here = self.link.as_ref().map_or_else(|| Here::look().map_err(unidentified), Link::hear_where)?;
            self.here = Some(here);
        }
        let here = self.here.clone().ok_or_else(|| unidentified(io::ErrorKind::NotFound.into()))?;
        Ok(Identity { pid: Pid::this(), start_time: self.start_time, here })
    }

    /// Whether there is a launcher in another process.
    pub(super) fn is_detached(&self) -> bool {
        self.link.is_some()
    }

    /// Runs the stages up to and with this one; those that have run do not run again.
    ///
    /// Detached, an error ends the process. Not detached, it is returned, and the signal mask is as it was.
    pub(crate) fn run_to(&mut self, last: Stage) -> Result<()> {
        while let Some(stage) = Stage::ALL.get(self.done).filter(|stage| **stage <= last) {
            self.done += 1;
            let outcome = self.run_stage(*stage);
            self.settle(outcome)?;
        }
        Ok(())
    }

    fn run_stage(&mut self, stage: Stage) -> Result<()> {
        self.launch.hook(stage, When::Before)?;
        if self.launch.settings.hooks.replaces(stage) {
            self.launch.hook(stage, When::Instead)?;
        } else {
            self.default(stage)?;
        }
        self.launch.hook(stage, When::After)
    }

    fn default(&mut self, stage: Stage) -> Result<()> {
        let detached = self.launch.detached;
        let settings = &self.launch.settings;
        let failed = |errno: nix::Error| Error::stage(stage, cause(&errno.into()));
        match stage {
            Stage::Detach => Ok(()),
            Stage::CoreDumps if settings.core_dumps => Ok(()),
            Stage::CoreDumps => setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(failed),
            Stage::Identity => self.take_on_identity(),
            Stage::Umask => {
                if let Some(mask) = settings.umask.or(detached.then_some(UMASK)) {
                    umask(Mode::from_bits_truncate(mask));
                }
                Ok(())
            }
            Stage::WorkingDirectory => {
                let directory = settings.working_directory.as_deref().or(detached.then_some(Path::new("/")));
                let change = |directory: &Path| {
                    env::set_current_dir(directory).map_err(|error| {
                        Error::stage(stage, format_args!("`{}`: {}", directory.display(), cause(&error)))
                    })
                };
                directory.map_or(Ok(()), change)
            }
            Stage::PidFile => {
                let identity = self.identity()?;
                Lock::seal(&mut self.launch.lock, &identity)
            }
            Stage::Signals => {
                self.set_signals();
                Ok(())
            }
            Stage::Descriptors if !detached => Ok(()),
            Stage::Descriptors => self.close_descriptors(),
            Stage::Stdio => self.install_streams(),
        }
    }

    fn take_on_identity(&self) -> Result<()> {
        let Some(target) = &self.launch.identity else { return Ok(()) };
        target.take_on()?;
        if let Some(link) = &self.link {
            // The change of user has cleared it.
            link.die_with_the_middle();
        }
        Ok(())
    }

    /// Dispositions under the block, and only what was ignored: handlers of this program's own registering stay.
    fn set_signals(&mut self) {
        let signals = &self.launch.settings.signals;
        let mut ignored: Vec<Signal> = signals.ignored().chain([Signal::SIGPIPE]).collect();
        if self.launch.detached {
            ignored.extend(TERMINAL);
        }
        ignored.retain(|signal| !signals.mentions(*signal) || signals.ignored().any(|own| own == *signal));
        for signal in Signal::all() {
            if ignored.contains(&signal) {
                dispositions::set(signal, Disposition::Ignore);
            } else if dispositions::is_ignored(signal) || signals.wants_default(signal) {
                dispositions::set(signal, Disposition::Default);
            }
        }
        self.handled = signals.handled();
        Mask::of(self.handled.iter().copied()).set();
    }

    fn close_descriptors(&self) -> Result<()> {
        match self.launch.settings.close {
            Close::None => Ok(()),
            Close::Inherited => {
                let kept = self.kept_by_the_user();
                let leaked: Vec<RawFd> = self.launch.leaked.iter().copied().filter(|fd| !kept.contains(fd)).collect();
                fds::close_leaked(&leaked);
                Ok(())
            }
            Close::All => {
                let mut keep = self.kept_by_the_user();
                keep.extend(self.launch.lock.descriptors());
                keep.extend(self.launch.streams.descriptors());
                keep.extend(self.link.iter().map(|link| link.ready.as_fd().as_raw_fd()));
                fds::close_all_but(&keep).map_err(|error| Error::stage(Stage::Descriptors, cause(&error)))
            }
        }
    }

    /// Named by `inherit`, or handed over by whoever activates sockets.
    fn kept_by_the_user(&self) -> Vec<RawFd> {
        self.launch.settings.inherit.iter().copied().chain(3..3 + self.launch.activated).collect()
    }

    /// With `ready = manual`, stdout and stderr still lead to the launcher until the daemon is ready.
    fn install_streams(&self) -> Result<()> {
        self.launch.streams.install_input()?;
        if self.link.is_some() && self.launch.settings.ready == Ready::Manual {
            return Ok(());
        }
        self.launch.streams.install_outputs()
    }

    /// Every stage is done.
    pub(super) fn born(mut self, leave: fn() -> !) -> Result<Born> {
        self.run_to(Stage::Stdio)?;
        if self.launch.settings.hooks.replaces(Stage::Signals) {
            // Nothing is handled, so nothing may stay blocked.
            Mask::empty().set();
        }
        let identity = self.identity();
        let me = self.settle(identity)?;
        let handled = self.handled;
        let Launch { settings, pidfile, lock, streams, identity, .. } = self.launch;
        let obstacle = identity.as_ref().is_some_and(Target::is_one_way);
        let obstacle = obstacle.then_some("it has changed its user or root and could not start as it did");
        let inside = Inside {
            handle: Handle { name: settings.name.clone(), pidfile, since: SystemTime::now() },
            identity: me,
            stops: settings.signals.stops(),
            grace: settings.grace,
            handlers: Arc::default(),
            attachments: settings.attachments.clone(),
            lock: Mutex::new(Some(lock)),
            pending: Mutex::new(None),
            program: Program { directory: self.directory, obstacle },
            leave,
        };
        let announcement = Announcement { link: self.link, streams };
        Ok(Born { settings, inside, handled, announcement })
    }

    /// An error ends this process if there is a launcher to tell it to; otherwise it is the caller's.
    fn settle<T>(&self, outcome: Result<T>) -> Result<T> {
        outcome.inspect_err(|error| {
            if let Some(link) = &self.link {
                link.give_up(error);
            }
            self.before.set();
        })
    }
}

fn start_time() -> Result<u64> {
    Stat::of(Pid::this()).map(|stat| stat.start_time).map_err(unidentified)
}

#[allow(clippy::needless_pass_by_value)] // It is made for `map_err`.
fn unidentified(error: io::Error) -> Error {
    Error::failed(ErrorKind::System, "identify process", Pid::this(), cause(&error))
}

impl Link {
    /// A start that hangs does not outlive the middle (`prctl(2)`, `PR_SET_PDEATHSIG`).
    fn die_with_the_middle(&self) {
        let _ = set_pdeathsig(nix::sys::signal::SIGKILL);
        if nix::unistd::getppid() != self.middle.as_nix() {
            exit_now(2);
        }
    }

    /// From here on the end of the socket takes over. Only this thread's wish is cleared, so it is the body's.
    pub(super) fn outlive_the_middle() {
        let _ = set_pdeathsig(None);
    }

    /// What the launcher says first; without it there is no launcher any more.
    fn hear_where(&self) -> Result<Here> {
        match self.ready.receive() {
            Ok(Some(Message::Here(here))) => Ok(here),
            _ => Err(Error::system("hear from the launcher", "it is gone")),
        }
    }

    /// Tells the launcher, and ends; the middle removes the pidfile.
    pub(super) fn give_up(&self, error: &Error) -> ! {
        stdout::flush();
        let _ = self.ready.send(&Message::Failed(error.copy()));
        exit_now(error.exit_code());
    }
}

/// What has to be said when the daemon is ready.
pub(super) struct Announcement {
    pub(super) link: Option<Link>,
    pub(super) streams: Streams,
}

impl Announcement {
    /// Tells the launcher, where there is one, that there will be no daemon, and ends; otherwise returns.
    pub(super) fn refuse(&self, error: &Error) {
        if let Some(link) = &self.link {
            link.give_up(error);
        }
    }

    /// L5: READY, then GO. An end instead of GO means that nobody wants this daemon: it undoes itself.
    pub(super) fn make(self, inside: &Inside) -> std::result::Result<(), (Announcement, Error)> {
        let Some(link) = &self.link else { return Ok(()) };
        if stopping::is_marked() || is_stop_pending(&inside.stops) {
            // The signal thread may not have come to it yet; whoever asks is told the same.
            stopping::mark();
            let error = Error::new(ErrorKind::Stopped, "failed to start: stopped while starting");
            return Err((self, error));
        }
        if let Err(error) = self.streams.install_outputs() {
            return Err((self, error));
        }
        Link::outlive_the_middle();
        if link.ready.send(&Message::Ready(Pid::this())).is_err() {
            exit_now(2);
        }
        if let Ok(Some(Message::Go)) = link.ready.receive() {
            return Ok(());
        }
        inside.release();
        exit_now(2)
    }
}

impl Pending for Announcement {
    fn announce(self: Box<Self>, inside: &Inside) -> std::result::Result<(), (Box<dyn Pending>, Error)> {
        self.make(inside).map_err(|(this, error)| (Box::new(this) as Box<dyn Pending>, error))
    }

    fn fail(self: Box<Self>, error: &Error) -> ! {
        match &self.link {
            Some(link) => link.give_up(error),
            None => exit_now(error.exit_code()),
        }
    }
}

fn is_stop_pending(stops: &[Signal]) -> bool {
    let pending = Mask::pending();
    stops.iter().any(|signal| pending.contains(*signal))
}
