//! What is told to the monitor.

use super::{ApiState, blocking, engine_request, json_body};
use crate::bot::Bot;
use crate::command_queue::{Answer, Command};
use crate::error::{Error, ErrorKind, Result};
use crate::json;
use crate::status::{BotStatus, State as At};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use daemonize_control::axum;
use daemonize_core::Signal;
use daemonize_sys::error::cause;
use daemonize_sys::escape::escape;
use json_body::{ErrorResponse, Read, answer, bad, parse, refusal};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// How one of the commands goes on.
type CommandConstructor = fn(String) -> Command;

#[derive(Deserialize)]
struct BotCommandBody {
    wait: Option<f64>,
    signal: Option<Value>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct CommandBody {
    #[serde(rename = "do")]
    command: String,
    /// All of those that the command is for, if there are none.
    bots: Option<Vec<String>>,
    wait: Option<f64>,
    signal: Option<Value>,
}

#[derive(Deserialize)]
struct AddBotBody {
    command: String,
    #[serde(default)]
    arguments: Vec<String>,
    name: Option<String>,
    wait: Option<f64>,
}

#[derive(Deserialize)]
struct ReloadBody {
    #[serde(default)]
    dry_run: bool,
}

/// `POST /bots/NAME/COMMAND`.
pub(super) async fn command(
    State(listener): State<ApiState>,
    Read(Path((name, command))): Read<Path<(String, String)>>,
    body: Bytes,
) -> Response {
    commanded(&listener, &name, &command, &body).await.unwrap_or_else(|instead| *instead)
}

async fn commanded(listener: &ApiState, name: &str, command: &str, body: &Bytes) -> Result<Response, ErrorResponse> {
    let BotCommandBody { wait, signal, name: event } = parse(body)?;
    let wait = json_body::wait(wait)?;
    let command = match (command, event) {
        ("signal", _) => Command::Signal(name.to_owned(), parse_signal(signal.as_ref())?),
        ("event", Some(event)) if is_event(&event) => Command::Event(name.to_owned(), event),
        ("event", _) => return Err(bad("`name` is 1 to 64 printable ASCII characters without spaces").into()),
        (command, _) => constructor_for(command)?(name.to_owned()),
    };
    let is_quick = matches!(command, Command::Signal(..) | Command::Event(..));
    let commands = &listener.0.commands;
    let outcome = engine_request::send(commands, command, name, wait.filter(|_| !is_quick)).bots().await;
    let outcome = match outcome {
        Ok(_) if is_quick => engine_request::bots(commands, Some(name.to_owned())).await,
        outcome => outcome,
    };
    match outcome {
        Ok(bots) => Ok(json_body::bots(listener, name, &bots)),
        Err(error) => Err(refusal(&error, &listener.names().await).into()),
    }
}

/// The answer to a command for several bots.
#[derive(Serialize)]
struct CommandResponse {
    success: bool,
    bots: Vec<json::Bot>,
    failures: Vec<json::Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// `POST /command`: the same for many at once, who wait for nobody but themselves.
pub(super) async fn many(State(listener): State<ApiState>, body: Bytes) -> Response {
    commanded_all(&listener, &body).await.unwrap_or_else(|instead| *instead)
}

async fn commanded_all(listener: &ApiState, body: &Bytes) -> Result<Response, ErrorResponse> {
    let CommandBody { command, bots, wait, signal } = parse(body)?;
    let wait = json_body::wait(wait)?;
    let signal = if command == "signal" { Some(parse_signal(signal.as_ref())?) } else { None };
    // An unknown command is refused even if there are no bots.
    let make: Box<dyn Fn(String) -> Command + Send + Sync> = match signal {
        Some(signal) => Box::new(move |name| Command::Signal(name, signal)),
        None if command == "start" && bots.is_none() => Box::new(Command::StartUnlessDone),
        None => Box::new(constructor_for(&command)?),
    };
    let before = listener.bots().await.map_err(|error| Box::new(refusal(&error, &[])))?;
    let names = match bots {
        Some(names) => names,
        None => before.iter().filter(|bot| is_for(&command, bot)).map(|bot| bot.name.clone()).collect(),
    };
    let wait = wait.filter(|_| signal.is_none());
    let mut asked = Vec::new();
    for name in &names {
        asked.push((name, engine_request::send(&listener.0.commands, make(name.clone()), name, wait)));
    }
    let known: Vec<String> = before.iter().flat_map(|bot| [bot.name.clone(), bot.family().to_owned()]).collect();
    let (mut failures, mut meant) = (Vec::new(), BTreeSet::new());
    for (name, asked) in asked {
        let outcome = asked.answer().await;
        // A program is told as the bots that run it.
        match &outcome {
            Ok(Answer::Bots(bots)) if name.contains('/') => meant.extend(bots.iter().map(|bot| bot.name.clone())),
            _ => drop(meant.insert(name.clone())),
        }
        if let Err(error) = outcome {
            let (message, timeout) = (json_body::message(&error, &known), error.kind() == ErrorKind::Timeout);
            let unknown = error.kind() == ErrorKind::NoSuchBot;
            failures.push(json::Failure { name: name.clone(), message, timeout, unknown });
        }
    }
    let after = listener.bots().await.map_err(|error| Box::new(refusal(&error, &[])))?;
    let is_meant = |name: &str| meant.contains(name);
    let is_program = |path: &str| path.starts_with('/') && is_meant(path);
    let is_meant =
        |bot: &BotStatus| is_meant(&bot.name) || is_meant(bot.family()) || bot.command.to_str().is_some_and(is_program);
    let after: Vec<BotStatus> = after.into_iter().filter(is_meant).collect();
    let message = failures.first().map(|failure| failure.message.clone());
    Ok(answer(&CommandResponse { success: failures.is_empty(), bots: listener.shown(&after), failures, message }))
}

/// Whether a command for all is for this one.
fn is_for(command: &str, bot: &BotStatus) -> bool {
    match command {
        "start" => bot.autostart,
        "restart" => bot.autostart || !bot.state.is_down(),
        "signal" => bot.pid.is_some(),
        _ => !bot.state.is_down() || matches!(bot.state, At::GaveUp | At::Failed),
    }
}

/// `POST /bots`: a program that is in no configuration.
pub(super) async fn add(State(listener): State<ApiState>, body: Bytes) -> Response {
    added(&listener, &body).await.unwrap_or_else(|instead| *instead)
}

async fn added(listener: &ApiState, body: &Bytes) -> Result<Response, ErrorResponse> {
    let AddBotBody { command, arguments, name, wait } = parse(body)?;
    let wait = json_body::wait(wait)?;
    let failed = |why: &str| Error::failed(ErrorKind::Configuration, "start program", escape(&command), why);
    if !command.starts_with('/') {
        return Err(refusal(&failed("its path does not begin with `/`"), &[]).into());
    }
    let file = std::path::Path::new(&command).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = name.unwrap_or_else(|| file.to_owned());
    let bot = Bot::new(&name, &command).arguments(arguments).autostart(false);
    let outcome = engine_request::send(&listener.0.commands, Command::Add(Box::new(bot)), &name, wait).bots().await;
    // It may be a bot already, under another name.
    let named = |bots: &[BotStatus]| if let [bot] = bots { bot.name.clone() } else { name.clone() };
    outcome.map(|bots| json_body::bots(listener, &named(&bots), &bots)).map_err(|error| Box::new(refusal(&error, &[])))
}

/// `POST /config/reload`.
pub(super) async fn reload(State(listener): State<ApiState>, body: Bytes) -> Response {
    let ReloadBody { dry_run } = match parse(&body) {
        Ok(again) => again,
        Err(instead) => return *instead,
    };
    let Some(reloader) = listener.0.reloader.clone() else {
        let why = "failed to reload: the monitor has no configuration file";
        return refusal(&Error::new(ErrorKind::Configuration, why), &[]);
    };
    let commands = listener.0.commands.clone();
    // It reads files, and waits for the engine.
    let outcome = blocking::run(move || reloader.reload(&commands, dry_run)).await;
    match outcome {
        Ok(Ok(plan)) => answer(&json!({ "success": true, "plan": plan })),
        Ok(Err(refused)) => {
            answer(&json!({ "success": false, "message": refused.message, "mistakes": refused.mistakes }))
        }
        Err(error) => {
            let why = format!("failed to reload the configuration: {}", cause(&error));
            refusal(&Error::new(ErrorKind::System, why), &[])
        }
    }
}

fn constructor_for(command: &str) -> Result<CommandConstructor, ErrorResponse> {
    match command {
        "start" => Ok(Command::Start),
        "stop" => Ok(Command::Stop),
        "restart" => Ok(Command::Restart),
        "destroy" => Ok(Command::Destroy),
        _ => Err(bad("there is no such command: start, stop, restart, destroy, signal, event").into()),
    }
}

/// A signal by its name or number.
fn parse_signal(value: Option<&Value>) -> Result<Signal, ErrorResponse> {
    let signal = match value {
        Some(Value::String(name)) => name.parse().ok(),
        Some(Value::Number(number)) => number
            .as_i64()
            .and_then(|number| i32::try_from(number).ok())
            .filter(|number| (1..=64).contains(number))
            .map(Signal::from),
        _ => None,
    };
    signal.ok_or_else(|| bad("`signal` is a name or a number, such as \"HUP\" or 1").into())
}

fn is_event(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}
