//! The service manager that has a daemon: found, asked, and told what to do instead of the daemon.
//!
//! | manager | a process is the service's if | actions |
//! |---|---|---|
//! | systemd | its cgroup names a unit, and the manager of that unit says that it is the main process | `systemctl` |
//! | OpenRC | `/run/openrc` names it as the process of a started service | `rc-service` |
//! | s6, runit | its parent is the supervisor of a service directory | `s6-svc`, `sv` |
//!
//! The claims of other users are not believed: a name of a process or of a cgroup leads to a candidate, and no action is
//! performed unless the service is of the calling user (for root: of the machine), and executes the calling program. So the
//! pidfile of a compromised daemon cannot make root stop another service.

mod action;
mod cgroup;
pub(crate) mod command_line;
mod managed_error;
mod openrc;
mod process;
mod small_file;
mod supervise_directory;
mod systemd;
pub(crate) mod tool;

use crate::manager_kind::{Manager, Scope};
use command_line::{CommandLine, shown};
use daemonize_sys::account::find_uid;
use daemonize_sys::escape::escape;
use daemonize_sys::pid::Pid;
use daemonize_sys::pidfd::PidFd;
use nix::unistd::geteuid;
use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub use action::Action;
pub use managed_error::{ManagedError, ManagedErrorKind};

/// The time that an action has: longer than any start or stop that is not stuck. The manager goes on when it has passed.
const ACTION_TIMEOUT: Duration = Duration::from_secs(600);

/// The time in which the old process of a restart has to end after the tool has returned.
const END_TIMEOUT: Duration = Duration::from_secs(60);

/// A daemon's service: a unit of systemd, a script of OpenRC, a service directory of s6 or runit.
///
/// ```no_run
/// use daemon::cli::{Action, managing};
///
/// # fn stop(pid: daemon::Pid) -> Result<(), daemon::cli::ManagedError> {
/// if let Some(service) = managing(pid)? {
///     println!("{}", service.command_line(Action::Stop).unwrap_or_default());
///     service.perform(Action::Stop)?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Managed(FoundService);

/// The service of one of the managers.
#[derive(Clone, Debug, PartialEq, Eq)]
enum FoundService {
    Systemd(systemd::Unit),
    OpenRc(openrc::Script),
    Supervised(supervise_directory::SuperviseDirectory),
}

/// Returns the service of which a process is the main process; `None` for a process that was started by hand, by cron, or by
/// another process of a service.
///
/// Asks systemd by `systemctl show`, and reads `/proc` and `/run/openrc`. A user other than root finds services that run as
/// that user.
///
/// # Errors
/// Returns an error if the process is in a unit of systemd, which does not answer within 2 seconds or has no tools.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let service = daemon::cli::managing(daemon::Pid::this())?;
/// println!("{:?}", service.map(|service| service.unit()));
/// # Ok(())
/// # }
/// ```
pub fn managing(pid: Pid) -> Result<Option<Managed>, ManagedError> {
    if let Some(unit) = systemd::unit_of(pid)? {
        return Ok(Some(Managed(FoundService::Systemd(unit))));
    }
    let supervised = || supervise_directory::directory_of(pid).map(FoundService::Supervised);
    Ok(openrc::script_of(pid).map(FoundService::OpenRc).or_else(supervised).map(Managed))
}

/// Returns the service of this name in a scope, if it executes the calling program: of the machine, or of the calling user.
/// Another program's service of the same name is none.
///
/// # Errors
/// Returns an error if systemd runs and does not answer within 2 seconds.
///
/// ```no_run
/// use daemon::cli::{Scope, installed};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// println!("{}", installed("web", Scope::System)?.is_some());
/// # Ok(())
/// # }
/// ```
pub fn installed(name: &str, scope: Scope) -> Result<Option<Managed>, ManagedError> {
    let user = (scope == Scope::User).then(|| geteuid().as_raw());
    let mut found = systemd::installed(name, user)?.map(FoundService::Systemd);
    if scope == Scope::System {
        let supervised = |manager| supervise_directory::installed(name, manager).map(FoundService::Supervised);
        found = found
            .or_else(|| openrc::installed(name).map(FoundService::OpenRc))
            .or_else(|| supervised(Manager::Runit))
            .or_else(|| supervised(Manager::S6));
    }
    Ok(found.map(Managed).filter(Managed::is_own_program))
}

