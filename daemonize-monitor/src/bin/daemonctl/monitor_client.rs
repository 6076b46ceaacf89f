//! Talking to the monitor that runs.

use crate::exit_status::{CliError, ExitStatus};
use daemonize_control::{Client, Error, ErrorKind, Events};
use daemonize_monitor::json;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long an answer may take that nobody has to wait for.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(15);

/// A monitor, by its pidfile. Each call finds it anew.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    client: Client,
}

/// The monitor and its bots.
#[derive(Clone, Debug)]
pub(crate) struct BotsResponse {
    pub(crate) monitor: json::MonitorReport,
    pub(crate) bots: Vec<json::BotReport>,
}

/// What became of a command for many.
#[derive(Clone, Debug)]
pub(crate) struct CommandOutcome {
    /// Those for whom it was.
    pub(crate) bots: Vec<json::BotReport>,
    /// Those who did not.
    pub(crate) failures: Vec<json::Failure>,
}

impl Connection {
    pub(crate) fn to(pidfile: &Path) -> Connection {
        Connection { client: Client::at(pidfile).timeout(RESPONSE_TIMEOUT) }
    }

    /// Whether it runs.
    pub(crate) fn is_up(&self) -> Result<bool, CliError> {
        Ok(self.client.pid().map_err(|error| failure(&error))?.is_some())
    }

    pub(crate) fn pid(&self) -> Result<Option<daemonize_core::Pid>, CliError> {
        self.client.pid().map_err(|error| failure(&error))
    }

    /// Returns the configuration file that it runs with; `None` if it has none, or cannot say it now: it starts, or ends.
    pub(crate) fn config(&self) -> Result<Option<PathBuf>, CliError> {
        match self.client.get("/monitor") {
            Ok(mut answer) => Ok(taken::<json::MonitorReport>(&mut answer, "monitor")?.config.map(PathBuf::from)),
            // Version 0.1 only says it with everything else.
            Err(error) if error.kind() == ErrorKind::Refused(404) => Ok(self.bots()?.monitor.config.map(PathBuf::from)),
            Err(error) if error.kind() == ErrorKind::Timeout => Err(failure(&error)),
            Err(_) => Ok(None),
        }
    }

    /// Whether it has been told to stop already.
    pub(crate) fn is_stopping(&self) -> bool {
        self.get("/").is_ok_and(|answer| answer["state"] == "stopping")
    }

    /// All bots; without the counts of each minute, which only programs look at.
    pub(crate) fn bots(&self) -> Result<BotsResponse, CliError> {
        self.bots_by("/bots?minutes=0")
    }

    /// All of all bots.
    pub(crate) fn bots_in_full(&self) -> Result<BotsResponse, CliError> {
        self.bots_by("/bots")
    }

    fn bots_by(&self, route: &str) -> Result<BotsResponse, CliError> {
        let mut answer = self.get(route)?;
        Ok(BotsResponse { monitor: taken(&mut answer, "monitor")?, bots: taken(&mut answer, "bots")? })
    }

    /// Has bots do something: all if there are no names. Waits until it has come about if that is wanted.
    pub(crate) fn command(
        &self,
        verb: &str,
        names: Option<&[String]>,
        wait: Option<Duration>,
    ) -> Result<CommandOutcome, CliError> {
        let mut body = Map::new();
        body.insert("do".into(), verb.into());
        if let Some(names) = names {
            body.insert("bots".into(), names.into());
        }
        if let Some(wait) = wait {
            body.insert("wait".into(), wait.as_secs_f64().into());
        }
        self.carry_out(body, wait.unwrap_or_default())
    }

    pub(crate) fn signal(
        &self,
        signal: daemonize_core::Signal,
        names: Option<&[String]>,
    ) -> Result<CommandOutcome, CliError> {
        let mut body = Map::new();
        body.insert("do".into(), "signal".into());
        body.insert("signal".into(), signal.as_raw().into());
        if let Some(names) = names {
            body.insert("bots".into(), names.into());
        }
        self.carry_out(body, Duration::ZERO)
    }

