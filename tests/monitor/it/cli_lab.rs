//! A lab with a configuration in tables, for tests of `daemonctl` itself.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use daemonize_monitor::control::Client;
use look::{Lab, Outcome, Process, Run};
use serde_json::Value;

use crate::common::{self, BOT, EVENT_TIMEOUT};

/// A lab with a configuration in it.
pub(crate) struct CliLab {
    pub(crate) lab: Lab,
}

impl CliLab {
    /// Creates a lab with these bots: tables of TOML, with `BOT` for the helper program and `LAB` for the lab's
    /// directory.
    pub(crate) fn new(bots: &str) -> CliLab {
        let cli = CliLab { lab: Lab::new(daemonctl()) };
        cli.configure(bots);
        cli
    }

    /// Writes other bots, for the next reload.
    pub(crate) fn configure(&self, bots: &str) {
        self.configure_with("", bots);
    }

    /// Writes other bots, with more settings of the monitor.
    pub(crate) fn configure_with(&self, settings: &str, bots: &str) {
        let text = format!(
            "[monitor]\nname = \"lab\"\npidfile = \"LAB/m.pid\"\nlog = {{ file = \"LAB/m.log\" }}\n{settings}\n{bots}"
        );
        self.lab.write("m.toml", self.filled(&text));
    }

    fn filled(&self, text: &str) -> String {
        at_once(text).replace("BOT", BOT).replace("LAB", &self.lab.directory().display().to_string())
    }

    /// Prepares a run of `daemonctl` with this configuration.
    pub(crate) fn ctl(&self, arguments: &[&str]) -> Run<'_> {
        self.lab.helper(&["-c", "m.toml"]).args(arguments)
    }

    /// Runs `daemonctl`, which must succeed; returns its output.
    #[track_caller]
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        self.ctl(arguments).run().ok().stdout
    }

    /// Returns the output of `daemonctl` as JSON, and its exit status.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> (Value, i32) {
        let outcome = self.ctl(arguments).arg("--json").run();
        let value = serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("no JSON: {error}: {outcome}"));
        (value, outcome.code())
    }

    /// Starts the monitor.
    #[track_caller]
    pub(crate) fn start(&self) -> Process {
        self.ctl(&["start"]).run().ok().says(&["the monitor was not running: started it as pid"]);
        self.monitor()
    }

    /// Returns the running monitor, or the one that ran last.
    #[track_caller]
    pub(crate) fn monitor(&self) -> Process {
        self.lab.daemon("m.pid")
    }

    pub(crate) fn client(&self) -> Client {
        common::client(&self.lab)
    }

    /// Returns a bot's JSON; `null` if there is no such bot.
    #[track_caller]
    pub(crate) fn bot(&self, name: &str) -> Value {
        self.client().get(&format!("/bots/{name}")).expect("a bot")["bot"].take()
    }

    /// Returns the pid of a bot.
    #[track_caller]
    pub(crate) fn pid(&self, name: &str) -> i32 {
        let bot = self.bot(name);
        bot["pid"].as_i64().and_then(|pid| pid.try_into().ok()).unwrap_or_else(|| panic!("no process: {bot}"))
    }

    /// Waits until the JSON of a bot satisfies `holds`.
    #[track_caller]
    pub(crate) fn until(&self, name: &str, holds: impl Fn(&Value) -> bool) -> Value {
        common::until(&self.lab, name, holds)
    }

    /// Waits until a bot is in a state.
    #[track_caller]
    pub(crate) fn until_is(&self, name: &str, state: &str) -> Value {
        self.until(name, |bot| bot["state"] == state)
    }

    /// Restarts the monitor, and waits until the new one listens.
    #[track_caller]
    pub(crate) fn restart_monitor(&self) {
        let before = self.monitor();
        assert_eq!(self.client().restart().expect("an answer")["success"], true);
        before.died(EVENT_TIMEOUT).expect("the old one ends");
        look::until(&self.lab.path("m.pid"), look::Deadline::after(EVENT_TIMEOUT), || {
            let text = self.lab.read("m.pid");
            (text.contains("unix://") && !text.starts_with(&format!("{}\n", before.id()))).then_some(())
        })
        .expect("a new one");
    }

    /// Stops the monitor, and asserts that nothing is left.
    #[track_caller]
    pub(crate) fn shutdown(&self) -> Outcome {
        let outcome = self.ctl(&["shutdown"]).run().ok();
        self.lab.quiet(EVENT_TIMEOUT).unwrap_or_else(|_| panic!("left: {:?}", self.lab.processes()));
        outcome
    }
}

/// Returns `daemonctl`, after building it unless `scripts/test` has.
pub(crate) fn daemonctl() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| example("daemonctl"))
}

/// Returns a program of the monitor or of its examples, after building them unless `scripts/test` has.
pub(crate) fn example(name: &str) -> PathBuf {
    look::programs(BOT, &["daemonize-monitor", "daemonic-monitor-examples", "daemonic-monitor-tests"]).join(name)
}

/// Makes the bots of a configuration ready at once unless it says otherwise: by default a bot is ready after a second,
/// which most tests do not need.
fn at_once(text: &str) -> String {
    let tables = text.split_inclusive('\n').fold(Vec::<String>::new(), |mut tables, line| {
        match tables.last_mut() {
            Some(table) if !line.starts_with('[') => table.push_str(line),
            _ => tables.push(line.to_owned()),
        }
        tables
    });
    let filled = tables.into_iter().map(|table| {
        let is_bot = table.starts_with("[bot.") && !table.lines().any(|line| line.starts_with("ready ="));
        // Replaces an empty line, if there is one: mistakes stay on the lines where the test has written them.
        let end = table.strip_suffix("\n\n").or(table.strip_suffix('\n')).unwrap_or(&table);
        if is_bot { format!("{end}\nready = \"at-once\"\n") } else { table }
    });
    filled.collect()
}

/// Returns the names of the bots in an answer.
pub(crate) fn names(bots: &Value) -> Vec<&str> {
    bots.as_array().expect("bots").iter().filter_map(|bot| bot["name"].as_str()).collect()
}
