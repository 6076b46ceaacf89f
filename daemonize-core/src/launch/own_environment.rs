//! Environment variables that are meant for one process alone, and are removed before the daemon starts other programs.

use super::monitor_env;
use crate::sd_notify;
use crate::self_restart::{self, RestartedFrom};
use crate::sys::env as environment;
use crate::sys::fork::Alone;
use std::env;

/// Returns `true` if the environment has a variable that is meant for this process alone.
pub(super) fn has_own_variables() -> bool {
    own_variables().any(|name| env::var_os(name).is_some())
}

/// Removes the variables that a service manager, a monitor or a restarting daemon has set for this process. Closes the socket that
/// a restarting daemon left open for this process.
///
/// A process with other threads, which never forks, keeps the variables: `unsetenv(3)` would race with `getenv(3)` in those threads.
pub(super) fn remove_own_variables(single_thread: Option<Alone>) {
    RestartedFrom::discard();
    let Some(single_thread) = single_thread else { return };
    for name in own_variables() {
        environment::forget(single_thread, name);
    }
}

fn own_variables() -> impl Iterator<Item = &'static str> {
    sd_notify::environment_variables().chain([monitor_env::STOP_TIMEOUT, self_restart::RESTART_ENV])
}
