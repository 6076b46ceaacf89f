//! Checks before the pidfile is touched: every mistake that can be found while an older daemon may still run.

use super::container;
use super::detach::should_detach;
use super::monitor_env;
use super::pidfile_path;
use super::single_thread::{find_single_thread, never_forks, refuse_event_loops, require_single_thread};
use super::stages::privileges::{self, Privileges};
use super::streams::{self, Streams};
use crate::attach::AttachContext;
use crate::context;
use crate::error::{Error, ErrorKind, Result, cause};
use crate::sd_notify::{ServiceEnvironment, ServiceManager};
use crate::self_restart::{self, RestartedFrom};
use crate::settings::{Settings, When};
use crate::signal::Signal;
use crate::signals::Signals;
use crate::stage::Stage;
use crate::sys::env as environment;
use crate::sys::fds::{self, OpenFds};
use crate::sys::fork::Alone;
use crate::sys::outlined::Outlined;
use crate::{event, report};
use nix::unistd::{Gid, Uid};
use std::fs;
use std::os::fd::RawFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// A launch whose settings are checked, but whose pidfile is not locked yet.
pub(crate) struct Preflight {
    pub(super) settings: Outlined<Settings>,
    /// `true` if the daemon forks away from its terminal.
    pub(super) detached: bool,
    /// Empty without a pidfile: see `pidfile_path`.
    pub(super) pidfile: PathBuf,
    pub(super) privileges: Option<Privileges>,
    /// The attachments get this.
    pub(super) attach_context: AttachContext,
    pub(super) streams: Box<dyn Streams>,
    /// Descriptors from 3 on that were inherited through `execve(2)`.
    pub(super) leaked: Vec<RawFd>,
    /// Proof that this process has one thread, which every fork needs.
    pub(super) single_thread: Option<Alone>,
    pub(super) service: &'static ServiceEnvironment,
    /// The service manager that wants notifications about the daemon.
    pub(super) manager: Option<&'static ServiceManager>,
    /// `true` if the environment has a variable that is meant for this process alone: see `own_environment`.
    pub(super) has_own_variables: bool,
    /// Leads to the service manager through the init that this daemon has: see `container_init`.
    pub(super) init_socket: Option<UnixDatagram>,
    /// The daemon that started this process to take over from it.
    pub(super) restarted_from: Option<RestartedFrom>,
}

impl Preflight {
    /// Checks the settings and the process, and opens the log files. Neither a pidfile nor a process is created.
    pub(crate) fn check(settings: Outlined<Settings>) -> Result<Outlined<Preflight>> {
        let restarted_from = RestartedFrom::take(&settings.name);
        match check(settings, restarted_from.as_ref()) {
            Ok(mut preflight) => {
                preflight.restarted_from = restarted_from;
                Ok(preflight)
            }
            Err(error) => {
                if let Some(daemon) = restarted_from {
                    daemon.refuse(&error);
                }
                Err(error)
            }
        }
    }

    pub(crate) fn has_pidfile(&self) -> bool {
        !self.pidfile.as_os_str().is_empty()
    }

    /// Returns `true` if the running daemon has started this process to take over from it, and stops by itself.
    pub(crate) fn is_restart(&self) -> bool {
        self.restarted_from.is_some()
    }

    /// Returns `true` if hooks, attachments, a logger or NSS modules (which look up users and groups) may have run in this process
    /// since its threads were counted.
    pub(super) fn runs_user_code_before_fork(&self) -> bool {
        let settings = &self.settings;
        let has_hooks = settings.hooks.has(Stage::Detach, When::Before);
        has_hooks
            || report::has_logger()
            || !settings.attachments.is_empty()
            || settings.user.is_some()
            || settings.group.is_some()
    }

    /// Returns `true` if a callback or a logger runs in the launcher after GO, where it may take long, or fork.
    pub(super) fn runs_user_code_after_go(&self) -> bool {
        report::has_logger() || self.settings.on_output.is_some()
    }

    /// Returns `true` if the daemon sends its addresses before the pidfile is written.
    pub(super) fn sends_addresses(&self) -> bool {
        !self.settings.attachments.is_empty()
    }
}

