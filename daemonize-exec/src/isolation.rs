//! Isolates the new process from the one that starts a daemon.

use daemonize_core::Result;

/// Leaves what the starting process has passed on: the working directory, the umask, limits.
pub(crate) fn isolate(_: &str) -> Result<()> {
    Ok(())
}
