//! All that is known of a bot: `GET /bots/NAME/show`.

use super::response::{Read, error_response, ok};
use super::settings_rows;
use super::state::Listener;
use super::{blocking, engine_request};
use crate::bot::{Bot, LogTarget};
use crate::command_queue::{Answer, BotSnapshot, Command};
use crate::error::{Error, Result};
use crate::json::{self, BotDetail, LogDetail};
use axum::extract::{Path, State};
use axum::response::Response;
use daemonize_control::axum;
use serde::Serialize;
use serde_json::json;
use std::ffi::OsStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// How long it may take to look at the sizes of log files, which may be on a mount that hangs.
const SIZE_TIMEOUT: Duration = Duration::from_millis(500);

/// The most threads that look at sizes: where a mount hangs, they hang with it.
const MAX_SIZE_LOOKS: usize = 4;

/// The number of threads that look at sizes.
static SIZE_LOOKS: AtomicUsize = AtomicUsize::new(0);

/// A permit for one thread to look at sizes.
struct LookPermit;

impl LookPermit {
    fn get() -> Option<LookPermit> {
        let permit = LookPermit;
        (SIZE_LOOKS.fetch_add(1, Ordering::Relaxed) < MAX_SIZE_LOOKS).then_some(permit)
    }
}

impl Drop for LookPermit {
    fn drop(&mut self) {
        SIZE_LOOKS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A response with several bots.
#[derive(Serialize)]
struct DetailList<'a> {
    success: bool,
    shows: &'a [BotDetail],
}

/// Answers `GET /bots/NAME/show`.
pub(super) async fn show(State(listener): State<Listener>, Read(Path(name)): Read<Path<String>>) -> Response {
    match details(&listener, &name).await {
        Ok(details) => match &details[..] {
            [detail] if detail.bot.name == name => ok(&json!({ "success": true, "show": detail })),
            details => ok(&DetailList { success: true, shows: details }),
        },
        Err(error) => error_response(&error, &listener.names().await),
    }
}

/// Returns all that is known of the bots that a word selects.
///
/// # Errors
/// It selects none, or too many.
async fn details(listener: &Listener, word: &str) -> Result<Vec<BotDetail>, Error> {
    let answer =
        engine_request::send(&listener.0.commands, Command::Show(word.to_owned()), word, None).answer().await?;
    let Answer::Snapshots(snapshots) = answer else { return Ok(Vec::new()) };
    let statuses: Vec<_> = snapshots.iter().map(|snapshot| snapshot.status.clone()).collect();
    let reports = listener.sampled_documents(&statuses).await;
    let mut details: Vec<BotDetail> = Vec::with_capacity(snapshots.len());
    for report in reports {
        if let Some(snapshot) = snapshots.iter().find(|snapshot| snapshot.status.name == report.name) {
            details.push(detail(snapshot, report));
        }
    }
    look_at_sizes(&mut details).await;
    Ok(details)
}

/// Returns keys of the configuration of a bot with their values, and its control group.
fn settings(snapshot: &BotSnapshot) -> Vec<json::Setting> {
    let cgroup = json::Setting { key: "control group".to_owned(), value: snapshot.cgroup.clone() };
    settings_rows::rows(&snapshot.bot).into_iter().chain([cgroup]).collect()
}

fn detail(snapshot: &BotSnapshot, report: json::BotReport) -> BotDetail {
    let bot = &snapshot.bot;
    let text = |text: &OsStr| text.to_string_lossy().into_owned();
    BotDetail {
        bot: report,
        command: text(bot.command.as_os_str()),
        arguments: bot.arguments.iter().map(|argument| text(argument)).collect(),
        user: bot.user.clone(),
        unix_group: bot.group.clone(),
        directory: bot.directory.as_deref().map_or_else(|| "/".to_owned(), |directory| text(directory.as_os_str())),
        // Their values may be secrets.
        environment: bot.environment.keys().map(|name| text(name)).collect(),
        inherits_environment: !bot.clear_environment,
        dependencies: snapshot.dependencies.clone(),
        dependents: snapshot.dependents.clone(),
        logs: logs(bot, snapshot.status.log_trouble.as_deref()),
        next: snapshot.next.clone(),
        settings: settings(snapshot),
        exits: snapshot.exits.clone(),
    }
}

fn logs(bot: &Bot, trouble: Option<&str>) -> Vec<LogDetail> {
    let log = |(stream, target): (&str, &LogTarget)| {
        let (kind, path) = match target {
            LogTarget::Memory => ("memory", None),
            LogTarget::File(log) => ("file", Some(log.path.to_string_lossy().into_owned())),
            LogTarget::Inherit => ("inherit", None),
            LogTarget::Null => ("null", None),
            LogTarget::Stdout => ("stdout", None),
        };
        // The error names its file.
        let problem = trouble.filter(|trouble| path.as_ref().is_some_and(|path| trouble.contains(&**path)));
        let problem = problem.map(str::to_owned);
        LogDetail { stream: stream.to_owned(), target: kind.to_owned(), path, size: None, problem }
    };
    [("stdout", &bot.stdout), ("stderr", &bot.stderr)].map(log).into()
}

/// Fills in the sizes of log files, on a thread for blocking calls. Without an answer in time they stay unknown.
async fn look_at_sizes(details: &mut [BotDetail]) {
    let logs = || details.iter().flat_map(|detail| &detail.logs);
    let paths: Vec<Option<String>> = logs().map(|log| log.path.clone()).collect();
    if paths.iter().all(Option::is_none) {
        return;
    }
    let Some(permit) = LookPermit::get() else { return };
    // Only the size of a file is looked at: a link, a FIFO or a device that a user has put there has none.
    let size =
        |path: &String| std::fs::symlink_metadata(path).ok().filter(std::fs::Metadata::is_file).map(|file| file.len());
    let look = blocking::run(move || {
        let sizes: Vec<Option<u64>> = paths.iter().map(|path| path.as_ref().and_then(size)).collect();
        drop(permit);
        sizes
    });
    let Ok(Ok(sizes)) = timeout(SIZE_TIMEOUT, look).await else { return };
    for (log, size) in details.iter_mut().flat_map(|detail| &mut detail.logs).zip(sizes) {
        log.size = size;
    }
}
