//! Routes that change something: commands for bots, programs to add, reload.

use super::bulk::{self, BulkCommand};
use super::response::{ErrorResponse, Read, bad_request, error_response, ok, parse};
use super::state::Listener;
use super::{blocking, engine_request, response};
use crate::bot::Bot;
use crate::command_queue::{BotAction, Command};
use crate::error::{Error, ErrorKind, Result};
use crate::json;
use crate::parallel::Parallel;
use crate::status::BotStatus;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use daemonize_control::axum;
use daemonize_core::Signal;
use daemonize_sys::error::cause;
use daemonize_sys::escape::escape;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The body of `POST /bots/NAME/COMMAND`.
#[derive(Deserialize)]
struct CommandBody {
    wait: Option<f64>,
    signal: Option<Value>,
    name: Option<String>,
    /// Of a restart: how many instances at once, or `"all"`.
    parallel: Option<Value>,
    #[serde(default)]
    dry_run: bool,
}

/// The body of `POST /command`.
#[derive(Deserialize)]
struct ManyBody {
    #[serde(rename = "do")]
    command: String,
    /// Words that select bots; without them, all bots that the command applies to.
    bots: Option<Vec<String>>,
    wait: Option<f64>,
    signal: Option<Value>,
    parallel: Option<Value>,
    /// Only says which bots are affected.
    #[serde(default)]
    dry_run: bool,
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
    let CommandBody { wait, signal, name: event, parallel, dry_run } = parse(body)?;
    let parallel = parse_parallel(parallel.as_ref())?;
    let wait = response::wait(wait)?;
    let quick = match (command, event) {
        ("signal", _) => Command::Signal(name.to_owned(), parse_signal(signal.as_ref())?),
        ("event", Some(event)) if is_event_name(&event) => Command::Event(name.to_owned(), event),
        ("event", _) => return Err(bad_request("`name` is 1 to 64 printable ASCII characters without spaces").into()),
        (command, _) => {
            let (action, words) = (action(command, parallel)?, Some(vec![name.to_owned()]));
            let bulk = BulkCommand { action, words, wait, dry_run };
            let outcome = bulk::run(listener, bulk).await.map_err(|error| Box::new(error_response(&error, &[])))?;
            return match outcome.refusal() {
                Some(refusal) => Err(refusal),
                None => Ok(response::affected_bots(listener, name, &outcome.bots, &outcome.also)),
            };
        }
    };
    let commands = &listener.0.commands;
    let outcome = match engine_request::send(commands, quick, name, None).answer().await {
        Ok(_) => engine_request::bots(commands, Some(name.to_owned())).await,
        Err(error) => Err(error),
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
    /// The bots that are stopped with them, because they depend on them.
    also: Vec<String>,
    failures: Vec<json::Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// Answers `POST /command`: one command for many bots at once. Each bot is waited for on its own.
pub(super) async fn many(State(listener): State<Listener>, body: Bytes) -> Response {
    run_command_on_many(&listener, &body, false).await.unwrap_or_else(|response| *response)
}

/// Answers `POST /command/plan`: says which bots such a command would affect. A monitor that does not know this route refuses
/// it, where it would not know of `dry_run` and carry the command out.
pub(super) async fn plan(State(listener): State<Listener>, body: Bytes) -> Response {
    run_command_on_many(&listener, &body, true).await.unwrap_or_else(|response| *response)
}

async fn run_command_on_many(listener: &Listener, body: &Bytes, is_plan: bool) -> Result<Response, ErrorResponse> {
    let ManyBody { command, bots, wait, signal, parallel, dry_run } = parse(body)?;
    let parallel = parse_parallel(parallel.as_ref())?;
    let wait = response::wait(wait)?;
    // An unknown command is refused even if there are no bots.
    let action = match &*command {
        "signal" => BotAction::Signal(parse_signal(signal.as_ref())?),
        command => action(command, parallel)?,
    };
    let wait = wait.filter(|_| !matches!(action, BotAction::Signal(_) | BotAction::Freeze(_)));
    let bulk = BulkCommand { action, words: bots, wait, dry_run: dry_run || is_plan };
    let outcome = bulk::run(listener, bulk).await.map_err(|error| Box::new(error_response(&error, &[])))?;
    let failures = outcome.failure_documents();
    let message = failures.first().map(|failure| failure.message.clone());
    let (success, bots, also) = (failures.is_empty(), listener.documents(&outcome.bots), outcome.also);
    Ok(ok(&ManyAnswer { success, bots, also, failures, message }))
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

/// Returns what a command does, by its name.
fn action(command: &str, parallel: Parallel) -> Result<BotAction, ErrorResponse> {
    match command {
        "start" => Ok(BotAction::Start),
        "stop" => Ok(BotAction::Stop),
        "restart" => Ok(BotAction::Restart(parallel)),
        "wait" => Ok(BotAction::Await),
        "destroy" => Ok(BotAction::Destroy),
        "freeze" => Ok(BotAction::Freeze(true)),
        "thaw" => Ok(BotAction::Freeze(false)),
        _ => {
            Err(bad_request("unknown command: use start, stop, restart, destroy, freeze, thaw, signal or event").into())
        }
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
