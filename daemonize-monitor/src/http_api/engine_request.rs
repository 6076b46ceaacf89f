//! Commands to the engine whose answers are awaited.

use crate::cancellation::CancelGuard;
use crate::command_queue::{self, Answer, Command, EXPLAIN_TIMEOUT};
use crate::commands::Commands;
use crate::error::{Error, ErrorKind, Result};
use crate::status::BotStatus;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{timeout, timeout_at};

/// How long the engine may take to begin with something.
const ENGINE_TIMEOUT: Duration = Duration::from_secs(30);

/// A command on its way; what it is for is told where it takes too long.
pub(super) struct EngineRequest {
    answer: oneshot::Receiver<Result<Answer>>,
    subject: String,
    wait: Option<Duration>,
    end: tokio::time::Instant,
    commands: Commands,
    /// Asks why it is not done.
    explanation: Option<Command>,
    /// Until this is dropped.
    _waiting: CancelGuard,
}

/// Sends a command at once; the answer is awaited later, at most for as long as `wait` says from now on.
pub(super) fn send(
    commands: &Commands,
    command: Command,
    subject: impl Into<String>,
    wait: Option<Duration>,
) -> EngineRequest {
    let (sender, answer) = oneshot::channel();
    let explanation = command.explanation();
    let waiting = commands.sender().send(command, wait.is_some(), move |answer| drop(sender.send(answer)));
    let end = tokio::time::Instant::now() + wait.unwrap_or(ENGINE_TIMEOUT);
    EngineRequest {
        answer,
        subject: subject.into(),
        wait,
        end,
        commands: commands.clone(),
        explanation,
        _waiting: waiting,
    }
}

impl EngineRequest {
    pub(super) async fn answer(self) -> Result<Answer> {
        match timeout_at(self.end, self.answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Error::new(ErrorKind::NotRunning, "failed to reach the monitor: it does not run")),
            Err(_) => {
                let time = self.wait.unwrap_or(ENGINE_TIMEOUT);
                let why = match self.explanation {
                    Some(command) => explained(&self.commands, command).await,
                    None => String::new(),
                };
                Err(Error::failed(
                    ErrorKind::Timeout,
                    "wait for",
                    &self.subject,
                    format_args!("not done within {time:?}{why}"),
                ))
            }
        }
    }

    pub(super) async fn bots(self) -> Result<Vec<BotStatus>> {
        match self.answer().await? {
            Answer::Bots(bots) => Ok(bots),
            _ => Ok(Vec::new()),
        }
    }
}

/// Returns `: ` and an explanation of the engine, or nothing if there is none.
async fn explained(commands: &Commands, command: Command) -> String {
    let (sender, answer) = oneshot::channel();
    let _waiting = commands.sender().send(command, false, move |answer| drop(sender.send(answer)));
    match timeout(EXPLAIN_TIMEOUT, answer).await {
        Ok(Ok(answer)) => command_queue::explanation(answer),
        _ => String::new(),
    }
}

/// All bots, or those of a name.
pub(super) async fn bots(commands: &Commands, name: Option<String>) -> Result<Vec<BotStatus>> {
    send(commands, Command::Status(name), "the engine", None).bots().await
}
