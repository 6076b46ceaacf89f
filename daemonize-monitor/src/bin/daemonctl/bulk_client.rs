//! Commands for many bots to a running monitor.

use crate::exit_status::CliError;
use crate::monitor_client::{Connection, number_or_all, refused, taken};
use daemonize_monitor::{Parallel, json};
use serde_json::{Map, Value};
use std::time::Duration;

/// The result of a command for several bots.
#[derive(Clone, Debug)]
pub(crate) struct CommandOutcome {
    /// The bots that the command applied to.
    pub(crate) bots: Vec<json::BotReport>,
    /// The bots that are stopped with them, because they depend on them.
    pub(crate) also: Vec<String>,
    /// The bots for which it failed.
    pub(crate) failures: Vec<json::Failure>,
}

impl Connection {
    /// Sends a command for some bots, or for all without names, and waits for its completion if `wait` is set.
    pub(crate) fn command(
        &self,
        verb: &str,
        names: Option<&[String]>,
        parallel: Option<Parallel>,
        wait: Option<Duration>,
    ) -> Result<CommandOutcome, CliError> {
        let mut body = Map::new();
        body.insert("do".into(), verb.into());
        if let Some(parallel) = parallel {
            body.insert("parallel".into(), number_or_all(parallel));
        }
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

    /// Returns the bots that a command would affect, and changes nothing.
    pub(crate) fn plan(
        &self,
        verb: &str,
        names: Option<&[String]>,
        parallel: Option<Parallel>,
    ) -> Result<CommandOutcome, CliError> {
        let mut body = Map::new();
        if let Some(parallel) = parallel {
            body.insert("parallel".into(), number_or_all(parallel));
        }
        body.insert("do".into(), verb.into());
        if let Some(names) = names {
            body.insert("bots".into(), names.into());
        }
        // A route of its own: an older monitor would not know of a `dry_run`, and carry the command out.
        self.post_command("/command/plan", body, Duration::ZERO)
    }

    fn carry_out(&self, body: Map<String, Value>, wait: Duration) -> Result<CommandOutcome, CliError> {
        self.post_command("/command", body, wait)
    }

    fn post_command(&self, route: &str, body: Map<String, Value>, wait: Duration) -> Result<CommandOutcome, CliError> {
        let mut answer = self.answer_within(wait, route, body)?;
        if answer.get("failures").is_none() {
            refused(&answer)?;
        }
        let also = if answer.get("also").is_some() { taken(&mut answer, "also")? } else { Vec::new() };
        Ok(CommandOutcome { bots: taken(&mut answer, "bots")?, also, failures: taken(&mut answer, "failures")? })
    }
}
