//! The reports on the daemon: `GET /`, `GET /status` and `GET /metrics`.

use crate::json::{Object, object};
use daemonize_core::attach::{Handle, Phase};
use daemonize_sys::escape::is_escaped;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The phase of the daemon that was reported last.
#[derive(Debug, Default)]
pub(crate) struct Lifecycle(AtomicU8);

impl Lifecycle {
    /// Records a new phase.
    pub(crate) fn set(&self, phase: Phase) {
        let number = match phase {
            Phase::Ready => 1,
            Phase::Reloading => 2,
            Phase::Stopping => 3,
            _ => return,
        };
        self.0.store(number, Relaxed);
    }

    /// Returns the state of the daemon as one word.
    pub(crate) fn state(&self, daemon: &Handle) -> &'static str {
        match self.0.load(Relaxed) {
            3 => "stopping",
            _ if daemon.is_stopping() => "stopping",
            0 => "starting",
            1 => "running",
            _ => "reloading",
        }
    }
}

/// Counts the requests of an endpoint.
#[derive(Debug, Default)]
pub(crate) struct RequestCounters {
    pub(crate) answered: AtomicU64,
    pub(crate) refused: AtomicU64,
}

/// Returns the reply to `GET /`: the identity of the daemon.
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

/// Returns the reply to `GET /status`: the state and the counters of the daemon.
pub(crate) fn status(daemon: &Handle, state: &str, events: &BTreeMap<String, u64>) -> Object {
    let counters = daemon.counters();
    let process = ProcessUsage::read();
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

/// Returns the reply to `GET /metrics`: the counters in the text format 0.0.4 of Prometheus.
pub(crate) fn metrics(daemon: &Handle, events: &BTreeMap<String, u64>, requests: &RequestCounters) -> String {
    let counters = daemon.counters();
    let process = ProcessUsage::read();
    let mut text = String::with_capacity(2048);
    let mut metric = |name: &str, kind: &str, help: &str, value: &dyn std::fmt::Display| {
        let _ = write!(text, "# HELP daemon_{name} {help}\n# TYPE daemon_{name} {kind}\ndaemon_{name} {value}\n");
    };
    metric("uptime_seconds", "gauge", "Seconds since the start.", &uptime(daemon).as_secs_f64());
    metric("steps_total", "counter", "Steps that were done.", &counters.steps);
    metric("messages_fetched_total", "counter", "Messages that were fetched.", &counters.fetched);
    metric("messages_handled_total", "counter", "Messages whose handler succeeded.", &counters.handled);
    metric("messages_failed_total", "counter", "Messages whose handler failed.", &counters.failed);
    metric("messages_in_flight", "gauge", "Messages that are being handled.", &counters.in_flight);
    metric("requests_total", "counter", "Requests that were answered.", &requests.answered.load(Relaxed));
    metric("requests_refused_total", "counter", "Requests that were refused.", &requests.refused.load(Relaxed));
    if let Some(threads) = process.threads {
        metric("threads", "gauge", "Threads of the process.", &threads);
    }
    if let Some(memory) = process.memory {
        metric("resident_memory_bytes", "gauge", "Resident memory of the process.", &memory);
    }
    if !events.is_empty() {
        text.push_str("# HELP daemon_events_total Events that had a handler.\n# TYPE daemon_events_total counter\n");
    }
    for (name, count) in events {
        let _ = writeln!(text, "daemon_events_total{{name=\"{}\"}} {count}", label(name));
    }
    text
}

/// Returns the value of a label, with the three escapes of the text format and without other control and format characters.
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

/// Returns a time in seconds, rounded down to milliseconds.
fn seconds(time: Duration) -> Value {
    let milliseconds = u32::try_from(time.as_millis() % 1000).unwrap_or_default();
    #[allow(clippy::cast_precision_loss)] // Exact below 2^52 seconds.
    let whole = time.as_secs() as f64;
    json!(whole + f64::from(milliseconds) / 1000.0)
}

/// The resources of this process, from `/proc/self/status`; `None` where `chroot(2)` hides it.
#[derive(Default)]
struct ProcessUsage {
    threads: Option<u64>,
    /// Resident memory in bytes.
    memory: Option<u64>,
}

impl ProcessUsage {
    fn read() -> ProcessUsage {
        let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let number = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        ProcessUsage { threads: number("Threads:"), memory: number("VmRSS:").map(|kilobytes| kilobytes * 1024) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_of_this_process_has_threads_and_memory() {
        let process = ProcessUsage::read();
        assert!(process.threads.unwrap() >= 1 && process.memory.unwrap() > 100_000);
    }

    /// Promise 5.16.
    #[test]
    fn label_with_control_characters_stays_in_its_line() {
        assert_eq!(label("a\"} 7\nb\\\x1b[2J\u{202e}\u{200b}"), "a\\\"} 7\\nb\\\\[2J");
    }

    #[test]
    fn times_are_seconds_with_milliseconds() {
        assert_eq!(seconds(Duration::from_micros(1_234_567)), json!(1.234));
    }
}
