//! The values of options.

use clap::ValueEnum;
use daemonize_core::Signal;
use daemonize_monitor::__daemonctl::parse_duration;
use daemonize_monitor::State;
use std::time::Duration;

/// The streams whose lines are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum StreamChoice {
    #[default]
    Both,
    Stdout,
    Stderr,
}

impl StreamChoice {
    pub(crate) fn name(self) -> &'static str {
        match self {
            StreamChoice::Both => "both",
            StreamChoice::Stdout => "stdout",
            StreamChoice::Stderr => "stderr",
        }
    }
}

/// Parses a duration with a unit; a plain number means seconds, as for `timeout(1)`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    parse_duration(&if is_plain { format!("{text}s") } else { text.to_owned() })
}

pub(super) fn signal(text: &str) -> Result<Signal, String> {
    text.parse().map_err(|_| format!("`{text}` is not a known signal: write `HUP`, `SIGHUP`, `RTMIN+3` or `1`"))
}

pub(super) fn state(text: &str) -> Result<State, String> {
    let found = State::ALL.into_iter().find(|state| state.name() == text);
    let names = || State::ALL.map(State::name).join(", ");
    found.ok_or_else(|| format!("`{text}` is not a state: write one or more of {}", names()))
}
