//! The process that is to be the daemon, from its first moment until every stage is done.
//!
//! It never returns an error to code of the user that is not expecting a second process: whatever goes wrong is told to
//! the launcher, and the process ends by `_exit`.

mod stages;

use super::announcement::{Announcement, Link};
use super::capture::Captured;
use super::identity::Target;
use super::signal_block::SignalBlock;
use super::{Launch, Plan, init};
use crate::attach::{Handle, Prepared};
use crate::body::{BodyResult, guarded};
use crate::error::{Error, ErrorKind, Result, cause};
use crate::inside::{self, Inside, Program};
use crate::notifier::Notifier;
use crate::pid::Pid;
use crate::process::Identity;
use crate::settings::{Settings, When};
use crate::signal::Signal;
use crate::signals::{Handlers, Registered};
use crate::stage::Stage;
use crate::stdout;
use crate::sys::fds;
use crate::sys::main_process::is_main_process;
use crate::sys::outlined::Outlined;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

/// A daemon on its way through the stages.
pub(crate) struct Birth {
    launch: Launch,
    /// To the launcher, where it is another process.
    link: Option<Link>,
    /// Where there is none: undoes the block of all signals, should this fail.
    block: Option<SignalBlock>,
    /// Whether stdout and stderr lead to the launcher.
    captured: bool,
    /// Whether they have yet to be put in place when the daemon is ready.
    outputs_due: bool,
    /// Known as soon as the pidfile is written: by the launcher, or without one by this process.
    identity: Option<Identity>,
    program: Program,
    /// To the service manager, if one wants to hear.
    notifier: Option<Notifier>,
    /// The signals that were ignored at the fork, if a launcher has said so.
    ignored: Option<Vec<Signal>>,
    /// Set if code of the user's runs in this process before the body does.
    runs_foreign_code: bool,
    /// Blocked until they are registered; none when the stage was replaced.
    handled: Vec<Signal>,
    /// How many attachments are, in their order.
    prepared: usize,
    /// Where they can be reached.
    addresses: Vec<String>,
    done: usize,
}

/// What is left of a birth when every stage is done.
pub(super) struct Born {
    pub(super) settings: Outlined<Settings>,
    pub(super) inside: Box<Inside>,
    pub(super) announcement: Box<Announcement>,
    /// As in [`Birth`]: not needed any more once the daemon lives.
    pub(super) block: Option<SignalBlock>,
}

impl Birth {
    /// In the new process, first of all.
    pub(super) fn detached(launch: Launch, link: Link, captured: Option<Captured>) -> Box<Birth> {
        link.die_with_session_leader();
        let is_captured = captured.is_some();
        let installed = captured.map_or(Ok(()), Captured::install);
        match installed.map_err(|errno| Error::stage(Stage::Detach, cause(&errno.into()))) {
            Ok(()) => Birth::new(launch, Some(link), None, is_captured, None).greeted_or_ended(),
            Err(error) => link.give_up(&error),
        }
    }

    /// Without a fork: in the process that called.
    pub(super) fn here(block: SignalBlock, launch: Launch) -> Result<Box<Birth>> {
        // Before a change of root may hide `/proc`.
        let identity = Identity::of(Pid::this())
            .map_err(|error| Error::failed(ErrorKind::System, "identify process", Pid::this(), cause(&error)))?;
        let birth = Birth::new(launch, None, Some(block), false, Some(identity));
        birth.launch.hook(Stage::Detach, When::After)?;
        Ok(birth)
    }

    fn new(
        mut launch: Launch,
        link: Option<Link>,
        block: Option<SignalBlock>,
        captured: bool,
        identity: Option<Identity>,
    ) -> Box<Birth> {
        if let (Some(_), Some(lock)) = (&link, &mut launch.lock) {
            // The launcher writes the pidfile: nothing of it but the lock is open here when the user changes.
            lock.keep_lock_only();
        }
        let program = Program::new();
        let notifier = init::connect(&mut launch.plan);
        launch.plan.told.handed_over.iter().for_each(|(_, fd)| fds::close_on_exec(*fd));
        let (ignored, handled) = (None, Vec::new());
        let (outputs_due, prepared, addresses) = (false, 0, Vec::new());
        let settings = &launch.plan.settings;
        let runs_foreign_code = settings.hooks.any() || !settings.attachments.is_empty();
        let mut birth = Box::new(Birth {
            launch,
            link,
            block,
            captured,
            outputs_due,
            identity,
            program,
            notifier,
            ignored,
            runs_foreign_code: false,
            handled,
            prepared,
            addresses,
            done: 1,
        });
        if runs_foreign_code {
            birth.expect_foreign_code();
        }
        birth
    }

    /// Called before code of the user's runs between stages: it may change anything that this process would know otherwise.
    pub(crate) fn expect_foreign_code(&mut self) {
        self.runs_foreign_code = true;
        self.program.look();
    }

    /// The first hooks in the new process. An error does not come back: it ends this process.
    fn greeted_or_ended(self: Box<Birth>) -> Box<Birth> {
        let _ = self.settle(self.launch.hook(Stage::Detach, When::After));
        self
    }

    /// Returns this process's identity, as it stands in the pidfile; with a launcher, waits until it has written it.
    fn identity(&mut self) -> Result<Identity> {
        if let (None, Some(link)) = (&self.identity, &self.link) {
            let (identity, ignored) = link.wait_for_pidfile()?;
            (self.identity, self.ignored) = (Some(identity), Some(ignored));
        }
        self.identity.clone().ok_or_else(|| Error::system("identify this process", "the launcher did not say"))
    }

