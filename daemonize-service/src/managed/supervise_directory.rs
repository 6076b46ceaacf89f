//! Service directories of runit and s6 (`runsv(8)`, `s6-supervise`): each has a supervisor, the parent of the daemon, whose working
//! directory it is.

use super::action::Action;
use super::command_line::CommandLine;
use super::process::{is_own_program, own_ancestors, own_program, parent, runs_own_program, working_directory};
use super::small_file;
use crate::manager_kind::Manager;
use daemonize_sys::account::describe;
use daemonize_sys::pid::Pid;
use daemonize_sys::proc::{Users, name_of};
use daemonize_sys::trust::SAFE_FLAGS;
use daemonize_sys::trust::directory::{DirectoryPolicy, open_directory};
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::{Uid, geteuid};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The directories in which services of the machine are linked, of runit and of s6.
const RUNIT_SCAN_DIRECTORIES: [&str; 3] = ["/etc/service", "/service", "/var/service"];
const S6_SCAN_DIRECTORIES: [&str; 3] = ["/run/service", "/service", "/var/service"];

/// The milliseconds that `s6-svc` waits for a change of state.
const S6_WAIT: &str = "60000";

/// The seconds that `sv` waits for a change of state.
const RUNIT_WAIT: &str = "60";

/// A service directory with a supervisor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SuperviseDirectory {
    /// [`Manager::Runit`] or [`Manager::S6`].
    pub(super) manager: Manager,
    /// The directory.
    pub(super) path: PathBuf,
    /// The user that the supervisor runs as.
    pub(super) owner: u32,
    /// `true` if the service executes this very program.
    pub(super) is_own_program: bool,
    /// The main process, if it runs.
    pub(super) main: Option<Pid>,
}

/// Returns the service directory whose supervisor has started a process.
pub(super) fn directory_of(pid: Pid) -> Option<SuperviseDirectory> {
    let supervisor = parent(pid)?;
    let manager = supervisor_kind(supervisor)?;
    let owner = Users::of(supervisor).ok().filter(|users| users.are_all(users.real))?.real;
    // Any user can run a process with that name in that directory, but only as itself.
    if owner != 0 && owner != geteuid().as_raw() && !geteuid().is_root() {
        return None;
    }
    let path = working_directory(supervisor)?;
    let named = small_file::read_pid(&path.join("supervise/pid"));
    // runsv has another child, the logger of the service, and says which is which.
    if manager == Manager::Runit && named.is_some() && named != Some(pid) {
        return None;
    }
    Some(SuperviseDirectory { manager, path, owner, is_own_program: runs_own_program(pid), main: Some(pid) })
}

/// Returns the supervised directory of a service of the machine.
pub(super) fn installed(name: &str, manager: Manager) -> Option<SuperviseDirectory> {
    if name.is_empty() || name.starts_with('.') || name.contains('/') {
        return None;
    }
    let scanned = if manager == Manager::S6 { S6_SCAN_DIRECTORIES } else { RUNIT_SCAN_DIRECTORIES };
    let mut paths = scanned.iter().map(|directory| Path::new(directory).join(name));
    let path = paths.find(|path| is_supervised(path, manager))?;
    let is_own_program = runs(&path.join("run"));
    Some(SuperviseDirectory { manager, path, owner: 0, is_own_program, main: None })
}

impl SuperviseDirectory {
    /// Returns the command line of an action; `None` for a reload, of which supervisors know nothing but to send SIGHUP.
    pub(super) fn command_line(&self, action: Action) -> Option<CommandLine> {
        let (tool, options): (_, &[&str]) = match (self.manager, action) {
            (_, Action::Reload) => return None,
            (Manager::S6, Action::Start) => ("s6-svc", &["-u", "-wu", "-T", S6_WAIT]),
            (Manager::S6, Action::Stop) => ("s6-svc", &["-d", "-wD", "-T", S6_WAIT]),
            // `-r` restarts a service that is up, and does nothing else. Nothing is known of its process: if it is down, there is nothing to wait for.
            (Manager::S6, Action::Restart | Action::TryRestart) => ("s6-svc", &["-r"]),
            (_, action) => ("sv", &["-w", RUNIT_WAIT, action.name()]),
        };
        let mut line = CommandLine::new(tool, options);
        line.arguments.push(self.path.as_os_str().to_owned());
        Some(line)
    }

