//! Decides whether `run` shows the lines of all bots on stdout, and how.

use crate::args::{ConsoleFormat, RunArguments};
use crate::output::Output;
use daemonize_core::Pid;
use daemonize_monitor::__daemonctl::ConsoleStyle;
use daemonize_sys::paths::started_by_systemd;
use daemonize_sys::proc::name_of;

/// Programs that run a monitor as a service: they keep its output, and expect only its own messages there. The kernel truncates the
/// name of a process to 15 bytes.
const SERVICE_MANAGERS: [&str; 13] = [
    "systemd",
    "init",
    "runsv",
    "s6-supervise",
    "supervise",
    "supervise-daemo",
    "supervisord",
    "circusd",
    "perpd",
    "nosh",
    "horust",
    "dinit",
    "daemonctl",
];

/// Returns how lines are shown; `None` if they are not: on a terminal, and under a service manager, unless it is said.
pub(super) fn style(output: Output, how: RunArguments) -> Option<ConsoleStyle> {
    let is_container = how.container || how.format.is_some() || !(output.is_terminal() || is_service());
    let style = ConsoleStyle { json: how.format == Some(ConsoleFormat::Json), colors: output.has_colors() };
    (is_container && !how.no_container).then_some(style)
}

/// Returns `true` if a service manager started this process. The init of a container is none.
fn is_service() -> bool {
    let parent = || name_of(Pid::from_raw(nix::unistd::getppid().as_raw())?).ok();
    started_by_systemd() || parent().is_some_and(|name| SERVICE_MANAGERS.contains(&&*name))
}
