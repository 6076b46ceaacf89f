//! The key `exit_when`: ends the monitor when its bots have ended, with the exit status of one of them.

use super::state::Engine;
use super::supervised_bot::SupervisedBot;
use crate::restart_policy::Exit;
use crate::settings::ExitWhen;
use crate::status::State;
use log::Level;
use nix::errno::Errno;

impl Engine {
    /// Begins the shutdown, once, if bots have ended as the settings say.
    pub(super) fn check_exit_condition(&mut self) {
        let when = self.settings.exit_when;
        // Before it is ready, some bots have not been started.
        if when == ExitWhen::Never || self.shutdown.is_some() || self.ready.is_some() {
            return;
        }
        let found = match when {
            ExitWhen::AnyGaveUp => self.failed_bot(),
            ExitWhen::AllEnded if self.has_active_bot() => None,
            _ => self.failed_bot().or_else(|| self.bots.units.values().find(|unit| unit.state() == State::Exited)),
        };
        let Some(unit) = found else { return };
        let status = status_of(unit);
        let level = if status == 0 { Level::Info } else { Level::Warn };
        log::log!(
            level,
            "{}, and so the monitor stops, with status {status}: `exit_when` is \"{when}\"",
            reason(unit, when)
        );
        self.exit_status = status;
        self.shut_down(None);
    }

    /// Returns the bot that ended last without success, and is not started again.
    fn failed_bot(&self) -> Option<&SupervisedBot> {
        let has_failed = |unit: &&SupervisedBot| matches!(unit.state(), State::GaveUp | State::Failed);
        let last_exit = |unit: &&SupervisedBot| unit.bot_state.history().last().map(|(at, _)| at);
        self.bots.units.values().filter(has_failed).max_by_key(last_exit)
    }

    /// Returns `true` if a bot runs, or will. One that waits for another one that has ended does not.
    fn has_active_bot(&self) -> bool {
        let is_active = |unit: &SupervisedBot| !unit.state().is_down() && unit.state() != State::Waiting;
        self.bots.is_starting() || self.bots.has_unsettled() || self.bots.units.values().any(is_active)
    }
}

fn reason(unit: &SupervisedBot, when: ExitWhen) -> String {
    let name = &unit.bot.name;
    match (when, unit.state()) {
        (ExitWhen::AllEnded, State::Exited) => "all bots have ended with success".into(),
        (ExitWhen::AllEnded, _) => format!("all bots have ended, `{name}` without success"),
        (_, State::GaveUp) => format!("bot `{name}` was given up"),
        _ => format!("bot `{name}` has failed"),
    }
}

/// Returns the status of the last exit of a bot, as a shell has it.
fn status_of(unit: &SupervisedBot) -> u8 {
    let exit = unit.bot_state.history().last().map(|(_, exit)| exit);
    exit.map_or(1, shell_status)
}

fn shell_status(exit: Exit) -> u8 {
    let status = match exit {
        Exit::Status(status) => status,
        Exit::Signal(signal) => 128 + signal.as_raw(),
        Exit::NotStarted(errno) if errno == Errno::ENOENT as i32 => 127,
        Exit::NotStarted(_) => 126,
        _ => 1,
    };
    u8::try_from(status).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use daemonize_core::Signal;

    #[test]
    fn status_is_that_of_a_shell() {
        for (exit, status) in [
            (Exit::Status(0), 0),
            (Exit::Status(42), 42),
            (Exit::Signal(Signal::SIGKILL), 137),
            (Exit::NotStarted(Errno::ENOENT as i32), 127),
            (Exit::NotStarted(Errno::EACCES as i32), 126),
            (Exit::NotReady, 1),
        ] {
            assert_eq!(shell_status(exit), status, "{exit}");
        }
    }
}
