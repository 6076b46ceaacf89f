//! The state that all routes share, and the documents that they are made from.

use super::day_history::DayHistory;
use super::{blocking, bot_document, engine_request};
use crate::commands::Commands;
use crate::config_reload::Reloader;
use crate::error::Result;
use crate::json;
use crate::sessions::Sessions;
use crate::status::BotStatus;
use crate::usage::Usage;
use daemonize_control::Publisher;
use daemonize_core::Pid;
use daemonize_core::attach::Handle;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};
use tokio::time::timeout;

/// The longest attempt to open the monitor's own log; after that, the last known error is reported.
const LOG_TIMEOUT: Duration = Duration::from_millis(500);

/// A handle to the state, cloned for each request.
#[derive(Clone)]
pub(crate) struct Listener(pub(super) Arc<Routes>);

/// The state itself.
pub(super) struct Routes {
    /// The daemon that the monitor is, once it has started.
    pub(super) daemon: OnceLock<Handle>,
    pub(super) commands: Commands,
    /// The source of the bots, if that is a file.
    pub(super) reloader: Option<Arc<Reloader>>,
    pub(super) usage: Usage,
    /// The stream of `GET /events`.
    pub(super) publisher: Publisher,
    /// `true` while a task publishes counts.
    pub(super) counting: Arc<AtomicBool>,
    /// The last day of each bot.
    pub(super) history: DayHistory,
    /// `true` if samples of it are taken.
    pub(super) has_page: bool,
    /// The sessions of the status page.
    pub(super) sessions: Sessions,
}

impl Listener {
    /// Returns the documents of bots, in the order of the configuration; bots that are in none come last.
    pub(super) fn documents(&self, bots: &[BotStatus]) -> Vec<json::BotReport> {
        let used = self.0.usage.of(&sessions(bots));
        let now = Instant::now();
        let mut bots: Vec<json::BotReport> = bots.iter().map(|status| bot_document::bot(status, &used, now)).collect();
        if let Some(reloader) = &self.0.reloader {
            reloader.sort(&mut bots, |bot| &bot.name);
        }
        bots
    }

    /// Returns the documents of bots after a new sample of their CPU and memory use.
    pub(super) async fn sampled_documents(&self, bots: &[BotStatus]) -> Vec<json::BotReport> {
        let (sessions, listener) = (sessions(bots), self.clone());
        // Without a thread for the sample, the documents have no usage.
        let _ = blocking::run(move || listener.0.usage.look(&sessions)).await;
        self.documents(bots)
    }

    /// Returns the error of the monitor's own log, after another attempt to open it.
    async fn log_problem(&self) -> Option<String> {
        let logger = self.0.reloader.as_deref()?.logger();
        if logger.problem().is_some() {
            // Opening a file may hang with its file system.
            let _ = timeout(LOG_TIMEOUT, blocking::run(|| logger.check())).await;
        }
        logger.problem()
    }

    /// Returns the document of the monitor itself.
    pub(super) async fn monitor(&self) -> json::MonitorReport {
        let log_problem = self.log_problem().await;
        let reloader = self.0.reloader.as_deref();
        let daemon = self.0.daemon.get();
        let uptime = daemon.and_then(|daemon| SystemTime::now().duration_since(daemon.since()).ok());
        json::MonitorReport {
            name: daemon.map(|daemon| daemon.name().to_owned()).unwrap_or_default(),
            pid: Pid::this().as_raw(),
            uptime: bot_document::seconds(uptime.unwrap_or_default()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            config: reloader.map(|reloader| reloader.path().display().to_string()),
            problem: reloader.and_then(Reloader::problem),
            log_problem,
            output_problem: reloader.and_then(|reloader| reloader.logger().console_problem()),
        }
    }

    /// Asks the engine for the status of all bots.
    pub(super) async fn bots(&self) -> Result<Vec<BotStatus>> {
        engine_request::bots(&self.0.commands, None).await
    }

    /// Returns all names that a command accepts.
    pub(super) async fn names(&self) -> Vec<String> {
        let bots = self.bots().await.unwrap_or_default();
        known_names(&bots)
    }
}

/// Returns the names by which commands select these bots.
pub(super) fn known_names(bots: &[BotStatus]) -> Vec<String> {
    let of_bot = |bot: &BotStatus| [bot.name.clone(), bot.family().to_owned()].into_iter().chain(bot.group.clone());
    bots.iter().flat_map(of_bot).collect()
}

/// Returns the sessions of the bots that run.
fn sessions(bots: &[BotStatus]) -> Vec<i32> {
    bots.iter().filter_map(|status| status.pid).map(Pid::as_raw).collect()
}