fn check(settings: Outlined<Settings>, restarted_from: Option<&RestartedFrom>) -> Result<Outlined<Preflight>> {
    let mut settings = check_settings(settings)?;
    let detached = should_detach(&settings, restarted_from);
    let pidfile = pidfile_path::determine(&settings, detached)?;
    // fork(2) copies the calling thread only: a lock that another thread holds would stay locked in the daemon for ever.
    let single_thread = if never_forks(&settings) { find_single_thread() } else { Some(require_single_thread()?) };
    if let (Some(single_thread), Some(_)) = (single_thread, restarted_from) {
        // Programs that this one starts must not take over.
        environment::forget(single_thread, self_restart::RESTART_ENV);
    }
    check_descriptors(&settings)?;
    check_directory(&settings)?;
    let census = OpenFds::find().map_err(|error| Error::system("list the open descriptors", cause(&error)))?;
    let OpenFds { leaked, own } = census;
    if detached {
        refuse_event_loops(&own, &settings)?;
    }
    settings.inherit.extend(event::descriptors());
    let privileges = privileges::resolve(&settings)?;
    if privileges.is_some() && single_thread.is_none() {
        // Capabilities, no_new_privs and the keyring are attributes of a thread, not of the process (capabilities(7)).
        require_single_thread()?;
    }
    let owner = privileges.as_ref().map_or((None, None), Privileges::owner);
    let attach_context = check_attachments(&settings, &pidfile, owner)?;
    let streams = streams::open_streams(&mut settings, detached, owner)?;
    let service = ServiceEnvironment::read(&leaked);
    let manager = service.manager(detached);
    if manager.is_some_and(ServiceManager::has_watchdog) && !settings.signals.mentions(Signal::SIGABRT) {
        // The watchdog of systemd ends a hung body with SIGABRT. A handler would wait for the body.
        settings.signals.merge(Signals::new().default_action(Signal::SIGABRT));
    }
    Ok(Outlined::new(Preflight {
        settings,
        detached,
        pidfile,
        privileges,
        attach_context,
        streams,
        leaked,
        single_thread,
        service,
        manager,
        has_own_variables: false,
        init_socket: None,
        restarted_from: None,
    }))
}

/// Completes the default grace, and checks the settings as such.
fn check_settings(mut settings: Outlined<Settings>) -> Result<Outlined<Settings>> {
    report::set_name(&settings.name);
    // Before the check, which refuses a default grace that is longer than a configured `stop_timeout`.
    match monitor_env::stop_timeout() {
        Some(stop_timeout) => {
            if let Some(warning) = settings.fit_grace_into(stop_timeout) {
                report::print(&warning);
            }
        }
        None => container::fit_grace(&mut settings),
    }
    settings.check()?;
    if let Some(context) = context::current() {
        let text = format!("failed to start: this process is already daemon `{}`", context.handle.name);
        return Err(Error::new(ErrorKind::Unsupported, text));
    }
    #[cfg(feature = "tokio")]
    super::single_thread::refuse_runtime(&settings)?;
    Ok(settings)
}

/// Lets each attachment check the launch. Returns what the attachments get.
fn check_attachments(
    settings: &Settings,
    pidfile: &Path,
    (user, group): (Option<Uid>, Option<Gid>),
) -> Result<AttachContext> {
    let (user, group) = (user.map(Uid::as_raw), group.map(Gid::as_raw));
    let context = AttachContext { name: settings.name.clone(), pidfile: pidfile.to_owned(), user, group };
    for attachment in &settings.attachments {
        attachment.check(&context).map_err(Error::configuration)?;
    }
    Ok(context)
}

/// Checks that the descriptors of `inherit` are open.
fn check_descriptors(settings: &Settings) -> Result<()> {
    match settings.inherit.iter().find(|fd| !fds::is_open(**fd)) {
        Some(fd) => Err(Error::configuration(format_args!("`inherit`: descriptor {fd} is not open"))),
        None => Ok(()),
    }
}

/// Checks the new root, and the working directory unless it is inside the new root.
fn check_directory(settings: &Settings) -> Result<()> {
    let (key, path) = match (&settings.chroot, &settings.working_directory) {
        (Some(root), _) => ("chroot", root),
        (None, Some(directory)) => ("working_directory", directory),
        (None, None) => return Ok(()),
    };
    match fs::metadata(path) {
        Ok(status) if status.is_dir() => Ok(()),
        Ok(_) => Err(Error::configuration(format_args!("`{key}` `{}`: it is not a directory", path.display()))),
        Err(error) => Err(Error::configuration(format_args!("`{key}` `{}`: {}", path.display(), cause(&error)))),
    }
}