/// Returns the service that is the daemon `name` of the calling user: beside it, a start by hand would be a second copy.
///
/// For root it is the machine's service of that name, whichever user it runs as. For another user it is that user's own service,
/// or the machine's if it runs as that user (`User=`); one that runs as another user has other files, and is another daemon.
///
/// # Errors
/// Returns an error if systemd runs and does not answer within 2 seconds.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// if let Some(service) = daemon::cli::service_of("web")? {
///     eprintln!("`{}` is installed", service.unit());
/// }
/// # Ok(())
/// # }
/// ```
pub fn service_of(name: &str) -> Result<Option<Managed>, ManagedError> {
    if geteuid().is_root() {
        return installed(name, Scope::System);
    }
    if let Some(own) = installed(name, Scope::User)? {
        return Ok(Some(own));
    }
    Ok(installed(name, Scope::System)?.filter(Managed::runs_as_caller))
}

impl Managed {
    /// Returns the service manager.
    pub fn manager(&self) -> Manager {
        match &self.0 {
            FoundService::Systemd(_) => Manager::Systemd,
            FoundService::OpenRc(_) => Manager::OpenRc,
            FoundService::Supervised(directory) => directory.manager,
        }
    }

    /// Returns the owner: the machine or a user.
    pub fn scope(&self) -> Scope {
        let is_users = match &self.0 {
            FoundService::Systemd(unit) => unit.user.is_some(),
            FoundService::OpenRc(_) => false,
            FoundService::Supervised(directory) => directory.owner != 0,
        };
        if is_users { Scope::User } else { Scope::System }
    }

    /// Returns the name that the manager uses: a unit such as `web.service`, a script such as `web`, the path of a service directory
    /// with its control characters escaped.
    pub fn unit(&self) -> String {
        match &self.0 {
            FoundService::Systemd(unit) => unit.name.clone(),
            FoundService::OpenRc(script) => script.name.clone(),
            FoundService::Supervised(directory) => escape(&directory.path.to_string_lossy()).into_owned(),
        }
    }

    /// Returns the state in the manager's words, such as `active` or `failed`; `None` if the manager has no words for it.
    pub fn state(&self) -> Option<&str> {
        match &self.0 {
            FoundService::Systemd(unit) => Some(&unit.state),
            FoundService::OpenRc(script) if script.is_started => Some("started"),
            FoundService::OpenRc(_) => Some("stopped"),
            FoundService::Supervised(_) => None,
        }
    }

    /// Returns the words of the command that performs an action, without a path: of the last one, if there are two. `None` if the
    /// manager knows no such action: s6 and runit know no reload, so that the program reloads the daemon itself.
    pub fn command(&self, action: Action) -> Option<Vec<OsString>> {
        self.lines(action).last().map(CommandLine::words)
    }

    /// Returns the command that performs an action as one line, quoted for a shell; `None` if the manager knows no such action. A
    /// restart by s6 and runit is a stop and a start.
    pub fn command_line(&self, action: Action) -> Option<String> {
        let lines: Vec<String> = self.lines(action).iter().map(|line| shown(&line.words())).collect();
        (!lines.is_empty()).then(|| lines.join(" && "))
    }

