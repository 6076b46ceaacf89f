//! Process 1 of a container: its default grace, and why it neither detaches and exits nor restarts itself.

use crate::error::{Error, Result};
use crate::pid::Pid;
use crate::settings::Settings;
use std::time::Duration;

/// How long Docker, Podman and others wait after the stop signal before they kill a container, by default.
const CONTAINER_STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// The process name of the init, by which `killall` and `pgrep` tell it from the daemon.
pub(super) const INIT_NAME: &str = "daemon-init";

/// The reason why a daemon that is the main process of a container does not restart itself.
pub(super) const REFUSES_RESTART: &str = "the container would end with it: let the container's runtime restart that";

/// Returns `true` if this is process 1 of a pid namespace.
pub(super) fn is_process_1() -> bool {
    Pid::this().as_raw() == 1
}

/// Refuses to detach from a process 1 that exits after the start: the kernel kills the daemon with it (`pid_namespaces(7)`).
pub(super) fn check_exit_after_start() -> Result<()> {
    if !is_process_1() {
        return Ok(());
    }
    Err(Error::configuration(
        "`detach = always` in process 1: the container ends when this process does, and the daemon with it: leave `detach` \
         out, or start the program below an init (`docker run --init`)",
    ))
}

/// Fits the default grace into the stop timeout of a container. A configured grace stays, without a warning: the container
/// runtime may have been given a longer timeout.
pub(super) fn fit_grace(settings: &mut Settings) {
    if is_process_1() {
        let _ = settings.fit_grace_into(CONTAINER_STOP_TIMEOUT);
    }
}
