//! Where the monitor is asked and told: routes on its daemon's endpoint.
//!
//! The endpoint has one thread, in which nothing waits: a command goes to the engine, and its answer comes back through a
//! channel that is awaited. So a stop that takes a minute keeps nobody else waiting.

mod blocking;
mod bot_commands;
mod bot_json;
mod bot_log;
mod engine_request;
mod event_stream;
mod json_body;
mod metrics;

use crate::commands::Commands;
use crate::config_reload::Reloader;
use crate::error::Result;
use crate::json;
use crate::status::BotStatus;
use crate::usage::Usage;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use daemonize_control::{Endpoint, axum};
use daemonize_core::Pid;
use daemonize_core::attach::{Attachment, Handle};
use json_body::{Read, answer, refusal};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};
use tokio::time::timeout;

/// How long an attempt to open the monitor's own log may take; after that, the last known problem is reported.
const LOG_TIMEOUT: Duration = Duration::from_millis(500);

/// What all routes know.
#[derive(Clone)]
pub(crate) struct ApiState(Arc<Inner>);

struct Inner {
    /// The daemon that the monitor is, once it is one.
    daemon: OnceLock<Handle>,
    commands: Commands,
    /// Where the bots come from, if that is a file.
    reloader: Option<Arc<Reloader>>,
    usage: Usage,
    changes: event_stream::EventStream,
}

/// Begins to tell of changes when there is a daemon.
pub(crate) struct ApiAttachment(ApiState);

impl Attachment for ApiAttachment {
    fn start(&self, daemon: Handle) -> std::result::Result<(), Box<dyn std::error::Error>> {
        let _ = self.0.0.daemon.set(daemon);
        Ok(self.0.0.changes.begin(&self.0)?)
    }
}

/// What of the bots is wanted.
#[derive(Debug, Default, Deserialize)]
struct BotsQuery {
    /// 0 leaves the counts of each minute out.
    minutes: Option<u8>,
}

/// The answer to `GET /bots`.
#[derive(Serialize)]
struct AllBotsBody {
    success: bool,
    monitor: json::Monitor,
    bots: Vec<json::Bot>,
}

impl ApiState {
    /// The endpoint with all routes, and what makes it tell of changes: both are attached to the daemon that the monitor
    /// is.
    pub(crate) fn endpoint(
        endpoint: Endpoint,
        commands: Commands,
        reloader: Option<Arc<Reloader>>,
    ) -> (Endpoint, ApiAttachment) {
        let changes = event_stream::EventStream::new(endpoint.publisher());
        let usage = Usage::default();
        let daemon = OnceLock::new();
        let listener = ApiState(Arc::new(Inner { daemon, commands, reloader, usage, changes }));
        let (for_metrics, beginning) = (listener.clone(), ApiAttachment(listener.clone()));
        (endpoint.routes(routes(listener)).metrics(move || metrics::text(for_metrics.clone())), beginning)
    }

    /// Bots as they are told: in the order of the configuration, those that are in none at the end.
    fn shown(&self, bots: &[BotStatus]) -> Vec<json::Bot> {
        let sessions: Vec<i32> = bots.iter().filter_map(|status| status.pid).map(Pid::as_raw).collect();
        let used = self.0.usage.of(&sessions);
        let now = Instant::now();
        let mut bots: Vec<json::Bot> = bots.iter().map(|status| bot_json::bot(status, &used, now)).collect();
        if let Some(reloader) = &self.0.reloader {
            reloader.sort(&mut bots, |bot| &bot.name);
        }
        bots
    }

    /// The same, after a look at what they use.
    async fn looked_at(&self, bots: &[BotStatus]) -> Vec<json::Bot> {
        let sessions: Vec<i32> = bots.iter().filter_map(|status| status.pid).map(Pid::as_raw).collect();
        let listener = self.clone();
        // What is not known then is not told.
        let _ = blocking::run(move || listener.0.usage.look(&sessions)).await;
        self.shown(bots)
    }

    /// Tries to open the monitor's own log again if it could not be written. Returns what is wrong with it.
    async fn log_problem(&self) -> Option<String> {
        let logger = self.0.reloader.as_deref()?.logger();
        if logger.problem().is_some() {
            // Opening a file may hang with its file system.
            let _ = timeout(LOG_TIMEOUT, blocking::run(|| logger.check())).await;
        }
        logger.problem()
    }

    async fn monitor(&self) -> json::Monitor {
        let log_problem = self.log_problem().await;
        let reloader = self.0.reloader.as_deref();
        let daemon = self.0.daemon.get();
        let uptime = daemon.and_then(|daemon| SystemTime::now().duration_since(daemon.since()).ok());
        json::Monitor {
            name: daemon.map(|daemon| daemon.name().to_owned()).unwrap_or_default(),
            pid: Pid::this().as_raw(),
            uptime: bot_json::seconds(uptime.unwrap_or_default()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            config: reloader.map(|reloader| reloader.path().display().to_string()),
            problem: reloader.and_then(Reloader::problem),
            log_problem,
        }
    }

    async fn bots(&self) -> Result<Vec<BotStatus>> {
        engine_request::bots(&self.0.commands, None).await
    }
}

fn routes(listener: ApiState) -> Router {
    Router::new()
        .route("/monitor", get(monitor))
        .route("/bots", get(all).post(bot_commands::add))
        .route("/bots/{name}", get(one))
        .route("/bots/{name}/log", get(bot_log::log))
        .route("/bots/{name}/{command}", post(bot_commands::command))
        .route("/command", post(bot_commands::many))
        .route("/config/reload", post(bot_commands::reload))
        .with_state(listener)
}

async fn monitor(State(listener): State<ApiState>) -> Response {
    answer(&serde_json::json!({ "success": true, "monitor": listener.monitor().await }))
}

async fn all(State(listener): State<ApiState>, Read(Query(wanted)): Read<Query<BotsQuery>>) -> Response {
    listener.0.changes.publish_counts(&listener);
    let bots = match listener.bots().await {
        Ok(bots) => bots,
        Err(error) => return refusal(&error, &[]),
    };
    let mut bots = listener.looked_at(&bots).await;
    if wanted.minutes == Some(0) {
        bots.iter_mut().flat_map(|bot| &mut bot.events).for_each(|event| event.minutes.clear());
    }
    answer(&AllBotsBody { success: true, monitor: listener.monitor().await, bots })
}

async fn one(State(listener): State<ApiState>, Read(Path(name)): Read<Path<String>>) -> Response {
    match engine_request::bots(&listener.0.commands, Some(name.clone())).await {
        Ok(bots) => {
            listener.looked_at(&bots).await;
            json_body::bots(&listener, &name, &bots)
        }
        Err(error) => refusal(&error, &listener.names().await),
    }
}

impl ApiState {
    /// All names that a command may mean.
    async fn names(&self) -> Vec<String> {
        let bots = self.bots().await.unwrap_or_default();
        bots.iter().flat_map(|bot| [bot.name.clone(), bot.family().to_owned()]).collect()
    }
}

/// Seconds since 1970.
fn on_the_wall(time: SystemTime) -> f64 {
    bot_json::seconds(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}
