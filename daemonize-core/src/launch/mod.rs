//! From a configured daemon to a running one.
//!
//! Three processes: the launcher, which called `start`; the session leader, which stays only until the outcome is known,
//! and so can report how the daemon died; the daemon. Every mistake that can be found early is found in the launcher,
//! before the first fork, where the user is looking. Then the nine stages run in the daemon, each with its hooks.
//!
//! The launcher keeps its user and the lock: it alone writes the pidfile, while the daemon runs its stages, and before
//! GO it alone removes it. End of file aborts the start: a process that goes away without a message takes the start
//! back, so a launcher that dies leaves nothing behind, and a daemon that dies is reported with its cause of death. Without
//! GO, which follows READY, there is no daemon; whether the body begins before that is a matter of `readiness`.

mod announcement;
mod auto;
mod birth;
mod capabilities;
mod capture;
mod deadline;
mod destination;
mod identity;
mod init;
mod launcher;
mod life;
mod monitor;
mod no_pidfile;
mod outcome;
mod readiness;
mod session_leader;
mod signal_block;
mod started;
mod stdio;
mod threads;
mod undo;

pub(crate) use birth::Birth;
pub(crate) use life::{Exit, live, live_on};

use crate::attach::AttachContext;
use crate::error::{Error, ErrorKind, Result, cause};
use crate::inside::RestartedFrom;
use crate::notifier::{self, Manager, Told};
use crate::pidfile::PidFile;
use crate::settings::{Detach, Settings, When};
use crate::signal::Signal;
use crate::signals::Signals;
use crate::stage::Stage;
use crate::sys::env as environment;
use crate::sys::fds::{self, OpenFds};
use crate::sys::fork::Alone;
use crate::sys::outlined::Outlined;
use crate::{body, event, inside, reach, report};
use identity::Target;
use nix::unistd::{Gid, Uid};
use signal_block::SignalBlock;
use std::os::fd::RawFd;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};
use stdio::Streams;
use threads::{find_out_alone, never_forks, prove_alone, refuse_event_loops};

pub use destination::Destination;
pub(crate) use identity::enable_identity;
pub use started::Started;
pub(crate) use stdio::enable_streams;

/// Between two looks at a pidfile that somebody else has for longer.
const WAIT: Duration = Duration::from_millis(20);

/// A launch of which everything is checked, resolved, opened and locked, and nothing else has happened.
pub(crate) struct Launch {
    plan: Outlined<Plan>,
    /// `None` without a pidfile.
    lock: Option<Box<PidFile>>,
}

/// What is to be launched, and what was found out about it before the pidfile was touched.
struct Plan {
    settings: Outlined<Settings>,
    detached: bool,
    /// Empty without one: see `no_pidfile`.
    pidfile: PathBuf,
    identity: Option<Target>,
    /// What is attached is told of it.
    planned: AttachContext,
    streams: Streams,
    leaked: Vec<RawFd>,
    /// The proof that this process has one thread, as it must have wherever it forks.
    alone: Option<Alone>,
    /// By a service manager, and which of them wants to hear what becomes of the daemon.
    told: &'static Told,
    manager: Option<&'static Manager>,
    /// Set if a variable is set that is meant for this process alone: see `forget_what_is_meant_for_this_process`.
    has_own_variables: bool,
    /// Leads to the manager through the init that this daemon has (see `init`).
    relayed: Option<UnixDatagram>,
}

impl Plan {
    fn has_pidfile(&self) -> bool {
        !self.pidfile.as_os_str().is_empty()
    }

    /// Returns `true` if hooks, attachments, a logger, or what looks up users and groups may have run in this process since its
    /// threads were counted.
    fn runs_foreign_code_early(&self) -> bool {
        let settings = &self.settings;
        let has_hooks = settings.hooks.has(Stage::Detach, When::Before);
        has_hooks
            || report::has_logger()
            || !settings.attachments.is_empty()
            || settings.user.is_some()
            || settings.group.is_some()
    }

    /// Returns `true` if a callback or a logger runs in the launcher behind GO, where it may take long, or fork.
    fn runs_foreign_code_late(&self) -> bool {
        report::has_logger() || self.settings.on_output.is_some()
    }

