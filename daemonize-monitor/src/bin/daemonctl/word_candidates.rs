//! The names of bots, groups and signals, for the completion of a shell.
//!
//! The monitor is asked for a short time. A completion never prints an error: there are no candidates then.

use crate::find_config;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use daemonize_control::Client;
use daemonize_monitor::{__daemonctl, json};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The time within which the monitor must respond.
const COMPLETION_TIMEOUT: Duration = Duration::from_millis(400);

/// The signals that are sent by hand.
const SIGNALS: &[&str] =
    &["HUP", "INT", "QUIT", "TERM", "KILL", "USR1", "USR2", "STOP", "CONT", "ALRM", "ABRT", "WINCH", "RTMIN"];

/// A name that means all bots.
const ALL: &str = "all";

/// Returns the candidates for the names of bots: bots, families, groups and `all`.
pub(crate) fn bots() -> ArgValueCandidates {
    ArgValueCandidates::new(|| candidates(true))
}

/// Returns the candidates for the name of one bot.
pub(crate) fn single_bot() -> ArgValueCandidates {
    ArgValueCandidates::new(|| candidates(false))
}

/// Returns the candidates for signals.
pub(crate) fn signals() -> ArgValueCandidates {
    ArgValueCandidates::new(|| SIGNALS.iter().map(CompletionCandidate::new).collect())
}

/// Returns names with what they are. A file system that hangs costs no more than the time the monitor has.
fn candidates(with_groups: bool) -> Vec<CompletionCandidate> {
    let (sender, names) = mpsc::channel();
    let spawned = thread::Builder::new().spawn(move || sender.send(ask(with_groups)));
    let found = spawned.ok().and_then(|_| names.recv_timeout(COMPLETION_TIMEOUT).ok()).unwrap_or_default();
    found.into_iter().map(|(name, what)| CompletionCandidate::new(name).help(Some(what.into()))).collect()
}

/// Asks the monitor of the command line for its bots.
fn ask(with_groups: bool) -> BTreeMap<String, String> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let bots = pidfiles(&words).iter().find_map(|pidfile| bots_of(pidfile)).unwrap_or_default();
    let mut names = BTreeMap::new();
    if with_groups && !bots.is_empty() {
        names.insert(ALL.to_owned(), "all bots".to_owned());
        for bot in &bots {
            names.extend(bot.group.clone().map(|group| (group, "group".to_owned())));
        }
    }
    for bot in bots {
        if bot.family != bot.name {
            names.insert(bot.family, "all instances".into());
        }
        let state = bot.state.map_or_else(String::new, |state| state.to_string());
        names.insert(bot.name, state);
    }
    names
}

/// Returns the bots of the monitor with this pidfile, if it runs and responds.
fn bots_of(pidfile: &Path) -> Option<Vec<json::BotReport>> {
    let client = Client::at(pidfile).timeout(COMPLETION_TIMEOUT);
    client.pid().ok()??;
    let mut answer: Value = client.get("/bots?minutes=0").ok()?;
    serde_json::from_value(answer["bots"].take()).ok()
}

/// Returns the pidfiles that the monitor of a command line may have.
fn pidfiles(words: &[OsString]) -> Vec<PathBuf> {
    if let Some(pidfile) = option(words, "--pidfile", None) {
        return find_config::absolute(Path::new(&pidfile)).into_iter().collect();
    }
    let given = option(words, "--config", Some("-c"));
    let Ok(config) = find_config::config(given.as_ref().map(Path::new)) else { return Vec::new() };
    let Ok(settings) = __daemonctl::settings(&config) else { return Vec::new() };
    let mut pidfiles = vec![__daemonctl::pidfile(&settings)];
    pidfiles.extend(__daemonctl::other_pidfiles(&config, &settings));
    pidfiles
}

/// Returns the value of an option: `-c FILE`, `-cFILE`, `--config FILE` or `--config=FILE`.
fn option(words: &[OsString], long: &str, short: Option<&str>) -> Option<OsString> {
    let value_in = |word: &OsStr| {
        let word = word.as_bytes();
        let long = word.strip_prefix(long.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
        let short = || short.and_then(|short| word.strip_prefix(short.as_bytes())).filter(|rest| !rest.is_empty());
        long.or_else(short).map(|value| OsString::from_vec(value.to_vec()))
    };
    let is_option = |word: &OsString| word == long || short.is_some_and(|short| word == short);
    let separate = words.windows(2).find(|pair| is_option(&pair[0])).map(|pair| pair[1].clone());
    separate.or_else(|| words.iter().find_map(|word| value_in(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_that_of_the_command_line() {
        let config = |words: &[&str]| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            option(&words, "--config", Some("-c")).and_then(|value| value.into_string().ok())
        };
        for words in [&["-c", "x"][..], &["-cx"], &["--config", "x"], &["--config=x"]] {
            assert_eq!(config(&[&["daemonctl"], words, &["stop", ""]].concat()).as_deref(), Some("x"), "{words:?}");
        }
        assert_eq!(config(&["daemonctl", "stop"]), None);
    }
}
