//! The process with which a daemon ends (`ends_with`): opened before the fork, watched by the signal thread.
//!
//! Possible attackers:
//!
//! * **Another process that gets the pid** of a parent that has ended. A descriptor (`pidfd_open(2)`) refers to one process for
//!   ever, and the parent is looked up again after it was opened. A process that is the parent before and after has been alive
//!   throughout, so the descriptor refers to it, and its start time has not to be compared.
//! * **The environment** is not read. A daemon that restarts itself passes the descriptor on the verified channel to its successor.
//!
//! The kernel makes an orphan the child of process 1 or of the next subreaper (`prctl(2)`, `PR_SET_CHILD_SUBREAPER`). A system's
//! init, or `systemd --user`, that has not started this process has adopted it, and the parent that the setting means has ended. In a
//! container process 1 may well be that parent, and its end is the end of every process there, so another process 1 is accepted.

use crate::context::{self, WatchedParent};
use crate::error::{Error, ErrorKind, Result, cause};
use crate::escape::escape;
use crate::pid::Pid;
use crate::report;
use crate::self_restart;
use crate::settings::{EndsWith, Settings};
use crate::sys::error::errno;
use crate::sys::paths::started_by_systemd;
use crate::sys::pidfd::PidFd;
use crate::sys::proc::name_of;
use log::Level;
use nix::errno::Errno;
use nix::unistd::getppid;
use std::fmt::Display;
use std::io;
use std::sync::OnceLock;

/// The parents that adopt orphans outside of containers.
const ADOPTING_INITS: [&str; 2] = ["systemd", "init"];

const HAS_ENDED: &str = "the process that started this one has ended already";

/// [`open_enabled`], once `ends_with` is set: a program without the setting is linked without the code.
static OPEN: OnceLock<OpenParent> = OnceLock::new();

type OpenParent = fn(EndsWith, bool, Option<HandedOver>) -> Result<Option<WatchedParent>>;

/// The process that the predecessor of a restarted program has passed, if it had one.
pub(super) struct HandedOver(pub(super) Option<PidFd>);

/// Makes [`open`] use the setting.
pub(crate) fn enable_ends_with() {
    let _ = OPEN.set(open_enabled);
}

/// Opens the process with which the daemon ends; `None` without the setting. The calling process stays that process's child, or
/// `is_launcher_kept`: it goes on after the start.
pub(super) fn open(
    settings: &Settings,
    is_launcher_kept: bool,
    handed_over: Option<HandedOver>,
) -> Result<Option<WatchedParent>> {
    match (settings.ends_with, OPEN.get()) {
        (Some(ends_with), Some(open)) => open(ends_with, is_launcher_kept, handed_over),
        _ => Ok(None),
    }
}

fn open_enabled(
    ends_with: EndsWith,
    is_launcher_kept: bool,
    handed_over: Option<HandedOver>,
) -> Result<Option<WatchedParent>> {
    let process = match handed_over {
        // The parent of a restarted program is its predecessor, which ends. One that watched no process leaves none to watch.
        Some(HandedOver(process)) => process,
        None => Some(find_and_open(ends_with, is_launcher_kept)?),
    };
    Ok(process.map(|process| WatchedParent { process, stop }))
}

/// Stops this daemon, as SIGTERM does, unless its body has closed the descriptor by number: another file has that number then.
fn stop() {
    let Some(context) = context::current() else { return };
    if !context.watched_parent.as_ref().is_some_and(|parent| parent.process.is_intact()) {
        report::error("`ends_with`: the program has closed the descriptor of the process with which the daemon ends");
        return;
    }
    report::record_from_signal_thread(Level::Info, &context.handle.name, "the process with which it ends has ended");
    self_restart::stop_all(context);
}

/// Returns the error of a start whose parent has ended meanwhile.
pub(super) fn ended_meanwhile() -> Error {
    refused("the process with which the daemon was to end has ended meanwhile")
}

fn find_and_open(ends_with: EndsWith, is_launcher_kept: bool) -> Result<PidFd> {
    if is_launcher_kept && ends_with == EndsWith::Parent {
        // This process runs, so its pid is its own.
        return PidFd::open(Pid::this()).map_err(|error| failed(&error));
    }
    let parent = parent()?;
    match PidFd::open(parent) {
        // It may have ended in between, and its pid may be that of another process by now.
        Ok(process) if getppid().as_raw() == parent.as_raw() => Ok(process),
        Ok(_) => Err(refused(HAS_ENDED)),
        Err(error) if errno(&error) == Some(Errno::ESRCH) => Err(refused(HAS_ENDED)),
        Err(error) => Err(failed(&error)),
    }
}

/// Returns the parent of this process.
///
/// # Errors
/// It is in another pid namespace, or has ended.
fn parent() -> Result<Pid> {
    // A positive number of this pid namespace, or 0.
    let Some(parent) = Pid::from_raw(getppid().as_raw()) else {
        return Err(refused(
            "the parent of this process is in another pid namespace, and its end cannot be seen here: leave the setting out in a \
             container, and end when stdin ends",
        ));
    };
    let name = name_of(parent).unwrap_or_default();
    if ADOPTING_INITS.contains(&name.as_str()) && !started_by_systemd() {
        return Err(refused(format_args!(
            "{HAS_ENDED}, and `{}` (pid {parent}) has adopted this one: start it by a process that \
             stays, not by a shell that puts it into the background (`&`); leave the setting out for a \
             service",
            escape(&name)
        )));
    }
    Ok(parent)
}

fn refused(why: impl Display) -> Error {
    Error::new(ErrorKind::Unsupported, format!("failed to start: `ends_with`: {why}"))
}

fn failed(error: &io::Error) -> Error {
    Error::system("open the process with which the daemon ends", cause(error))
}
