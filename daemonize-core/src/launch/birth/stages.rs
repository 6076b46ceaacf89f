//! The default action of each stage, unless a hook replaces it.

use super::Birth;
use crate::error::{Error, Result, cause};
use crate::settings::{Close, Ready};
use crate::signal::Signal;
use crate::stage::Stage;
use crate::stdout;
use crate::sys::fds;
use crate::sys::fork::Alone;
use crate::sys::signal_disposition::{self, Disposition};
use crate::sys::signal_mask::Mask;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::{Mode, umask};
use nix::unistd::chdir;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::Path;

/// The umask of a daemon that asks for none: what it makes is its own.
const UMASK: u32 = 0o077;

/// Ignored in a daemon: without a terminal they mean nothing.
const TERMINAL: [Signal; 3] = [Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU];

impl Birth {
    pub(super) fn default(&mut self, stage: Stage) -> Result<()> {
        let detached = self.launch.plan.detached;
        let settings = &self.launch.plan.settings;
        match stage {
            Stage::CoreDumps if settings.core_dumps => {}
            Stage::CoreDumps => {
                setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(|errno| Error::stage(stage, cause(&errno.into())))?;
            }
            Stage::Identity => {
                if let Some(target) = &self.launch.plan.identity {
                    target.assume(self.alone())?;
                }
            }
            Stage::Umask => {
                if let Some(mask) = settings.umask.or(detached.then_some(UMASK)) {
                    umask(Mode::from_bits_truncate(mask));
                }
            }
            Stage::WorkingDirectory => match settings.working_directory.as_deref() {
                Some(directory) => enter(directory)?,
                None if detached => chdir(c"/").map_err(|errno| not_entered(Path::new("/"), errno))?,
                None => {}
            },
            Stage::PidFile => self.seal()?,
            Stage::Signals => self.set_signals(),
            Stage::Descriptors if detached => self.close_descriptors()?,
            Stage::Detach | Stage::Descriptors => {}
            Stage::Stdio => self.install_streams()?,
        }
        Ok(())
    }

    /// Returns `true` if this process may be another one than at its fork: it has changed its identity, or has run code of
    /// the user's.
    pub(super) fn may_have_changed(&self) -> bool {
        self.launch.plan.identity.is_some() || self.runs_foreign_code
    }

    /// Returns the proof that this process has one thread, as it was forked with, if no code of the user can have made another.
    fn alone(&self) -> Option<Alone> {
        self.launch.plan.alone.filter(|_| self.is_detached() && !self.runs_foreign_code)
    }

    /// Dispositions under the block, and only what was ignored: handlers of this program's own registering stay.
    fn set_signals(&mut self) {
        let were_ignored =
            self.ignored.take().filter(|_| !self.runs_foreign_code).unwrap_or_else(signal_disposition::ignored);
        let signals = &self.launch.plan.settings.signals;
        // A closed pipe is an error, not a death, as everywhere in Rust.
        let mut ignored = vec![Signal::SIGPIPE];
        if self.launch.plan.detached {
            ignored.extend(TERMINAL);
        }
        ignored.retain(|signal| !signals.mentions(*signal));
        ignored.extend(signals.ignored());
        let defaults = signals.wanting_default().chain(were_ignored);
        for signal in defaults.filter(|signal| !ignored.contains(signal)) {
            signal_disposition::set(signal, Disposition::Default);
        }
        for signal in &ignored {
            signal_disposition::set(*signal, Disposition::Ignore);
        }
        self.handled = signals.handled();
        Mask::of(self.handled.iter().copied()).set();
    }

    fn close_descriptors(&self) -> Result<()> {
        let mut kept = self.kept_by_the_user();
        match self.launch.plan.settings.close {
            Close::None => Ok(()),
            Close::Inherited => {
                let mut leaked = self.launch.plan.leaked.clone();
                leaked.retain(|fd| !kept.contains(fd));
                if self.runs_foreign_code || self.launch.plan.has_own_variables {
                    // Such code may have closed some, as this process has closed the descriptor of a daemon that restarts
                    // itself. Other files may have their numbers now.
                    leaked.retain(|fd| fds::is_inherited(*fd));
                }
                fds::close_leaked(&leaked);
                Ok(())
            }
            Close::All => {
                if let Some(lock) = &self.launch.lock {
                    kept.append(&mut lock.descriptors());
                }
                kept.append(&mut self.launch.plan.streams.descriptors());
                if let Some(link) = &self.link {
                    kept.push(link.ready.as_fd().as_raw_fd());
                }
                if let Some(notifier) = &self.notifier {
                    kept.push(notifier.as_fd().as_raw_fd());
                }
                fds::close_all_but(&kept).map_err(|error| Error::stage(Stage::Descriptors, cause(&error)))
            }
        }
    }

    /// Returns the descriptors that `inherit` names, and those that socket activation handed over.
    fn kept_by_the_user(&self) -> Vec<RawFd> {
        let mut kept = self.launch.plan.settings.inherit.clone();
        for (_, fd) in &self.launch.plan.told.handed_over {
            kept.push(*fd);
        }
        kept
    }

    /// Redirects the standard streams. Output that the user's code may print before the daemon is ready still reaches the
    /// launcher.
    fn install_streams(&mut self) -> Result<()> {
        self.launch.plan.streams.install_input()?;
        let settings = &self.launch.plan.settings;
        let speaks_on = settings.ready == Ready::Manual || !settings.attachments.is_empty();
        self.outputs_due = self.captured && speaks_on;
        if self.outputs_due {
            return Ok(());
        }
        // The launcher has emptied the buffer before the fork.
        if self.link.is_none() || self.runs_foreign_code {
            stdout::flush();
        }
        self.launch.plan.streams.install_outputs()
    }
}

fn enter(directory: &Path) -> Result<()> {
    chdir(directory).map_err(|errno| not_entered(directory, errno))
}

fn not_entered(directory: &Path, errno: nix::Error) -> Error {
    Error::stage(Stage::WorkingDirectory, format_args!("`{}`: {}", directory.display(), cause(&errno.into())))
}