    fn carry_out(&self, body: Map<String, Value>, wait: Duration) -> Result<CommandOutcome, CliError> {
        let client = self.client.clone().timeout(RESPONSE_TIMEOUT + wait);
        let mut answer = client.send("/command", body).map_err(|error| failure(&error))?;
        if answer.get("failures").is_none() {
            refused(&answer)?;
        }
        Ok(CommandOutcome { bots: taken(&mut answer, "bots")?, failures: taken(&mut answer, "failures")? })
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
        let mut answer = self
            .client
            .clone()
            .timeout(RESPONSE_TIMEOUT + wait_for)
            .send("/bots", body)
            .map_err(|error| failure(&error))?;
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

    /// Returns the last lines of a bot, and whether the monitor keeps any.
    pub(crate) fn lines(&self, bot: &str, lines: u32, stream: &str) -> Result<(Vec<String>, bool), CliError> {
        let mut answer = self.get(&format!("/bots/{}/log?lines={lines}&stream={stream}", segment(bot)))?;
        let is_kept = answer["kept"] != false; // An older monitor does not say.
        Ok((taken(&mut answer, "lines")?, is_kept))
    }

    /// The same and what comes: events `line`.
    pub(crate) fn follow(&self, bot: &str, lines: u32, stream: &str) -> Result<Events, CliError> {
        let route = format!("/bots/{}/log?follow=1&lines={lines}&stream={stream}", segment(bot));
        self.client.stream(&route).map_err(|error| failure(&error))
    }

    /// What happens from now on.
    pub(crate) fn events(&self) -> Result<Events, CliError> {
        self.client.events().map_err(|error| failure(&error))
    }

    /// Takes the configuration again, or says what that would do. The answer as it is: the mistakes are in it.
    pub(crate) fn reload(&self, dry_run: bool) -> Result<Value, CliError> {
        self.client.send("/config/reload", json!({ "dry_run": dry_run })).map_err(|error| failure(&error))
    }

    /// Tells it to stop; a second time: at once.
    pub(crate) fn stop(&self) -> Result<(), CliError> {
        self.send("/stop", json!({})).map(drop)
    }

    fn get(&self, route: &str) -> Result<Value, CliError> {
        let answer = self.client.get(route).map_err(|error| failure(&error))?;
        refused(&answer)?;
        Ok(answer)
    }

    fn send(&self, route: &str, body: Value) -> Result<Value, CliError> {
        let answer = self.client.send(route, body).map_err(|error| failure(&error))?;
        refused(&answer)?;
        Ok(answer)
    }
}

/// An answer that is a refusal, as a failure.
fn refused(answer: &Value) -> Result<(), CliError> {
    if answer["success"] != Value::Bool(false) {
        return Ok(());
    }
    let message = answer["message"].as_str().unwrap_or("the monitor refused, and did not say why");
    let exit = match answer {
        _ if answer["timeout"] == Value::Bool(true) => ExitStatus::Timeout,
        _ if answer["unknown"] == Value::Bool(true) => ExitStatus::NoSuchBot,
        _ => ExitStatus::Failed,
    };
    Err(CliError::new(exit, message))
}

/// A part of an answer.
fn taken<T: DeserializeOwned>(answer: &mut Value, key: &str) -> Result<T, CliError> {
    let part = answer.get_mut(key).map(Value::take).unwrap_or_default();
    serde_json::from_value(part).map_err(|error| {
        CliError::new(
            ExitStatus::Unreachable,
            format!("failed to read the monitor's answer: `{key}`: {error}; is it another version?"),
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

/// A name as part of a path.
fn segment(name: &str) -> String {
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

/// Why it could not be reached.
pub(crate) fn failure(error: &Error) -> CliError {
    let exit = match error.kind() {
        ErrorKind::NotRunning => ExitStatus::Down,
        // What takes long is answered in time, as not done yet: whoever says nothing is stuck.
        _ => ExitStatus::Unreachable,
    };
    CliError::new(exit, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_part_of_a_path() {
        assert_eq!(segment("web:1"), "web:1");
        assert_eq!(segment("../x?y#z ü%"), "..%2Fx%3Fy%23z%20%C3%BC%25");
    }

    #[test]
    fn a_refusal_has_its_exit_status() {
        let exit = |answer: Value| refused(&answer).map_err(|failure| (failure.exit, failure.text));
        assert_eq!(exit(json!({"success": true})), Ok(()));
        assert_eq!(exit(json!({"success": false, "message": "no"})), Err((ExitStatus::Failed, "no".into())));
        assert_eq!(
            exit(json!({"success": false, "message": "no", "timeout": true})).unwrap_err().0,
            ExitStatus::Timeout
        );
        assert_eq!(
            exit(json!({"success": false, "message": "no", "unknown": true})).unwrap_err().0,
            ExitStatus::NoSuchBot
        );
    }
}
