//! A client of a running monitor.

mod page_code;

use crate::exit_status::{CliError, ExitStatus};
use daemonize_control::{Client, Error, ErrorKind, Events};
use daemonize_monitor::{Parallel, json};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a response may take, beyond the time that a command waits.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(15);

/// A client of the monitor with a given pidfile. Each call reads the pidfile again.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) client: Client,
}

/// The response with the monitor and its bots.
#[derive(Clone, Debug)]
pub(crate) struct BotsResponse {
    pub(crate) monitor: json::MonitorReport,
    pub(crate) bots: Vec<json::BotReport>,
}

impl Connection {
    pub(crate) fn to(pidfile: &Path) -> Connection {
        Connection { client: Client::at(pidfile).timeout(RESPONSE_TIMEOUT) }
    }

    /// Returns `true` if the monitor runs.
    pub(crate) fn is_up(&self) -> Result<bool, CliError> {
        Ok(self.client.pid().map_err(|error| failure(&error))?.is_some())
    }

    pub(crate) fn pid(&self) -> Result<Option<daemonize_core::Pid>, CliError> {
        self.client.pid().map_err(|error| failure(&error))
    }

    /// Returns the configuration file of the monitor; `None` if it has none, or is starting or stopping.
    pub(crate) fn config(&self) -> Result<Option<PathBuf>, CliError> {
        match self.client.get("/monitor") {
            Ok(mut answer) => Ok(taken::<json::MonitorReport>(&mut answer, "monitor")?.config.map(PathBuf::from)),
            // Version 0.1 has it only in the response with all bots.
            Err(error) if error.kind() == ErrorKind::Refused(404) => Ok(self.bots()?.monitor.config.map(PathBuf::from)),
            Err(error) if error.kind() == ErrorKind::Timeout => Err(failure(&error)),
            Err(_) => Ok(None),
        }
    }

    /// Returns `true` if the monitor is stopping.
    pub(crate) fn is_stopping(&self) -> bool {
        self.get("/").is_ok_and(|answer| answer["state"] == "stopping")
    }

    /// Returns all bots, without the counts per minute, which only JSON output needs.
    pub(crate) fn bots(&self) -> Result<BotsResponse, CliError> {
        self.bots_by("/bots?minutes=0")
    }

    /// Returns all bots with all counts.
    pub(crate) fn bots_in_full(&self) -> Result<BotsResponse, CliError> {
        self.bots_by("/bots")
    }

    fn bots_by(&self, route: &str) -> Result<BotsResponse, CliError> {
        let mut answer = self.get(route)?;
        Ok(BotsResponse { monitor: taken(&mut answer, "monitor")?, bots: taken(&mut answer, "bots")? })
    }

    /// Starts a program that is in no configuration.
    pub(crate) fn add(
        &self,
        command: &Path,
        arguments: &[String],
        wait: Option<Duration>,
    ) -> Result<Vec<json::BotReport>, CliError> {
        let wait_for = wait.unwrap_or_default();
        let body = json!({ "command": command, "arguments": arguments, "wait": wait.map(|wait| wait.as_secs_f64()) });
        let mut answer = self.answer_within(wait_for, "/bots", body)?;
        refused(&answer)?;
        bots(&mut answer)
    }

    pub(crate) fn event(&self, bot: &str, name: &str) -> Result<Vec<json::BotReport>, CliError> {
        bots(&mut self.send(&format!("/bots/{}/event", segment(bot)), json!({ "name": name }))?)
    }

    /// Returns the bots that a name means, or the absolute path of a program.
    pub(crate) fn named(&self, name: &str) -> Result<Vec<json::BotReport>, CliError> {
        bots(&mut self.get(&format!("/bots/{}", segment(name)))?)
    }

    /// Returns all that is known of the bots that a word selects.
    pub(crate) fn show(&self, word: &str) -> Result<Vec<json::BotDetail>, CliError> {
        let mut answer = self.get(&format!("/bots/{}/show", segment(word)))?;
        match answer.get("shows") {
            Some(_) => taken(&mut answer, "shows"),
            None => Ok(vec![taken(&mut answer, "show")?]),
        }
    }

