//! One command for many bots: sent to the engine as one, and waited for bot by bot.

use super::engine_request;
use super::response;
use super::state::{Listener, known_names};
use crate::bot_selector::is_glob;
use crate::command_queue::{Answer, BotAction, Command, ManyBots};
use crate::error::{Error, ErrorKind, Result};
use crate::json;
use crate::status::BotStatus;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::{Instant, timeout_at};

/// How long the engine may take to begin a command that is not waited for.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(30);

/// The most failures that are explained: why a bot is not up, or not down, in time, and the names that are like a word.
const MAX_EXPLAINED: usize = 20;

/// The most words of one command: more than a page or a script names.
const MAX_WORDS: usize = 10_000;

/// The most globs of one request: each is matched with every bot, in the engine's thread.
const MAX_GLOBS: usize = 100;

/// The most bytes of all globs of one request: a match takes as long as the glob times the name.
const MAX_GLOB_BYTES: usize = 512;

/// A command for many bots.
pub(super) struct BulkCommand {
    pub(super) action: BotAction,
    /// Words that select bots; without them, all bots that the action applies to.
    pub(super) words: Option<Vec<String>>,
    /// How long the bots may take; `None` does not wait for them.
    pub(super) wait: Option<Duration>,
    /// Only finds out which bots are affected.
    pub(super) dry_run: bool,
}

/// The outcome of a command for many bots.
pub(super) struct BulkOutcome {
    /// The bots that the command selects, as they are afterwards.
    pub(super) bots: Vec<BotStatus>,
    /// The names of bots that are stopped with them, because they depend on them.
    pub(super) also: Vec<String>,
    /// The names or words for which it failed.
    pub(super) failures: Vec<(String, Error)>,
    /// All names by which bots are selected, if a word selects none.
    known: Vec<String>,
}

impl BulkOutcome {
    /// Returns the failures as documents.
    pub(super) fn failure_documents(&self) -> Vec<json::Failure> {
        // Names are compared with all others for a suggestion.
        let known = |index: usize| if index < MAX_EXPLAINED { &self.known[..] } else { &[] };
        let document = |(index, (name, error)): (usize, &(String, Error))| json::Failure {
            name: name.clone(),
            message: response::message(error, known(index)),
            timeout: error.kind() == ErrorKind::Timeout,
            unknown: error.kind() == ErrorKind::NoSuchBot,
        };
        self.failures.iter().enumerate().map(document).collect()
    }

    /// Returns the response of the first failure, if there is one.
    pub(super) fn refusal(&self) -> Option<response::ErrorResponse> {
        self.failures.first().map(|(_, error)| response::error_response(error, &self.known).into())
    }
}

/// The outcomes of the bots, as the engine reports them.
type Outcomes = UnboundedReceiver<(String, Result<()>)>;

/// Runs a command for many bots, and waits for each of them.
///
/// # Errors
/// The monitor does not run, is stopping, or does not respond.
pub(super) async fn run(listener: &Listener, command: BulkCommand) -> Result<BulkOutcome> {
    let BulkCommand { action, words, wait, dry_run } = command;
    if let Some(words) = &words {
        refuse_too_many(words, "take the command")?;
    }
    let (sender, outcomes) = mpsc::unbounded_channel();
    let report = Arc::new(move |name: &str, outcome| drop(sender.send((name.to_owned(), outcome))));
    let many = Command::Many(Box::new(ManyBots { action, words, dry_run, report }));
    let end = Instant::now() + wait.unwrap_or(BEGIN_TIMEOUT);
    let (answer, _waiting) = engine_request::begin(&listener.0.commands, many, wait.is_some()).await?;
    let Answer::Affected(affected) = answer else {
        return Err(Error::new(ErrorKind::System, "failed to run the command: the engine has given another answer"));
    };
    let failed = if dry_run {
        BTreeMap::new()
    } else {
        collect(listener, &affected.selected, outcomes, action, wait, end).await
    };
    let mut failures = affected.unknown;
    let mut failed = failed;
    failures.extend(affected.selected.iter().filter_map(|name| failed.remove_entry(name)));
    let mut bots = listener.bots().await?;
    let is_unknown = failures.iter().any(|(_, error)| error.kind() == ErrorKind::NoSuchBot);
    let known = if is_unknown { known_names(&bots) } else { Vec::new() };
    let selected: BTreeSet<&str> = affected.selected.iter().map(String::as_str).collect();
    bots.retain(|bot| selected.contains(&*bot.name));
    Ok(BulkOutcome { bots, also: affected.also, failures, known })
}

/// Refuses a request whose words would keep the engine busy. `what`: what the request wants, such as "take the command".
pub(super) fn refuse_too_many(words: &[String], what: &str) -> Result<()> {
    let globs = || words.iter().filter(|word| is_glob(word));
    let why = match (words.len(), globs().count(), globs().map(String::len).sum::<usize>()) {
        (count, ..) if count > MAX_WORDS => {
            format!("it names {count} bots, and {MAX_WORDS} are the most: write a glob")
        }
        (_, count, _) if count > MAX_GLOBS => format!("it has {count} globs, and {MAX_GLOBS} are the most"),
        (.., length) if length > MAX_GLOB_BYTES => {
            format!("its globs have {length} bytes together, and {MAX_GLOB_BYTES} are the most: write shorter ones")
        }
        _ => return Ok(()),
    };
    Err(Error::new(ErrorKind::Failed, format!("failed to {what}: {why}")))
}

/// Collects the outcomes of these bots until all are there or the time is over. Returns the failures.
async fn collect(
    listener: &Listener,
    names: &[String],
    mut outcomes: Outcomes,
    action: BotAction,
    wait: Option<Duration>,
    end: Instant,
) -> BTreeMap<String, Error> {
    let mut left: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let mut failures = BTreeMap::new();
    while !left.is_empty() {
        match timeout_at(end, outcomes.recv()).await {
            Ok(Some((name, outcome))) => {
                left.remove(&*name);
                if let Err(error) = outcome {
                    failures.insert(name, error);
                }
            }
            Ok(None) => {
                let gone = || Error::new(ErrorKind::NotRunning, "failed to reach the monitor: it does not run");
                failures.extend(left.iter().map(|name| ((*name).to_owned(), gone())));
                break;
            }
            Err(_) => {
                let late = left.iter().enumerate();
                for (index, name) in late {
                    let error = timed_out(listener, name, action, wait, index < MAX_EXPLAINED).await;
                    failures.insert((*name).to_owned(), error);
                }
                break;
            }
        }
    }
    failures
}

/// Returns the error for a bot that was not up, or not down, in time.
async fn timed_out(
    listener: &Listener,
    name: &str,
    action: BotAction,
    wait: Option<Duration>,
    explains: bool,
) -> Error {
    let time = wait.unwrap_or(BEGIN_TIMEOUT);
    let is_for_up = matches!(action, BotAction::Start | BotAction::Restart(_) | BotAction::Await);
    let why = if explains {
        engine_request::explain(&listener.0.commands, Command::Explain(name.to_owned(), is_for_up)).await
    } else {
        String::new()
    };
    Error::failed(ErrorKind::Timeout, "wait for", name, format_args!("not done within {time:?}{why}"))
}
