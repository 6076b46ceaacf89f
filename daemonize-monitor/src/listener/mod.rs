//! The monitor's HTTP interface: routes on the endpoint of its daemon.
//!
//! The endpoint has one thread, and no route blocks it: a command goes to the engine, and its answer comes back through a
//! channel that is awaited. So a stop that takes a minute delays no other client.

mod blocking;
mod bot_document;
mod bulk;
mod changes;
mod commands;
mod day_history;
mod detail;
mod engine_request;
mod history;
mod log;
mod log_answer;
mod log_query;
mod log_stream;
mod metrics;
mod monitor_log;
mod response;
mod session;
mod settings_rows;
mod state;

pub(crate) use state::Listener;

use crate::commands::Commands;
use crate::config_reload::Reloader;
use crate::json;
use crate::sessions::Sessions;
use crate::usage::Usage;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use daemonize_control::{Endpoint, axum};
use daemonize_core::attach::{Attachment, Handle};
use day_history::DayHistory;
use response::{Read, error_response, ok};
use serde::{Deserialize, Serialize};
use state::Routes;
use std::error::Error;
use std::sync::{Arc, OnceLock};

/// An attachment that starts to publish changes when the daemon starts.
pub(crate) struct ChangePublisher(Listener);

impl Attachment for ChangePublisher {
    fn start(&self, daemon: Handle) -> Result<(), Box<dyn Error>> {
        let _ = self.0.0.daemon.set(daemon);
        Ok(changes::spawn_publisher(&self.0)?)
    }
}

/// The query of `GET /bots`.
#[derive(Debug, Default, Deserialize)]
struct BotsQuery {
    /// 0 omits the counts of each minute.
    minutes: Option<u8>,
}

/// The answer to `GET /bots`.
#[derive(Serialize)]
struct MonitorAndBots {
    success: bool,
    monitor: json::MonitorReport,
    bots: Vec<json::BotReport>,
}

impl Listener {
    /// Returns the endpoint with all routes, and the attachment that publishes changes. Attach both to the monitor's daemon.
    pub(crate) fn endpoint(
        endpoint: Endpoint,
        commands: Commands,
        reloader: Option<Arc<Reloader>>,
        has_page: bool,
    ) -> (Endpoint, ChangePublisher) {
        let (publisher, counting) = (endpoint.publisher(), Arc::default());
        let (daemon, usage, sessions) = (OnceLock::new(), Usage::default(), Sessions::default());
        let endpoint = session::accepting(endpoint, sessions.clone());
        let history = DayHistory::default();
        let listener = Listener(Arc::new(Routes {
            daemon,
            commands,
            reloader,
            usage,
            publisher,
            counting,
            history,
            has_page,
            sessions,
        }));
        let (for_metrics, changes) = (listener.clone(), ChangePublisher(listener.clone()));
        (endpoint.routes(routes(listener)).metrics(move || metrics::text(for_metrics.clone())), changes)
    }
}

fn routes(listener: Listener) -> Router {
    Router::new()
        .route("/monitor", get(monitor))
        .route("/monitor/log", get(monitor_log::log))
        .route("/log", get(log::of_several))
        .route("/bots", get(all).post(commands::add))
        .route("/bots/{name}", get(one))
        .route("/bots/{name}/show", get(detail::show))
        .route("/bots/{name}/history", get(history::history))
        .route("/bots/{name}/log", get(log::log))
        .route("/bots/{name}/{command}", post(commands::command))
        .route("/command", post(commands::many))
        .route("/command/plan", post(commands::plan))
        .route("/config/reload", post(commands::reload))
        .route(session::EXCHANGE, post(session::open))
        .route("/session/code", post(session::make_code))
        .route("/session/end", post(session::end))
        .with_state(listener)
}

/// Answers `GET /monitor`.
async fn monitor(State(listener): State<Listener>) -> Response {
    ok(&serde_json::json!({ "success": true, "monitor": listener.monitor().await }))
}

/// Answers `GET /bots`.
async fn all(State(listener): State<Listener>, Read(Query(query)): Read<Query<BotsQuery>>) -> Response {
    changes::spawn_counter(&listener);
    let bots = match listener.bots().await {
        Ok(bots) => bots,
        Err(error) => return error_response(&error, &[]),
    };
    let mut bots = listener.sampled_documents(&bots).await;
    if query.minutes == Some(0) {
        bots.iter_mut().flat_map(|bot| &mut bot.events).for_each(|event| event.minutes.clear());
    }
    ok(&MonitorAndBots { success: true, monitor: listener.monitor().await, bots })
}

/// Answers `GET /bots/NAME`.
async fn one(State(listener): State<Listener>, Read(Path(name)): Read<Path<String>>) -> Response {
    match engine_request::bots(&listener.0.commands, Some(name.clone())).await {
        Ok(bots) => {
            listener.sampled_documents(&bots).await;
            response::bots(&listener, &name, &bots)
        }
        Err(error) => error_response(&error, &listener.names().await),
    }
}
