//! Stage `Stdio`: redirects stdin, stdout and stderr (`dup2(2)`), by default to `/dev/null`.

use crate::error::Result;
use crate::launch::daemon::StartingDaemon;
use crate::settings::Ready;
use crate::stdout;

/// Redirects stdin, and also stdout and stderr unless code that runs before READY may still print for the launcher.
pub(super) fn run(daemon: &mut StartingDaemon) -> Result<()> {
    let preflight = &daemon.launch.preflight;
    preflight.streams.install_input()?;
    let prints_before_ready = preflight.settings.ready == Ready::Manual || !preflight.settings.attachments.is_empty();
    daemon.outputs_due = daemon.is_captured && prints_before_ready;
    if daemon.outputs_due {
        return Ok(());
    }
    // Output that is still buffered belongs to the old stdout. The launcher has flushed it before the fork.
    if daemon.link.is_none() || daemon.runs_user_code {
        stdout::flush();
    }
    daemon.launch.preflight.streams.install_outputs()
}