    /// Performs an action by the manager's tool, which is searched in root's directories and not in `PATH`, and waits until it has
    /// finished, at most 10 minutes. Does nothing if the manager knows no such action.
    ///
    /// # Errors
    /// Returns [`ManagedErrorKind::Refused`], naming the command, if the service belongs to another user or executes another
    /// program; otherwise an error with the tool's output if it failed.
    pub fn perform(&self, action: Action) -> Result<(), ManagedError> {
        let lines = self.lines(action);
        let Some(command) = self.command_line(action) else { return Ok(()) };
        let refused = |reason: &str| {
            let text = format!("failed to {} `{}`: {reason}; run `{command}`", action.name(), self.unit());
            Err(ManagedError::new(ManagedErrorKind::Refused, text))
        };
        if let Some(reason) = self.refusal() {
            return refused(&reason);
        }
        if !self.is_own_program() {
            return refused("it executes another program than this one");
        }
        let is_restart = matches!(action, Action::Restart | Action::TryRestart);
        let old = self.main().filter(|_| is_restart).and_then(|pid| PidFd::open(pid).ok());
        lines.iter().try_for_each(|line| tool::succeed(line, ACTION_TIMEOUT).map(drop))?;
        old.map_or(Ok(()), |process| self.wait_for_end(&process, action))
    }

    /// Returns `true` if the manager has started this very process for the service: as its main process, or as a command of it such
    /// as `ExecReload=`. A verb then acts itself: the manager waits for it. A child of the daemon is not such a process.
    pub fn is_caller(&self) -> bool {
        match &self.0 {
            FoundService::Systemd(unit) => unit.is_caller(),
            FoundService::OpenRc(script) => script.is_caller(),
            FoundService::Supervised(directory) => directory.is_caller(),
        }
    }

    /// Returns the command that prints the last `lines` lines of the service's journal (all if `None`), and with `follow` the ones to
    /// come; `None` if the manager keeps no journal. Its output is this process's own.
    ///
    /// # Errors
    /// Returns an error if `journalctl` is not installed.
    pub fn journal(&self, lines: Option<usize>, follow: bool) -> Result<Option<Command>, ManagedError> {
        let FoundService::Systemd(unit) = &self.0 else { return Ok(None) };
        let mut command = tool::command(&unit.journal(lines, follow))?;
        command.stdout(Stdio::inherit()).stderr(Stdio::inherit());
        Ok(Some(command))
    }

    fn wait_for_end(&self, process: &PidFd, action: Action) -> Result<(), ManagedError> {
        if process.wait(Instant::now() + END_TIMEOUT).unwrap_or(true) {
            return Ok(());
        }
        let (action, unit, seconds) = (action.name(), self.unit(), END_TIMEOUT.as_secs());
        let text = format!("failed to {action} `{unit}`: its process has not ended after {seconds} s");
        Err(ManagedError::new(ManagedErrorKind::Failed, text))
    }

    /// Returns the main process, if there is one.
    fn main(&self) -> Option<Pid> {
        match &self.0 {
            FoundService::Systemd(unit) => unit.main,
            FoundService::OpenRc(script) => script.main,
            FoundService::Supervised(directory) => directory.main,
        }
    }

    fn lines(&self, action: Action) -> Vec<CommandLine> {
        match &self.0 {
            FoundService::Systemd(unit) => vec![unit.command_line(action)],
            FoundService::OpenRc(script) => vec![script.command_line(action)],
            FoundService::Supervised(directory) => directory.command_lines(action),
        }
    }

    fn refusal(&self) -> Option<String> {
        match &self.0 {
            FoundService::Systemd(unit) => unit.refusal(),
            FoundService::OpenRc(script) => script.refusal(),
            FoundService::Supervised(directory) => directory.refusal(),
        }
    }

    fn is_own_program(&self) -> bool {
        match &self.0 {
            FoundService::Systemd(unit) => unit.is_own_program,
            FoundService::OpenRc(script) => script.is_own_program,
            FoundService::Supervised(directory) => directory.is_own_program,
        }
    }

    /// Returns `true` for a service of the machine that runs as the calling user.
    fn runs_as_caller(&self) -> bool {
        let FoundService::Systemd(systemd::Unit { runs_as: Some(user), .. }) = &self.0 else { return false };
        find_uid(user).is_ok_and(|uid| uid == geteuid())
    }
}
