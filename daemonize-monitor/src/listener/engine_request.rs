//! Commands to the engine, with answers that are awaited.

use crate::cancellation::CancelGuard;
use crate::command_queue::{self, Answer, Command, EXPLAIN_TIMEOUT};
use crate::commands::Commands;
use crate::error::{Error, ErrorKind, Result};
use crate::status::BotStatus;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{timeout, timeout_at};

/// The timeout of a command that is not waited for: the engine answers it at once unless it is stuck.
const ENGINE_TIMEOUT: Duration = Duration::from_secs(30);

/// A command that was sent, and whose answer is pending.
pub(super) struct EngineRequest {
    answer: oneshot::Receiver<Result<Answer>>,
    /// The object of the command, for the error of a timeout.
    what: String,
    wait: Option<Duration>,
    end: tokio::time::Instant,
    commands: Commands,
    /// The command that asks the engine why this one takes so long.
    explanation: Option<Command>,
    /// Cancels the wait when it is dropped.
    _waiting: CancelGuard,
}

/// Sends a command. Its answer can be awaited later, for at most `wait` from now on.
pub(super) fn send(
    commands: &Commands,
    command: Command,
    what: impl Into<String>,
    wait: Option<Duration>,
) -> EngineRequest {
    let (sender, answer) = oneshot::channel();
    let explanation = command.explanation();
    let waiting = commands.sender().send(command, wait.is_some(), move |answer| drop(sender.send(answer)));
    let end = tokio::time::Instant::now() + wait.unwrap_or(ENGINE_TIMEOUT);
    EngineRequest { answer, what: what.into(), wait, end, commands: commands.clone(), explanation, _waiting: waiting }
}

impl EngineRequest {
    /// Awaits the answer.
    ///
    /// # Errors
    /// The command failed, the monitor does not run, or the time is over.
    pub(super) async fn answer(self) -> Result<Answer> {
        match timeout_at(self.end, self.answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Error::new(ErrorKind::NotRunning, "failed to reach the monitor: it does not run")),
            Err(_) => {
                let time = self.wait.unwrap_or(ENGINE_TIMEOUT);
                let why = match self.explanation {
                    Some(command) => explain(&self.commands, command).await,
                    None => String::new(),
                };
                Err(Error::failed(
                    ErrorKind::Timeout,
                    "wait for",
                    &self.what,
                    format_args!("not done within {time:?}{why}"),
                ))
            }
        }
    }

    /// Awaits an answer that is a list of bots.
    pub(super) async fn bots(self) -> Result<Vec<BotStatus>> {
        match self.answer().await? {
            Answer::Bots(bots) => Ok(bots),
            _ => Ok(Vec::new()),
        }
    }
}

/// Sends a command and awaits its answer. Returns the guard of the command as well: what the command goes on to wait for is
/// cancelled when that is dropped.
///
/// # Errors
/// The command failed, or the monitor does not run, or does not respond.
pub(super) async fn begin(commands: &Commands, command: Command, when_done: bool) -> Result<(Answer, CancelGuard)> {
    let (sender, answer) = oneshot::channel();
    let waiting = commands.sender().send(command, when_done, move |answer| drop(sender.send(answer)));
    match timeout(ENGINE_TIMEOUT, answer).await {
        Ok(Ok(answer)) => Ok((answer?, waiting)),
        Ok(Err(_)) => Err(Error::new(ErrorKind::NotRunning, "failed to reach the monitor: it does not run")),
        Err(_) => {
            let why = format!("failed to reach the engine: no answer within {ENGINE_TIMEOUT:?}");
            Err(Error::new(ErrorKind::Timeout, why))
        }
    }
}

/// Returns `: ` and the engine's explanation, or an empty string.
pub(super) async fn explain(commands: &Commands, command: Command) -> String {
    let (sender, answer) = oneshot::channel();
    let _waiting = commands.sender().send(command, false, move |answer| drop(sender.send(answer)));
    match timeout(EXPLAIN_TIMEOUT, answer).await {
        Ok(Ok(answer)) => command_queue::explanation(answer),
        _ => String::new(),
    }
}

/// Returns the status of all bots, or of those with this name.
pub(super) async fn bots(commands: &Commands, name: Option<String>) -> Result<Vec<BotStatus>> {
    send(commands, Command::Status(name), "the engine", None).bots().await
}
