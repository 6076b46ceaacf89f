//! Kills all bots when the daemon around the engine is forced to exit before the engine is done.

use crate::commands::Commands;
use daemonize_core::attach::{Attachment, Handle, Phase};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

/// How long a stop that was asked for twice, or took too long, may take once everything is killed.
const KILL_TIMEOUT: Duration = Duration::from_millis(900);

/// Kills all bots if the daemon exits before the engine has stopped them: after a second stop request, or a timeout.
pub(super) struct KillOnForcedExit {
    pub(super) commands: Commands,
    pub(super) over: Arc<AtomicBool>,
}

impl Attachment for KillOnForcedExit {
    fn start(&self, _: Handle) -> std::result::Result<(), Box<dyn std::error::Error>> {
        Ok(())
    }

    fn phase(&self, _: Phase) {}

    fn end(&self) {
        if !self.over.load(SeqCst) {
            let _ = self.commands.kill(KILL_TIMEOUT);
        }
    }
}