    /// Returns the reason why another user has to perform actions; `None` if this process may try.
    ///
    /// The tools write to a FIFO in the directory. A user could have put a link there to a file of root's.
    pub(super) fn refusal(&self) -> Option<String> {
        let owner = Uid::from_raw(self.owner);
        if owner != geteuid() {
            return Some(format!("`{}` is a service of {}", self.path.display(), describe(owner)));
        }
        // The second one is often given to a user, who may then control the service.
        let directories = [self.path.clone(), self.path.join("supervise")];
        directories.iter().find_map(|directory| open_directory(directory, DirectoryPolicy::PidFile).err())
    }

    /// Returns `true` if the supervisor has started this process for the service, as its main process or as a script such as
    /// `finish`.
    pub(super) fn is_caller(&self) -> bool {
        let chain = own_ancestors();
        let is_below_daemon = self.main.is_some_and(|main| main != Pid::this() && chain.contains(&main));
        !is_below_daemon && chain.iter().skip(1).any(|pid| self.is_supervisor(*pid))
    }

    /// Returns the command lines of an action, in their order. A restart of a service whose process is known is a stop and a start: one that
    /// ends in order, as it does then, stays down if its script `finish` says so (the restart policy `on-failure`), and the tools' own restart
    /// waits in vain.
    pub(super) fn command_lines(&self, action: Action) -> Vec<CommandLine> {
        let actions: &[Action] = match action {
            Action::Restart => &[Action::Stop, Action::Start],
            Action::TryRestart if self.main.is_some() => &[Action::Stop, Action::Start],
            _ => &[action],
        };
        actions.iter().filter_map(|action| self.command_line(*action)).collect()
    }

    fn is_supervisor(&self, pid: Pid) -> bool {
        let is_same = |path: PathBuf| path.canonicalize().ok() == self.path.canonicalize().ok();
        supervisor_kind(pid) == Some(self.manager) && working_directory(pid).is_some_and(is_same)
    }
}

fn supervisor_kind(pid: Pid) -> Option<Manager> {
    match name_of(pid).ok()?.as_str() {
        "runsv" => Some(Manager::Runit),
        "s6-supervise" => Some(Manager::S6),
        _ => None,
    }
}

/// Returns `true` if a supervisor has the FIFO of a directory open for reading. Asks nothing in a directory that is not root's.
fn is_supervised(path: &Path, manager: Manager) -> bool {
    let is_roots = path.metadata().is_ok_and(|status| status.is_dir() && status.uid() == 0);
    // runsv has a FIFO for this question; s6-supervise has `control` alone.
    let is_runit = has_reader(&path.join("supervise/ok"));
    is_roots && if manager == Manager::S6 { !is_runit && has_reader(&path.join("supervise/control")) } else { is_runit }
}

/// Returns `true` if a process reads from a FIFO: otherwise opening it for writing fails with `ENXIO` (`fifo(7)`).
fn has_reader(path: &Path) -> bool {
    openat(AT_FDCWD, path, OFlag::O_WRONLY | SAFE_FLAGS, Mode::empty()).is_ok()
}

/// Returns `true` if a script executes this program: its path, or that of another file that is this program, is a word of the
/// script.
fn runs(script: &Path) -> bool {
    let Some(text) = small_file::read(script) else { return false };
    let own = own_program();
    let is_own = |word: &[u8]| {
        let path = Path::new(std::ffi::OsStr::from_bytes(word));
        path.is_absolute() && (Some(path) == own.as_deref() || is_own_program(path))
    };
    text.split(|byte| b" \t\n\"'".contains(byte)).any(is_own)
}