    /// P6: the pidfile names this process from here on.
    fn seal(&mut self) -> Result<()> {
        let identity = self.identity()?;
        let Some(lock) = &mut self.launch.lock else { return Ok(()) };
        if self.link.is_none() && lock.pid().is_none() {
            lock.write(&identity, &self.addresses)?;
            lock.renew_last_words();
            lock.keep_lock_only();
        }
        lock.adopt(identity);
        Ok(())
    }

    /// While this process still is the user that may write the pidfile: with a launcher, everything that goes into it is
    /// said; without one, it is written.
    fn seal_before_identity(&mut self) -> Result<()> {
        let changes_user = self.launch.plan.identity.as_ref().is_some_and(Target::is_one_way);
        match &self.link {
            Some(link) if self.launch.plan.tells_addresses() => {
                link.send_addresses(&self.addresses, &self.launch.plan.pidfile)
            }
            None if changes_user && !self.replaces(Stage::PidFile) => self.seal(),
            _ => Ok(()),
        }
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
            let prepared = match stage {
                Stage::Identity => self.prepare_attachments().and_then(|()| self.seal_before_identity()),
                _ => Ok(()),
            };
            let outcome = prepared.and_then(|()| self.run_stage(*stage));
            self.settle(outcome)?;
        }
        Ok(())
    }

    fn run_stage(&mut self, stage: Stage) -> Result<()> {
        self.launch.hook(stage, When::Before)?;
        if self.replaces(stage) {
            self.launch.hook(stage, When::Instead)?;
        } else {
            self.default(stage)?;
        }
        if let (Stage::Identity, Some(link), true) = (stage, &self.link, self.may_have_changed()) {
            // A change of user clears it.
            link.die_with_session_leader();
        }
        self.launch.hook(stage, When::After)
    }

    /// While this process still has the launcher's rights and root.
    fn prepare_attachments(&mut self) -> Result<()> {
        for attachment in &self.launch.plan.settings.attachments.clone() {
            let mut prepared = Prepared::default();
            let ending = guarded("it", || match attachment.prepare(&self.launch.plan.planned) {
                Ok(made) => {
                    prepared = made;
                    BodyResult::success()
                }
                Err(error) => BodyResult::failure(format!("{error}")),
            });
            if let Some(error) = ending.error() {
                return Err(Error::system("prepare what is attached to the daemon", error));
            }
            self.prepared += 1;
            self.addresses.extend(prepared.addresses);
            self.launch.plan.settings.inherit.extend(prepared.descriptors);
        }
        Ok(())
    }

    /// What was prepared for a daemon that will not be ends again, the last one first.
    fn end_attachments(&self) {
        for attachment in self.launch.plan.settings.attachments[..self.prepared].iter().rev() {
            inside::report_failure(|| attachment.end());
        }
    }

    fn replaces(&self, stage: Stage) -> bool {
        self.launch.plan.settings.hooks.replaces(stage)
    }

    /// Every stage is done.
    pub(super) fn born(mut self: Box<Birth>, leave: fn() -> !) -> Result<Born> {
        self.run_to(Stage::Stdio)?;
        let identity = self.identity();
        let identity = self.settle(identity)?;
        let direct = self.launch.plan.settings.signals.direct();
        let registered = Registered::new(std::mem::take(&mut self.handled), direct);
        let registered = registered.map_err(|error| Error::stage(Stage::Signals, cause(&error)));
        let registered = Arc::new(self.settle(registered)?);
        let mut stops = self.launch.plan.settings.signals.stops();
        if self.replaces(Stage::Signals) {
            stops.clear();
        }
        if let Some(lock) = &mut self.launch.lock {
            lock.keep_lock_only();
        }
        let Launch { plan, lock } = self.launch;
        let Plan { settings, detached, pidfile, streams, identity: target, told, .. } = plan.into_inner();
        let changes_user = target.as_ref().is_some_and(Target::changes_user);
        let obstacle = match target {
            Some(target) if target.is_one_way() => {
                Some("it has changed its user or root and could not start as it did")
            }
            _ if told.started_by_systemd => {
                Some("systemd would take that for the end of the service: let `systemctl restart` do it")
            }
            _ if is_main_process() => Some(init::REFUSES_RESTART),
            _ if lock.is_none() => Some("it runs without a pidfile: let its service manager restart it"),
            _ => None,
        };
        let inside = Box::new(Inside {
            handle: Handle {
                name: settings.name.clone(),
                pidfile,
                is_default_pidfile: settings.pidfile.is_none(),
                // Only attachments ask for it, and the first look at the clock costs two page faults.
                since: if settings.attachments.is_empty() { SystemTime::UNIX_EPOCH } else { SystemTime::now() },
                addresses: self.addresses,
                process: settings.process_control.clone(),
            },
            identity,
            stops,
            grace: settings.grace(),
            handlers: Arc::new(Handlers::new(Arc::clone(&registered))),
            registered,
            attachments: Mutex::default(),
            phase: Mutex::default(),
            notifier: self.notifier.map(Arc::new),
            handed_over: Mutex::new(told.handed_over.clone()),
            lock: Mutex::new(lock.map(|lock| *lock)),
            pending: Mutex::new(None),
            program: self.program,
            detached,
            obstacle,
            start_timeout: settings.start_timeout,
            stop_timeout: settings.stop_timeout(),
            leave,
        });
        let dumpable = settings.core_dumps && changes_user;
        let announcement = Announcement { link: self.link, streams, outputs_due: self.outputs_due, dumpable };
        let announcement = Box::new(announcement);
        Ok(Born { settings, inside, announcement, block: self.block })
    }

    /// An error ends this process if there is a launcher to tell it to; otherwise it is the caller's.
    fn settle<T>(&self, outcome: Result<T>) -> Result<T> {
        outcome.inspect_err(|error| {
            self.end_attachments();
            if let Some(link) = &self.link {
                stdout::flush();
                link.give_up(error);
            }
        })
    }
}
