//! Routes that change something: commands for bots, programs to add, reload.

use super::response::{ErrorResponse, Read, bad_request, error_response, ok, parse};
use super::state::Listener;
use super::{blocking, engine_request, response};
use crate::bot::{Bot, family};
use crate::command_queue::{Answer, Command};
use crate::error::{Error, ErrorKind, Result};
use crate::json;
use crate::parallel::Parallel;
use crate::status::{BotStatus, State as BotState};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use daemonize_control::axum;
use daemonize_core::Signal;
use daemonize_sys::error::cause;
use daemonize_sys::escape::escape;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

/// Makes the command for a bot of this name.
type MakeCommand = fn(String) -> Command;

/// The body of `POST /bots/NAME/COMMAND`.
#[derive(Deserialize)]
struct CommandBody {
    wait: Option<f64>,
    signal: Option<Value>,
    name: Option<String>,
    /// Of a restart: how many instances at once, or `"all"`.
    parallel: Option<Value>,
}

/// The body of `POST /command`.
#[derive(Deserialize)]
struct ManyBody {
    #[serde(rename = "do")]
    command: String,
    /// The names; without them, all bots that the command applies to.
    bots: Option<Vec<String>>,
    wait: Option<f64>,
    signal: Option<Value>,
    parallel: Option<Value>,
}

/// The body of `POST /bots`.
#[derive(Deserialize)]
struct AddBody {
    command: String,
    #[serde(default)]
    arguments: Vec<String>,
    name: Option<String>,
    wait: Option<f64>,
}

/// The body of `POST /config/reload`.
#[derive(Deserialize)]
struct ReloadBody {
    #[serde(default)]
    dry_run: bool,
    parallel: Option<Value>,
}

/// Answers `POST /bots/NAME/COMMAND`.
pub(super) async fn command(
    State(listener): State<Listener>,
    Read(Path((name, command))): Read<Path<(String, String)>>,
    body: Bytes,
) -> Response {
    run_command(&listener, &name, &command, &body).await.unwrap_or_else(|response| *response)
}

async fn run_command(listener: &Listener, name: &str, command: &str, body: &Bytes) -> Result<Response, ErrorResponse> {
    let CommandBody { wait, signal, name: event, parallel } = parse(body)?;
    let parallel = parse_parallel(parallel.as_ref())?;
    let wait = response::wait(wait)?;
    let command = match (command, event) {
        ("signal", _) => Command::Signal(name.to_owned(), parse_signal(signal.as_ref())?),
        ("event", Some(event)) if is_event_name(&event) => Command::Event(name.to_owned(), event),
        ("event", _) => return Err(bad_request("`name` is 1 to 64 printable ASCII characters without spaces").into()),
        ("restart", _) => Command::Restart(vec![name.to_owned()], parallel),
        (command, _) => make_command(command)?(name.to_owned()),
    };
    let is_quick = matches!(command, Command::Signal(..) | Command::Event(..));
    let commands = &listener.0.commands;
    let outcome = engine_request::send(commands, command, name, wait.filter(|_| !is_quick)).bots().await;
    let outcome = match outcome {
        Ok(_) if is_quick => engine_request::bots(commands, Some(name.to_owned())).await,
        outcome => outcome,
    };
    match outcome {
        Ok(bots) => Ok(response::bots(listener, name, &bots)),
        Err(error) => Err(error_response(&error, &listener.names().await).into()),
    }
}

