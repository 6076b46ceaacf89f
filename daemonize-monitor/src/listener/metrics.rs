//! The metrics of each bot, for Prometheus.

use super::state::Listener;
use crate::json::{BotHealth, BotReport, State};
use daemonize_sys::escape::is_escaped;
use std::fmt::{Display, Write};

/// Returns the metrics of all bots in the text format 0.0.4. They are empty if the engine does not answer.
pub(super) async fn text(listener: Listener) -> String {
    let bots = listener.bots().await.unwrap_or_default();
    print(&listener.sampled_documents(&bots).await)
}

fn print(bots: &[BotReport]) -> String {
    let mut text = String::with_capacity(256 + bots.len() * 512);
    let mut each = |name: &str, kind: &str, help: &str, value: &dyn Fn(&BotReport) -> Option<f64>| {
        let _ = write!(text, "# HELP daemon_bot_{name} {help}\n# TYPE daemon_bot_{name} {kind}\n");
        for bot in bots {
            if let Some(value) = value(bot) {
                line(&mut text, name, &[("bot", &bot.name)], value);
            }
        }
    };
    #[allow(clippy::cast_precision_loss)] // Of bytes.
    let bytes = |bytes: u64| bytes as f64;
    each("up", "gauge", "1 if it runs and is ready, or has exited with success and is not restarted.", &|bot| {
        Some(f64::from(u8::from(bot.state.is_some_and(State::is_up))))
    });
    each("gave_up", "gauge", "1 if it exited too often and is not restarted.", &|bot| {
        Some(f64::from(u8::from(bot.state == Some(State::GaveUp))))
    });
    each("healthy", "gauge", "1 if its last check succeeded, 0 if it failed.", &|bot| match bot.health {
        Some(BotHealth::Healthy) => Some(1.0),
        Some(BotHealth::Failing) => Some(0.0),
        _ => None,
    });
    each("uptime_seconds", "gauge", "Seconds since its process started.", &|bot| bot.uptime);
    each("window_exits", "gauge", "Exits within the window of its limit.", &|bot| Some(f64::from(bot.exits)));
    each("limit_exits", "gauge", "Exits that are allowed within that window.", &|bot| Some(f64::from(bot.limit)));
    each("cpu_percent", "gauge", "CPU time of its processes, in percent of one CPU.", &|bot| bot.cpu);
    each("resident_memory_bytes", "gauge", "Resident memory of its processes.", &|bot| bot.memory.map(bytes));
    each("memory_max_bytes", "gauge", "Anonymous memory that its processes may use.", &|bot| bot.memory_max.map(bytes));
    each("dropped_bytes_total", "counter", "Bytes of its output that were dropped.", &|bot| Some(bytes(bot.dropped)));
    text.push_str("# HELP daemon_bot_state 1 for its current state.\n# TYPE daemon_bot_state gauge\n");
    for bot in bots {
        for state in State::ALL {
            let is_in_it = u8::from(bot.state == Some(state));
            line(&mut text, "state", &[("bot", &bot.name), ("state", state.name())], is_in_it);
        }
    }
    text.push_str("# HELP daemon_bot_events_total Events that were counted.\n# TYPE daemon_bot_events_total counter\n");
    for bot in bots {
        for event in &bot.events {
            line(&mut text, "events_total", &[("bot", &bot.name), ("event", &event.name)], event.total);
        }
    }
    text
}

fn line(text: &mut String, name: &str, labels: &[(&str, &str)], value: impl Display) {
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    let _ = writeln!(text, "daemon_bot_{name}{{{}}} {value}", labels.join(","));
}

/// Escapes the value of a label, and removes control and format characters.
fn escaped(text: &str) -> String {
    text.chars().filter(|letter| !is_escaped(*letter)).collect::<String>().replace('\\', "\\\\").replace('"', "\\\"")
}
