//! The values of options.

use clap::ValueEnum;
use daemonize_core::Signal;
use daemonize_monitor::__daemonctl::{check_pattern, parse_duration, parse_since};
use daemonize_monitor::State;
use std::time::{Duration, SystemTime};

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

/// Parses a time, or how long ago it was, and returns it as the endpoint takes it: in seconds since 1970.
pub(super) fn beginning(text: &str) -> Result<String, String> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = if is_plain { format!("{text}s") } else { text.to_owned() };
    let milliseconds = parse_since(&text, SystemTime::now())?;
    Ok(format!("@{}.{:03}", milliseconds / 1000, milliseconds % 1000))
}

/// Checks a regular expression.
pub(super) fn pattern(text: &str) -> Result<String, String> {
    check_pattern(text).map(|()| text.to_owned())
}

pub(super) fn state(text: &str) -> Result<State, String> {
    let found = State::ALL.into_iter().find(|state| state.name() == text);
    let names = || State::ALL.map(State::name).join(", ");
    found.ok_or_else(|| format!("`{text}` is not a state: write one or more of {}", names()))
}