/// The answer to a command for several bots.
#[derive(Serialize)]
struct ManyAnswer {
    success: bool,
    bots: Vec<json::BotReport>,
    failures: Vec<json::Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// Answers `POST /command`: one command for many bots at once. Each bot is waited for on its own.
pub(super) async fn many(State(listener): State<Listener>, body: Bytes) -> Response {
    run_command_on_many(&listener, &body).await.unwrap_or_else(|response| *response)
}

async fn run_command_on_many(listener: &Listener, body: &Bytes) -> Result<Response, ErrorResponse> {
    let ManyBody { command, bots, wait, signal, parallel } = parse(body)?;
    let parallel = parse_parallel(parallel.as_ref())?;
    let wait = response::wait(wait)?;
    let signal = if command == "signal" { Some(parse_signal(signal.as_ref())?) } else { None };
    // An unknown command is refused even if there are no bots.
    let make: Box<dyn Fn(String) -> Command + Send + Sync> = match signal {
        Some(signal) => Box::new(move |name| Command::Signal(name, signal)),
        None if command == "start" && bots.is_none() => Box::new(Command::StartUnlessDone),
        None if command == "restart" => Box::new(move |name| Command::Restart(vec![name], parallel)),
        None => Box::new(make_command(&command)?),
    };
    let before = listener.bots().await.map_err(|error| Box::new(error_response(&error, &[])))?;
    let names = match bots {
        Some(names) => names,
        None => before.iter().filter(|bot| applies_to(&command, bot)).map(|bot| bot.name.clone()).collect(),
    };
    let wait = wait.filter(|_| signal.is_none());
    let mut requests = Vec::new();
    for (name, instances) in restart_groups(&command, &names) {
        let command = match instances.len() {
            1 => make(name.to_owned()),
            _ => Command::Restart(instances.iter().map(|name| (*name).clone()).collect(), parallel),
        };
        requests.push((instances, engine_request::send(&listener.0.commands, command, name, wait)));
    }
    let known: Vec<String> = before.iter().flat_map(|bot| [bot.name.clone(), bot.family().to_owned()]).collect();
    let (mut failures, mut affected) = (Vec::new(), BTreeSet::new());
    for (instances, request) in requests {
        let outcome = request.answer().await;
        let (name, label) = (instances[0], if instances.len() > 1 { family(instances[0]) } else { instances[0] });
        // A path of a program stands for the bots that run it.
        match &outcome {
            Ok(Answer::Bots(bots)) if name.contains('/') => affected.extend(bots.iter().map(|bot| bot.name.clone())),
            _ => affected.extend(instances.iter().map(|name| (*name).clone())),
        }
        if let Err(error) = outcome {
            let (message, timeout) = (response::message(&error, &known), error.kind() == ErrorKind::Timeout);
            let unknown = error.kind() == ErrorKind::NoSuchBot;
            failures.push(json::Failure { name: label.to_owned(), message, timeout, unknown });
        }
    }
    let after = listener.bots().await.map_err(|error| Box::new(error_response(&error, &[])))?;
    let is_affected_name = |name: &str| affected.contains(name);
    let is_program = |path: &str| path.starts_with('/') && is_affected_name(path);
    let is_affected = |bot: &BotStatus| {
        is_affected_name(&bot.name) || is_affected_name(bot.family()) || bot.command.to_str().is_some_and(is_program)
    };
    let after: Vec<BotStatus> = after.into_iter().filter(is_affected).collect();
    let message = failures.first().map(|failure| failure.message.clone());
    Ok(ok(&ManyAnswer { success: failures.is_empty(), bots: listener.documents(&after), failures, message }))
}

/// Returns the names of a command, each by itself; for a restart the instances of one bot together, which are restarted one after
/// another.
fn restart_groups<'a>(command: &str, names: &'a [String]) -> Vec<(&'a str, Vec<&'a String>)> {
    let mut groups: Vec<(&str, Vec<&String>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for name in names {
        let is_instance = command == "restart" && !name.contains('/') && family(name) != name;
        let group = if is_instance { family(name) } else { name };
        match places.get(group).filter(|_| is_instance) {
            Some(place) => groups[*place].1.push(name),
            None => {
                places.insert(group, groups.len());
                groups.push((name, vec![name]));
            }
        }
    }
    groups
}

/// Returns `true` if a command for all bots applies to this one.
fn applies_to(command: &str, bot: &BotStatus) -> bool {
    match command {
        "start" => bot.autostart,
        "restart" => bot.autostart || !bot.state.is_down(),
        "signal" => bot.pid.is_some(),
        _ => !bot.state.is_down() || matches!(bot.state, BotState::GaveUp | BotState::Failed),
    }
}

/// Answers `POST /bots`: adds a program that is not in the configuration.
pub(super) async fn add(State(listener): State<Listener>, body: Bytes) -> Response {
    add_program(&listener, &body).await.unwrap_or_else(|response| *response)
}

async fn add_program(listener: &Listener, body: &Bytes) -> Result<Response, ErrorResponse> {
    let AddBody { command, arguments, name, wait } = parse(body)?;
    let wait = response::wait(wait)?;
    let failed = |why: &str| Error::failed(ErrorKind::Configuration, "start program", escape(&command), why);
    if !command.starts_with('/') {
        return Err(error_response(&failed("its path does not begin with `/`"), &[]).into());
    }
    let file = std::path::Path::new(&command).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = name.unwrap_or_else(|| file.to_owned());
    let bot = Bot::new(&name, &command).arguments(arguments).autostart(false);
    let outcome = engine_request::send(&listener.0.commands, Command::Add(Box::new(bot)), &name, wait).bots().await;
    // The program may be a bot already, under another name.
    let named = |bots: &[BotStatus]| if let [bot] = bots { bot.name.clone() } else { name.clone() };
    outcome
        .map(|bots| response::bots(listener, &named(&bots), &bots))
        .map_err(|error| Box::new(error_response(&error, &[])))
}

/// Answers `POST /config/reload`.
pub(super) async fn reload(State(listener): State<Listener>, body: Bytes) -> Response {
    let parsed =
        parse(&body).and_then(|ReloadBody { dry_run, parallel }| Ok((dry_run, parse_parallel(parallel.as_ref())?)));
    let (dry_run, parallel) = match parsed {
        Ok(body) => body,
        Err(response) => return *response,
    };
    let Some(reloader) = listener.0.reloader.clone() else {
        let why = "failed to reload: the monitor has no configuration file";
        return error_response(&Error::new(ErrorKind::Configuration, why), &[]);
    };
    let commands = listener.0.commands.clone();
    // A reload reads files, and waits for the engine.
    let outcome = blocking::run(move || reloader.reload(&commands, parallel, dry_run)).await;
    match outcome {
        Ok(Ok(plan)) => ok(&json!({ "success": true, "plan": plan })),
        Ok(Err(refused)) => ok(&json!({ "success": false, "message": refused.message, "mistakes": refused.mistakes })),
        Err(error) => {
            let why = format!("failed to reload the configuration: {}", cause(&error));
            error_response(&Error::new(ErrorKind::System, why), &[])
        }
    }
}

/// Returns the constructor of a command by its name.
fn make_command(command: &str) -> Result<MakeCommand, ErrorResponse> {
    match command {
        "start" => Ok(Command::Start),
        "stop" => Ok(Command::Stop),
        "wait" => Ok(Command::Await),
        "restart" => Ok(|name| Command::Restart(vec![name], Parallel::default())),
        "destroy" => Ok(Command::Destroy),
        _ => Err(bad_request("unknown command: use start, stop, restart, destroy, signal or event").into()),
    }
}

/// Parses how many instances are restarted at once; one if that is not said.
fn parse_parallel(value: Option<&Value>) -> Result<Parallel, ErrorResponse> {
    let parsed = match value {
        None | Some(Value::Null) => Some(Parallel::default()),
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_u64().and_then(|count| count.to_string().parse().ok()),
    };
    parsed.ok_or_else(|| bad_request("`parallel` is a number from 1 on, or \"all\"").into())
}

/// Parses a signal, given by name or number.
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
    signal.ok_or_else(|| bad_request("`signal` is a name or a number, such as \"HUP\" or 1").into())
}

/// Returns `true` for a valid name of an event.
fn is_event_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}
