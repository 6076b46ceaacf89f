//! The end of a daemon that no launcher wants any more, and of the messages that are in flight by then.

use crate::context::DaemonContext;
use crate::report;
use crate::shutdown::{Settlement, run_with_timeout};
use crate::sys::fork::exit_now;
use std::time::Duration;

/// How long what may hang is given when it is not the body's thread that ends the daemon.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(1);

/// The process that removes the files: see L13.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Files {
    /// The daemon has not said READY: session leader or launcher remove them.
    OfLauncher,
    /// The launcher has gone behind READY, and the session leader may have been released.
    OfDaemon,
}

/// Ends this process, whose start was taken back, from whatever thread finds that out. The body may be at work.
pub(super) fn undo(inside: &'static DaemonContext, files: Files) -> ! {
    let settlement = Settlement::force();
    run_with_timeout(LAST_WORDS, || inside.end_attachments());
    settle_messages(settlement);
    if files == Files::OfDaemon {
        inside.release_pidfile();
    }
    exit_now(2)
}

/// Waits until the receipts of the messages in flight have been told, and reports what was cut. Returns whether anything was.
pub(super) fn settle_messages(settlement: Settlement) -> bool {
    let outcome = settlement.finish();
    if !outcome.lines.is_empty() {
        run_with_timeout(LAST_WORDS, move || outcome.lines.iter().for_each(|line| report::error(line)));
    }
    outcome.cut
}
