//! What the endpoint says of the daemon.

use crate::json::{Object, object};
use daemonize_core::attach::{Handle, Phase};
use daemonize_sys::escape::is_escaped;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a daemon is at, as the last phase said.
#[derive(Debug, Default)]
pub(crate) struct Life(AtomicU8);

impl Life {
    /// It is at another phase.
    pub(crate) fn turns(&self, phase: Phase) {
        let number = match phase {
            Phase::Ready => 1,
            Phase::Reloading => 2,
            Phase::Stopping => 3,
            _ => return,
        };
        self.0.store(number, Relaxed);
    }

    /// In one word.
    pub(crate) fn word(&self, daemon: &Handle) -> &'static str {
        match self.0.load(Relaxed) {
            3 => "stopping",
            _ if daemon.is_stopping() => "stopping",
            0 => "starting",
            1 => "running",
            _ => "reloading",
        }
    }
}

/// How many requests there were.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    pub(crate) answered: AtomicU64,
    pub(crate) refused: AtomicU64,
}

/// Who the daemon is: what `GET /` answers.
pub(crate) fn identity(daemon: &Handle, address: &str, state: &str, version: Option<&str>) -> Object {
    let directory = daemon.pidfile().parent().map_or_else(String::new, |path| path.display().to_string());
    object([
        ("success", true.into()),
        ("name", daemon.name().into()),
        ("pid", daemon.pid().as_raw().into()),
        ("app_dir", directory.into()),
        ("address", address.into()),
        ("uptime", seconds(uptime(daemon))),
        ("state", state.into()),
        ("version", version.unwrap_or(env!("CARGO_PKG_VERSION")).into()),
    ])
}

/// How it is: what `GET /status` answers.
pub(crate) fn status(daemon: &Handle, state: &str, events: &BTreeMap<String, u64>) -> Object {
    let counters = daemon.counters();
    let process = Process::look();
    object([
        ("success", true.into()),
        ("name", daemon.name().into()),
        ("pid", daemon.pid().as_raw().into()),
        ("state", state.into()),
        ("since", seconds(daemon.since().duration_since(UNIX_EPOCH).unwrap_or_default())),
        ("uptime", seconds(uptime(daemon))),
        ("addresses", daemon.addresses().into()),
        ("warning", daemon.warning().into()),
        (
            "counters",
            json!({
                "steps": counters.steps,
                "fetched": counters.fetched,
                "handled": counters.handled,
                "failed": counters.failed,
                "in_flight": counters.in_flight,
            }),
        ),
        ("events", json!(events)),
        ("threads", process.threads.into()),
        ("memory", process.memory.into()),
    ])
}

/// The same for Prometheus (text format 0.0.4): what `GET /metrics` answers.
pub(crate) fn metrics(daemon: &Handle, events: &BTreeMap<String, u64>, requests: &Requests) -> String {
    let counters = daemon.counters();
    let process = Process::look();
    let mut text = String::with_capacity(2048);
    let mut one = |name: &str, kind: &str, help: &str, value: &dyn std::fmt::Display| {
        let _ = write!(text, "# HELP daemon_{name} {help}\n# TYPE daemon_{name} {kind}\ndaemon_{name} {value}\n");
    };
    one("uptime_seconds", "gauge", "Seconds since the start.", &uptime(daemon).as_secs_f64());
    one("steps_total", "counter", "Steps that were done.", &counters.steps);
    one("messages_fetched_total", "counter", "Messages that were fetched.", &counters.fetched);
    one("messages_handled_total", "counter", "Messages whose handler succeeded.", &counters.handled);
    one("messages_failed_total", "counter", "Messages whose handler failed.", &counters.failed);
    one("messages_in_flight", "gauge", "Messages that are being handled.", &counters.in_flight);
    one("requests_total", "counter", "Requests that were answered.", &requests.answered.load(Relaxed));
    one("requests_refused_total", "counter", "Requests that were refused.", &requests.refused.load(Relaxed));
    if let Some(threads) = process.threads {
        one("threads", "gauge", "Threads of the process.", &threads);
    }
    if let Some(memory) = process.memory {
        one("resident_memory_bytes", "gauge", "Resident memory of the process.", &memory);
    }
    if !events.is_empty() {
        text.push_str("# HELP daemon_events_total Events that had a handler.\n# TYPE daemon_events_total counter\n");
    }
    for (name, count) in events {
        let _ = writeln!(text, "daemon_events_total{{name=\"{}\"}} {count}", label(name));
    }
    text
}

/// Returns the value of a label: with the three escapes that the format has, without other control and format characters.
fn label(text: &str) -> String {
    let mut label = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' => label.push_str("\\\\"),
            '"' => label.push_str("\\\""),
            '\n' => label.push_str("\\n"),
            letter if is_escaped(letter) || letter == '\t' => {}
            letter => label.push(letter),
        }
    }
    label
}

fn uptime(daemon: &Handle) -> Duration {
    SystemTime::now().duration_since(daemon.since()).unwrap_or_default()
}

/// With milliseconds, which is as exact as anybody wants it.
fn seconds(time: Duration) -> Value {
    let milliseconds = u32::try_from(time.as_millis() % 1000).unwrap_or_default();
    #[allow(clippy::cast_precision_loss)] // Of a number of seconds that no clock will ever show.
    let whole = time.as_secs() as f64;
    json!(whole + f64::from(milliseconds) / 1000.0)
}

/// What `/proc/self/status` says; nothing where a change of root hides it.
#[derive(Default)]
struct Process {
    threads: Option<u64>,
    /// In bytes.
    memory: Option<u64>,
}

impl Process {
    fn look() -> Process {
        let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let number = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        Process { threads: number("Threads:"), memory: number("VmRSS:").map(|kilobytes| kilobytes * 1024) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_threads_and_memory() {
        let process = Process::look();
        assert!(process.threads.unwrap() >= 1 && process.memory.unwrap() > 100_000);
    }

    #[test]
    fn p5_16_a_label_stays_in_its_line() {
        assert_eq!(label("a\"} 7\nb\\\x1b[2J\u{202e}\u{200b}"), "a\\\"} 7\\nb\\\\[2J");
    }

    #[test]
    fn times_are_seconds_with_milliseconds() {
        assert_eq!(seconds(Duration::from_micros(1_234_567)), json!(1.234));
    }
}
