//! Records exits: what ended a process, why, and the last that it has printed.

use super::Supervisor;
use crate::engine::bot_state::NextState;
use crate::engine::exit_records::{ExitRecord, LastOutput};
use crate::restart_policy::Exit;
use std::mem::take;
use std::time::{Duration, SystemTime};

impl Supervisor {
    /// Reads what a process that has ended has left in its pipes, as much as a pipe holds: its last lines say why it ended.
    /// Descendants may hold the pipes open and go on printing, so this does not wait for their end.
    pub(super) fn drain_output(&mut self, index: usize) {
        let outputs = self.units[index].living_process().map(|process| process.outputs);
        for key in outputs.into_iter().flatten().flatten() {
            self.take_piece(key);
        }
    }

    /// Records the end of a process, before its state changes.
    pub(super) fn record_exit(&mut self, index: usize, exit: Exit) {
        let now = self.now;
        let unit = &mut self.units[index];
        let Some(began) = unit.bot_state.began().filter(|_| unit.bot_state.is_alive()) else { return };
        let stop = unit.bot_state.pending_stop();
        let (cause, reason, is_requested) = match stop {
            None => (exit, None, false),
            // The reason for the stop says more than the signal that ended the process.
            Some(NextState::Decided(cause)) => (cause, Some(stopped_for(unit.bot_state.reason(), exit)), false),
            Some(NextState::Started) => (exit, Some("stopped to be restarted".to_owned()), true),
            Some(NextState::Forgotten) => (exit, Some("stopped to be removed".to_owned()), true),
            Some(NextState::Stopped | NextState::Unchanged) => (exit, Some("stopped".to_owned()), true),
        };
        let Some(process) = &mut unit.process else { return };
        let record = ExitRecord {
            at: SystemTime::now(),
            exit: cause,
            reason: reason.map(String::into_boxed_str),
            is_requested,
            pid: Some(process.pid),
            ran_for: now.saturating_duration_since(began),
            output: take(&mut process.last_output),
        };
        unit.exit_records.add(record);
        self.report_exit(index);
    }

    /// Records a start that has failed for another cause than a lack of resources, which is tried again and again.
    pub(super) fn record_failed_start(&mut self, index: usize, errno: i32, reason: &str) {
        self.units[index].exit_records.add(ExitRecord {
            at: SystemTime::now(),
            exit: Exit::NotStarted(errno),
            reason: Some(reason.into()),
            is_requested: false,
            pid: None,
            ran_for: Duration::ZERO,
            output: LastOutput::default(),
        });
        self.report_exit(index);
    }
}

/// Returns why a bot was stopped that must not run on, and what then ended its process.
fn stopped_for(reason: Option<&str>, exit: Exit) -> String {
    let reason = reason.map(|reason| format!("{reason}; ")).unwrap_or_default();
    format!("{reason}stopped, and ended by {exit}")
}