    /// Returns `true` if the daemon tells its addresses before the pidfile is written.
    fn tells_addresses(&self) -> bool {
        !self.settings.attachments.is_empty()
    }
}

/// The process after the first stage.
pub(crate) enum Role {
    /// In the one that called: the daemon runs.
    Launcher(Started),
    /// In the one that is to be the daemon.
    Daemon(Box<Birth>),
}

/// What can be checked while an elder daemon may still run.
pub(crate) struct Checked {
    plan: Outlined<Plan>,
    /// The daemon that has started this process to take over from it.
    restarted_from: Option<RestartedFrom>,
}

impl Checked {
    /// Looks for every mistake that can be seen before the pidfile is touched, and opens the log files.
    pub(crate) fn new(settings: Outlined<Settings>) -> Result<Checked> {
        let restarted_from = RestartedFrom::take(&settings.name);
        let plan = Plan::new(settings, restarted_from.as_ref());
        let plan = plan.inspect_err(|error| restarted_from.iter().for_each(|daemon| daemon.refuse(error)))?;
        Ok(Checked { plan, restarted_from })
    }

    /// Returns `true` if the daemon has a pidfile, by which an elder one could be found.
    pub(crate) fn has_pidfile(&self) -> bool {
        self.plan.has_pidfile()
    }

    /// Returns `true` if the running daemon has started this process to take over from it, and stops by itself.
    pub(crate) fn is_restart(&self) -> bool {
        self.restarted_from.is_some()
    }

    /// Takes the pidfile, or takes over the one that the caller holds.
    pub(crate) fn lock(self, held: Option<PidFile>) -> Result<Locked> {
        let Checked { plan, restarted_from } = self;
        let Plan { settings, pidfile, .. } = &*plan;
        let has_pidfile = plan.has_pidfile();
        let inherited = match &restarted_from {
            Some(daemon) => {
                if has_pidfile {
                    // While the old daemon can go on.
                    PidFile::check_replaceable(pidfile).inspect_err(|error| daemon.refuse(error))?;
                }
                daemon.wait_for_turn(settings, pidfile)?
            }
            None => None,
        };
        if settings.pidfile.is_none() && has_pidfile {
            make_state_directory(pidfile)?;
        }
        // From here on an interrupt would leave an empty file, so signals stay blocked until a process can remove it.
        let block = SignalBlock::new();
        let inherited = match inherited {
            Some(lock) if has_pidfile => PidFile::inherit(pidfile, settings.pidfile_mode, lock)?,
            _ => None,
        };
        if let Some(daemon) = restarted_from {
            // Its handlers of atexit(3) may take long; an empty file is taken by the next start. Before `acquire`: where it
            // gave no lock, a pidfile may still name it, and as long as it lives that refuses a start.
            let deadline = Instant::now() + settings.stop_timeout();
            block.with_original_mask(|| daemon.wait_for_end(deadline, settings))?;
        }
        let mut lock = match (inherited, held) {
            (None, Some(held)) => Some(held.empty_again(plan.settings.pidfile_mode)?),
            (None, None) if has_pidfile => Some(acquire(&plan, &block)?),
            (lock, _) => lock,
        };
        if let (Some(lock), Some(target)) = (&mut lock, plan.identity.as_ref().filter(|target| target.is_one_way())) {
            lock.prepare_last_words(target.owner());
        }
        Ok(Locked { block, launch: Launch { plan, lock: lock.map(Box::new) } })
    }
}