    /// Streams changes from now on.
    pub(crate) fn events(&self) -> Result<Events, CliError> {
        self.client.events().map_err(|error| failure(&error))
    }

    /// Reloads the configuration, or returns the plan of a reload. The response contains the errors in the configuration.
    pub(crate) fn reload(&self, dry_run: bool, parallel: Option<Parallel>) -> Result<Value, CliError> {
        let body = json!({ "dry_run": dry_run, "parallel": parallel.map(number_or_all) });
        self.client.send("/config/reload", body).map_err(|error| failure(&error))
    }

    /// Stops the monitor; a second request makes it kill its bots.
    pub(crate) fn stop(&self) -> Result<(), CliError> {
        self.send("/stop", json!({})).map(drop)
    }

    pub(crate) fn get(&self, route: &str) -> Result<Value, CliError> {
        let answer = self.client.get(route).map_err(|error| failure(&error))?;
        refused(&answer)?;
        Ok(answer)
    }

    /// Posts a body, and returns the answer to a command that takes at most this time.
    pub(crate) fn answer_within(&self, time: Duration, route: &str, body: impl Into<Value>) -> Result<Value, CliError> {
        let client = self.client.clone().timeout(RESPONSE_TIMEOUT + time);
        client.send(route, body.into()).map_err(|error| failure(&error))
    }

    fn send(&self, route: &str, body: Value) -> Result<Value, CliError> {
        let answer = self.client.send(route, body).map_err(|error| failure(&error))?;
        refused(&answer)?;
        Ok(answer)
    }
}

/// Returns the value of `parallel` in a body.
pub(crate) fn number_or_all(parallel: Parallel) -> Value {
    match parallel {
        Parallel::Count(count) => count.get().into(),
        Parallel::All => "all".into(),
    }
}

/// Converts a refusal into an error.
pub(crate) fn refused(answer: &Value) -> Result<(), CliError> {
    if answer["success"] != Value::Bool(false) {
        return Ok(());
    }
    let message = answer["message"].as_str().unwrap_or("the monitor refused the request without a reason");
    let exit = match answer {
        _ if answer["timeout"] == Value::Bool(true) => ExitStatus::Timeout,
        _ if answer["unknown"] == Value::Bool(true) => ExitStatus::NoSuchBot,
        _ => ExitStatus::Failed,
    };
    Err(CliError::new(exit, message))
}

/// Takes a field out of a response.
pub(crate) fn taken<T: DeserializeOwned>(answer: &mut Value, key: &str) -> Result<T, CliError> {
    let part = answer.get_mut(key).map(Value::take).unwrap_or_default();
    serde_json::from_value(part).map_err(|error| {
        CliError::new(
            ExitStatus::Unreachable,
            format!("failed to read the monitor's response: `{key}`: {error}; is it another version?"),
        )
    })
}

/// Takes the bots in an answer: `bots`, or `bot` where it is one.
fn bots(answer: &mut Value) -> Result<Vec<json::BotReport>, CliError> {
    match answer.get("bots") {
        Some(_) => taken(answer, "bots"),
        None => Ok(vec![taken(answer, "bot")?]),
    }
}

/// Percent-encodes a name as a path segment or the value of a query.
pub(crate) fn segment(name: &str) -> String {
    let mut segment = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            let _ = write!(segment, "%{byte:02X}");
        }
    }
    segment
}

/// Converts an error of the client.
pub(crate) fn failure(error: &Error) -> CliError {
    let exit = match error.kind() {
        ErrorKind::NotRunning => ExitStatus::Down,
        // A value that the monitor does not understand; it does answer.
        ErrorKind::Refused(400) => ExitStatus::Failed,
        // A command that takes long is answered in time as incomplete, so a monitor without a response is stuck.
        _ => ExitStatus::Unreachable,
    };
    let text = error.to_string().replacen("reach the daemon of", "reach the monitor of", 1);
    let hint = if exit == ExitStatus::Down { ": `daemonctl start` starts it" } else { "" };
    CliError::new(exit, format!("{text}{hint}"))
}

#[cfg(test)]
mod tests;
