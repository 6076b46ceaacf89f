//! Compares two specifications of a bot: which changes need a restart, and which apply to the running process.

use crate::bot::{Bot, LogTarget};
use crate::settings::Settings;

/// Returns the changed keys that need a restart: everything that a program gets at its start.
pub(crate) fn restarting(old: &Bot, new: &Bot) -> Vec<&'static str> {
    changed([
        ("command", old.command != new.command),
        ("args", old.arguments != new.arguments),
        ("env", old.environment != new.environment),
        ("clear_env", old.clear_environment != new.clear_environment),
        ("cwd", old.directory != new.directory),
        ("user", old.user != new.user),
        ("group", old.group != new.group),
        ("umask", old.umask != new.umask),
        ("no_new_privs", old.no_new_privs != new.no_new_privs),
        ("listen", old.listen != new.listen),
        ("stdout", StreamKind::of(&old.stdout) != StreamKind::of(&new.stdout)),
        ("stderr", StreamKind::of(&old.stderr) != StreamKind::of(&new.stderr)),
        ("nice", old.nice != new.nice),
        ("rlimits", old.rlimits != new.rlimits),
        ("oom_score_adjust", old.oom_score_adjust != new.oom_score_adjust),
    ])
}

/// Returns the changed keys that apply at once: everything that only the monitor uses.
pub(super) fn live(old: &Bot, new: &Bot) -> Vec<&'static str> {
    changed([
        ("autostart", old.autostart != new.autostart),
        ("restart", old.restart != new.restart),
        ("limit", old.limit != new.limit),
        ("backoff", old.backoff != new.backoff),
        ("stop", old.stop != new.stop),
        ("depends_on", old.depends_on != new.depends_on),
        ("ready", old.ready != new.ready),
        ("ready_timeout", old.ready_timeout != new.ready_timeout),
        ("check", old.check != new.check),
        ("stdout", old.stdout != new.stdout),
        ("stderr", old.stderr != new.stderr),
        ("bot_group", old.bot_group != new.bot_group),
        ("schedule", old.schedule != new.schedule),
        ("on_exit", old.hooks().on_exit != new.hooks().on_exit),
        ("on_gave_up", old.hooks().on_gave_up != new.hooks().on_gave_up),
        ("on_unhealthy", old.hooks().on_unhealthy != new.hooks().on_unhealthy),
        ("hook_timeout", old.hooks().timeout != new.hooks().timeout),
        ("memory_max", old.memory_max != new.memory_max),
        ("cgroup", old.cgroup != new.cgroup),
    ])
}

/// Returns the changed settings of the monitor: those that apply at once, and those that apply when it is restarted.
pub(super) fn settings(old: &Settings, new: &Settings) -> (Vec<&'static str>, Vec<&'static str>) {
    let now = [
        ("log", old.log != new.log),
        ("log_level", old.log_level != new.log_level),
        ("log_format", old.log_format != new.log_format),
        ("stop_timeout", old.stop_timeout != new.stop_timeout),
        ("exit_when", old.exit_when != new.exit_when),
        ("webhook", old.webhook != new.webhook),
    ];
    let later = [
        ("name", old.name != new.name),
        ("pidfile", old.pidfile != new.pidfile),
        ("control", old.control != new.control),
    ];
    (changed(now), changed(later))
}

fn changed<const N: usize>(keys: [(&'static str, bool); N]) -> Vec<&'static str> {
    keys.into_iter().filter(|(_, changed)| *changed).map(|(key, _)| key).collect()
}

/// The kind of file that a program has as its output. The destination of a pipe can change while the program runs.
#[derive(PartialEq)]
enum StreamKind {
    Pipe,
    SamePipe,
    Null,
    Inherited,
}

impl StreamKind {
    fn of(target: &LogTarget) -> StreamKind {
        match target {
            LogTarget::Memory | LogTarget::File(_) => StreamKind::Pipe,
            LogTarget::Stdout => StreamKind::SamePipe,
            LogTarget::Null => StreamKind::Null,
            LogTarget::Inherit => StreamKind::Inherited,
        }
    }
}