impl Plan {
    fn new(mut settings: Outlined<Settings>, restarted_from: Option<&RestartedFrom>) -> Result<Outlined<Plan>> {
        report::set_name(&settings.name);
        // Before the check, which refuses a default grace that is longer than a `stop_timeout` that is set.
        match monitor::stop_timeout() {
            Some(patience) => settings.fit_into(patience).iter().for_each(|warning| report::say(warning)),
            None => init::fit_grace(&mut settings),
        }
        settings.check()?;
        if let Some(inside) = inside::current() {
            let text = format!("failed to start: this process is already daemon `{}`", inside.handle.name);
            return Err(Error::new(ErrorKind::Inside, text));
        }
        #[cfg(feature = "tokio")]
        threads::refuse_runtime(&settings)?;
        let detached = detaches(&settings, restarted_from);
        let pidfile = no_pidfile::place(&settings, detached)?;
        let alone = if never_forks(&settings) { find_out_alone() } else { Some(prove_alone()?) };
        if let (Some(alone), Some(_)) = (alone, restarted_from) {
            // Not for the programs that this one starts.
            environment::forget(alone, inside::RESTART_ENV);
        }
        check_descriptors(&settings)?;
        check_directory(&settings)?;
        let census = OpenFds::find().map_err(|error| Error::system("list the open descriptors", cause(&error)))?;
        let OpenFds { leaked, own } = census;
        if detached {
            refuse_event_loops(&own, &settings)?;
        }
        settings.inherit.extend(event::descriptors());
        let identity = identity::resolve(&settings)?;
        if identity.is_some() && alone.is_none() {
            // A part of what changes is each thread's own.
            prove_alone()?;
        }
        let owner = identity.as_ref().map_or((None, None), Target::owner);
        let (user, group) = (owner.0.map(Uid::as_raw), owner.1.map(Gid::as_raw));
        let planned = AttachContext { name: settings.name.clone(), pidfile: pidfile.clone(), user, group };
        for attachment in &settings.attachments {
            attachment.check(&planned).map_err(Error::configuration)?;
        }
        let streams = stdio::open_streams(&settings, detached, owner)?;
        let told = Told::to_this_process(&leaked);
        let manager = told.manager(detached);
        if manager.is_some_and(Manager::watches) && !settings.signals.mentions(Signal::SIGABRT) {
            // How a watchdog ends a body that hangs, which no grace brings to its end.
            settings.signals.merge(Signals::new().default_action(Signal::SIGABRT));
        }
        Ok(Outlined::new(Plan {
            settings,
            detached,
            pidfile,
            identity,
            planned,
            streams,
            leaked,
            alone,
            told,
            manager,
            has_own_variables: false,
            relayed: None,
        }))
    }
}

/// A launch that has the pidfile and is about to begin.
pub(crate) struct Locked {
    block: SignalBlock,
    launch: Launch,
}

impl Locked {
    /// Checks everything and takes the pidfile.
    pub(crate) fn new(settings: Outlined<Settings>, held: Option<PidFile>) -> Result<Locked> {
        Checked::new(settings)?.lock(held)
    }

    pub(crate) fn is_detached(&self) -> bool {
        self.launch.plan.detached
    }

    /// Runs the first stage: from here on there may be two of us.
    pub(crate) fn split(self, leaving: bool) -> Result<Role> {
        // In this order: the file is taken away before an interrupt can come.
        let Locked { block, mut launch } = self;
        if launch.plan.settings.hooks.has(Stage::Detach, When::Before) {
            // Whoever interrupts a hook that hangs leaves an empty file, which the next start takes.
            block.with_original_mask(|| launch.hook(Stage::Detach, When::Before))?;
        }
        if launch.plan.detached {
            let alone = match launch.plan.alone {
                Some(alone) if !launch.plan.runs_foreign_code_early() => alone,
                // There may be threads by now.
                _ => prove_alone()?,
            };
            if leaving {
                init::check_leaving()?;
            }
            // Not in the daemon, where each look at the environment costs more.
            launch.plan.has_own_variables = own_variables().any(|name| env::var_os(name).is_some());
            // systemd looks for the daemon as soon as the launcher has gone, and wants it to be an orphan by then.
            let leaving = leaving && !launch.plan.told.started_by_systemd && !launch.plan.runs_foreign_code_late();
            return launcher::split(block, launch, alone, leaving);
        }
        let alone = match &launch.plan {
            plan if !never_forks(&plan.settings) => Some(prove_alone()?),
            // With other threads, each look would wait for those that are about to end.
            plan if plan.alone.is_none() => None,
            _ => find_out_alone(),
        };
        let (block, launch) = init::split(block, launch, alone)?;
        forget_what_is_meant_for_this_process(alone);
        launch.hook(Stage::Detach, When::Instead)?;
        Birth::here(block, launch).map(Role::Daemon)
    }
}

