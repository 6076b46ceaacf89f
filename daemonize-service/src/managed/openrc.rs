//! Services of OpenRC (`rc-service(8)`), whose records are in `/run/openrc`.

use super::action::Action;
use super::command_line::CommandLine;
use super::process::{is_own_program, own_ancestors, own_program};
use super::small_file;
use daemonize_sys::pid::Pid;
use daemonize_sys::proc::{Users, name_of};
use daemonize_sys::trust::OTHERS_WRITE;
use nix::unistd::geteuid;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The directory of records: one of names per state, and one of values per service.
const RECORDS: &str = "/run/openrc";

/// The directory of scripts.
const SCRIPTS: &str = "/etc/init.d";

/// The most services that are looked at.
const MAX_SERVICES: usize = 1000;

/// A service of OpenRC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Script {
    /// The name, which is that of its file in `/etc/init.d`.
    pub(super) name: String,
    /// `true` if OpenRC has started the service.
    pub(super) is_started: bool,
    /// `true` if the service executes this very program.
    pub(super) is_own_program: bool,
    /// The main process, if it runs.
    pub(super) main: Option<Pid>,
}

/// Returns `true` if OpenRC has booted this machine, or this container.
pub(super) fn is_running() -> bool {
    let records = Path::new(RECORDS).symlink_metadata();
    let are_roots =
        records.is_ok_and(|status| status.is_dir() && status.uid() == 0 && status.mode() & OTHERS_WRITE == 0);
    are_roots && Path::new(RECORDS).join("softlevel").exists()
}

/// Returns the service of which a process is the main one.
pub(super) fn script_of(pid: Pid) -> Option<Script> {
    if !is_running() {
        return None;
    }
    let started = fs::read_dir(Path::new(RECORDS).join("started")).ok()?.take(MAX_SERVICES);
    let mut names = started.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let name = names.find(|name| main_process(name) == Some(pid))?;
    // The user of another service can write any pid into its pidfile; the program is on root's record.
    let is_own_program = executes_own_program(&name);
    Some(Script { name, is_started: true, is_own_program, main: Some(pid) })
}

/// Returns the service of this name, if its script exists.
pub(super) fn installed(name: &str) -> Option<Script> {
    if !is_running() || name.is_empty() || name.starts_with(['.', '-']) || name.contains('/') {
        return None;
    }
    let script = Path::new(SCRIPTS).join(name);
    let is_own_program = executes_own_program(name) || names_own_program(&script);
    script.metadata().ok().filter(|file| file.is_file() && file.uid() == 0)?;
    let is_started = Path::new(RECORDS).join("started").join(name).symlink_metadata().is_ok();
    Some(Script { name: name.to_owned(), is_started, is_own_program, main: main_process(name) })
}

impl Script {
    /// Returns the command line of an action.
    pub(super) fn command_line(&self, action: Action) -> CommandLine {
        match action {
            Action::TryRestart => CommandLine::new("rc-service", ["--ifstarted", &self.name, "restart"]),
            action => CommandLine::new("rc-service", [&self.name, action.name()]),
        }
    }

    /// Returns the reason why another user has to perform actions; `None` if this process may try.
    pub(super) fn refusal(&self) -> Option<String> {
        (!geteuid().is_root()).then(|| format!("`{}` is a service of OpenRC, which obeys root alone", self.name))
    }

    /// Returns `true` if a script of the service runs this process.
    pub(super) fn is_caller(&self) -> bool {
        // Set by `openrc-run`. It names the service of a script that was found among the parents.
        let is_named = std::env::var_os("RC_SVCNAME").as_deref() == Some(OsStr::new(&self.name));
        let chain = own_ancestors();
        let is_below_daemon = self.main.is_some_and(|main| main != Pid::this() && chain.contains(&main));
        is_named && !is_below_daemon && chain.iter().skip(1).any(|pid| is_script_runner(*pid))
    }
}

/// Returns `true` for a process of root's that runs a script or supervises a daemon.
fn is_script_runner(pid: Pid) -> bool {
    let is_roots = Users::of(pid).is_ok_and(|users| users.are_all(0));
    // The kernel cuts names after 15 bytes (prctl(2), PR_SET_NAME).
    is_roots
        && name_of(pid).is_ok_and(|name| ["openrc-run", "openrc-run.sh", "supervise-daemo"].contains(&name.as_str()))
}

/// Returns the main process of a started service: the child of `supervise-daemon`, or the one that its pidfile names.
fn main_process(name: &str) -> Option<Pid> {
    let supervised = small_file::read_pid(&option(name, "child_pid"));
    supervised.or_else(|| {
        let pidfile = PathBuf::from(value(name, "pidfile")?);
        Some(pidfile).filter(|path| path.is_absolute()).and_then(|path| small_file::read_pid(&path))
    })
}

/// Returns `true` if a started service executes this program.
fn executes_own_program(name: &str) -> bool {
    ["exec", "command"].iter().filter_map(|key| value(name, key)).any(|path| is_own_program(Path::new(&path)))
}

/// Returns `true` if a script assigns this program to `command`.
fn names_own_program(script: &Path) -> bool {
    let (Some(text), Some(own)) = (small_file::read(script), own_program()) else { return false };
    let commands = text.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"command="));
    let mut paths = commands.map(|value| value.trim_ascii().trim_ascii_start());
    let unquoted = |value: &[u8]| {
        let quote = |byte: &u8| *byte != b'"' && *byte != b'\'';
        OsString::from(OsStr::from_bytes(&value.iter().copied().filter(quote).collect::<Vec<u8>>()))
    };
    paths.any(|value| {
        let path = PathBuf::from(unquoted(value));
        path == own || is_own_program(&path)
    })
}

/// Returns a value that OpenRC has recorded for a service.
fn value(name: &str, key: &str) -> Option<OsString> {
    let text = small_file::read(&option(name, key))?;
    Some(OsStr::from_bytes(text.trim_ascii()).to_owned()).filter(|text| !text.is_empty())
}

fn option(name: &str, key: &str) -> PathBuf {
    Path::new(RECORDS).join("options").join(name).join(key)
}
