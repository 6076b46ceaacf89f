//! Rolls back the daemon's side of a start that the launcher no longer waits for.

use crate::context::DaemonContext;
use crate::logs::exit_now;
use crate::report;
use crate::shutdown::{Settlement, run_with_timeout};
use std::time::Duration;

/// How long a step that may hang (an attachment, a logger) may take when another thread than the body's ends the daemon.
pub(super) const EXIT_STEP_TIMEOUT: Duration = Duration::from_secs(1);

/// The process that removes the pidfile: see L13.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileOwner {
    /// The daemon has not sent READY: the launcher or the session leader removes the files.
    Launcher,
    /// The launcher died after READY, and may have released the session leader.
    Daemon,
}

/// Ends the attachments and the messages in flight, and exits. Any thread may call this; the body may be running.
pub(super) fn roll_back(context: &'static DaemonContext, owner: FileOwner) -> ! {
    let settlement = Settlement::force();
    run_with_timeout(EXIT_STEP_TIMEOUT, || context.end_attachments());
    settle_messages(settlement);
    if owner == FileOwner::Daemon {
        context.release_pidfile();
    }
    exit_now(2)
}

/// Waits until the receipts of the messages in flight are called, and reports the messages that were abandoned. Returns `true` if
/// there were any.
pub(super) fn settle_messages(settlement: Settlement) -> bool {
    let outcome = settlement.finish();
    if !outcome.lines.is_empty() {
        run_with_timeout(EXIT_STEP_TIMEOUT, move || outcome.lines.iter().for_each(|line| report::error(line)));
    }
    outcome.cut
}