impl Launch {
    /// Runs the hooks at one place; a panic is an error as well.
    fn hook(&self, stage: Stage, when: When) -> Result<()> {
        if !self.plan.settings.hooks.has(stage, when) {
            return Ok(());
        }
        let ending = body::guarded("a hook", || match self.plan.settings.hooks.run(stage, when) {
            Ok(()) => body::BodyResult::success(),
            Err(error) => body::BodyResult::failure(error),
        });
        ending.error().map_or(Ok(()), |error| Err(Error::stage(stage, error)))
    }
}

/// Takes the lock; whoever has to wait longer than in passing can be interrupted meanwhile.
fn acquire(plan: &Plan, block: &SignalBlock) -> Result<PidFile> {
    let Plan { settings, pidfile, .. } = plan;
    // The first look at the clock costs two page faults, so only a start that waits takes it.
    let deadline = (!settings.lock_timeout.is_zero()).then(|| Instant::now() + settings.lock_timeout);
    loop {
        let acquire = || PidFile::acquire_with(pidfile, settings.pidfile_mode, Duration::ZERO);
        match reach::refuse_second(settings).and_then(|()| acquire()) {
            Err(error) if error.is_passing() && deadline.is_some_and(|deadline| Instant::now() < deadline) => {
                block.with_original_mask(|| thread::sleep(WAIT));
            }
            outcome => return outcome,
        }
    }
}

/// Whether a launch with these settings leaves the terminal behind.
fn detaches(settings: &Settings, restarted_from: Option<&RestartedFrom>) -> bool {
    let as_before = restarted_from.filter(|_| settings.detach == Detach::Auto);
    let decide = || auto::detaches(settings.detach);
    !settings.hooks.replaces(Stage::Detach) && as_before.map_or_else(decide, |daemon| daemon.detached)
}

/// What is to be inherited has to be there.
fn check_descriptors(settings: &Settings) -> Result<()> {
    let closed = settings.inherit.iter().find(|fd| !fds::is_open(**fd));
    closed.map_or(Ok(()), |fd| Err(Error::configuration(format_args!("`inherit`: descriptor {fd} is not open"))))
}

/// A working directory that is missing is seen here, unless it is only found in the new root.
fn check_directory(settings: &Settings) -> Result<()> {
    let check = |key: &str, path: &Option<PathBuf>| match path {
        Some(path) => match fs::metadata(path) {
            Ok(status) if status.is_dir() => Ok(()),
            Ok(_) => Err(Error::configuration(format_args!("`{key}` `{}`: it is not a directory", path.display()))),
            Err(error) => Err(Error::configuration(format_args!("`{key}` `{}`: {}", path.display(), cause(&error)))),
        },
        None => Ok(()),
    };
    check("chroot", &settings.chroot)?;
    if settings.chroot.is_none() { check("working_directory", &settings.working_directory) } else { Ok(()) }
}

/// The directory of a default pidfile in somebody's home: made with mode 0700, if it is missing.
fn make_state_directory(pidfile: &Path) -> Result<()> {
    let Some(directory) = pidfile.parent() else { return Ok(()) };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| {
        Error::failed(ErrorKind::PidFileInaccessible, "make directory", directory.display(), cause(&error))
    })
}

/// Removes the variables that a service manager, a monitor or a predecessor set for this process, so that the programs
/// it starts do not inherit them. Closes a descriptor that the predecessor left open for this process.
///
/// A process with other threads, which never forks, has to keep the variables: `unsetenv(3)` would race with their `getenv(3)`.
fn forget_what_is_meant_for_this_process(alone: Option<Alone>) {
    RestartedFrom::discard();
    let Some(alone) = alone else { return };
    own_variables().for_each(|name| environment::forget(alone, name));
}

/// Returns the variables that a service manager, a monitor or a predecessor sets for one process.
fn own_variables() -> impl Iterator<Item = &'static str> {
    notifier::variables().chain([monitor::STOP_TIMEOUT, inside::RESTART_ENV])
}
