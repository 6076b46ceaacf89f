//! Shows which bots a command still waits for, in one line on a terminal that is erased at the end.

use crate::bot_filter::BotFilter;
use crate::human_format::{count, escape};
use crate::monitor_client::Connection;
use crate::output::Output;
use daemonize_monitor::json::{BotReport, Rolling, State};
use daemonize_sys::mutex::lock;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The maximum number of bots that are named.
const MAX_NAMED: usize = 4;
/// How long a command may take before progress is shown.
const SHOW_DELAY: Duration = Duration::from_millis(300);

/// A thread that shows the progress of a command; it ends with the process.
pub(crate) struct Progress {
    /// `true` once the command is complete and nothing may be printed.
    over: Arc<Mutex<bool>>,
}

impl Progress {
    /// Starts the thread if stderr is a terminal and JSON is not requested.
    pub(crate) fn begin(
        output: Output,
        connection: &Connection,
        verb: &str,
        names: Option<&[String]>,
    ) -> Option<Progress> {
        if output.json || !io::stderr().is_terminal() {
            return None;
        }
        let over = Arc::new(Mutex::new(false));
        let (connection, verb, names) = (connection.clone(), verb.to_owned(), names.map(<[String]>::to_vec));
        let shared = Arc::clone(&over);
        thread::spawn(move || follow(&connection, &verb, names.as_deref(), &shared));
        Some(Progress { over })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let mut over = lock(&self.over);
        *over = true;
        let _ = write!(io::stderr(), "\r\x1b[K");
    }
}

/// Prints progress until the command is complete. Errors are ignored: the command itself reports them.
fn follow(connection: &Connection, verb: &str, names: Option<&[String]>, over: &Mutex<bool>) {
    let Ok(mut events) = connection.events() else { return };
    thread::sleep(SHOW_DELAY);
    let Ok(bots) = connection.bots() else { return };
    let mut bots: BTreeMap<String, BotReport> = bots.bots.into_iter().map(|bot| (bot.name.clone(), bot)).collect();
    let Ok(filter) = BotFilter::new(names.unwrap_or_default(), &[]) else { return };
    bots.retain(|_, bot| filter.shows(bot));
    loop {
        {
            let over = lock(over);
            if *over {
                return;
            }
            let _ = write!(io::stderr(), "\r\x1b[K{}", line(verb, bots.values()));
        }
        let Some(Ok(event)) = events.next() else { return };
        let bot = serde_json::from_value::<BotReport>(event.data).ok().filter(|_| event.name == "bot");
        if let Some(bot) = bot.filter(|bot| bots.contains_key(&bot.name)) {
            bots.insert(bot.name.clone(), bot);
        }
    }
}

/// `stop: 3 of 10 bots left: a, b, c`.
fn line<'a>(verb: &str, bots: impl ExactSizeIterator<Item = &'a BotReport>) -> String {
    let all = bots.len();
    let bots: Vec<&BotReport> = bots.collect();
    // Of an instance that was not touched, the progress is as old as its last change.
    let rolls = bots.iter().filter_map(|bot| bot.rolling.as_ref()).filter(|rolling| rolling.failure.is_none());
    if let Some(rolling) = rolls.max_by_key(|rolling| rolling.done) {
        return rolling_line(verb, rolling, &bots);
    }
    let left: Vec<&BotReport> = bots.into_iter().filter(|bot| !is_done(verb, bot.state)).collect();
    let named: Vec<_> = left.iter().take(MAX_NAMED).map(|bot| escape(&bot.name)).collect();
    let more = if left.len() > MAX_NAMED { ", …" } else { "" };
    format!("{verb}: {} of {} left: {}{more}", left.len(), count(all, "bot"), named.join(", "))
}

/// `restart: 1 of 4 done, web:2 is starting`.
fn rolling_line(verb: &str, rolling: &Rolling, bots: &[&BotReport]) -> String {
    let mut line = format!("{verb}: {} of {} done", rolling.done, rolling.total);
    let busy = bots.iter().filter(|bot| bot.state.is_some_and(|state| !state.is_up()));
    for bot in busy.take(MAX_NAMED) {
        let state = bot.state.map_or("unknown", State::name);
        line.extend([", ", &escape(&bot.name), " is ", state]);
    }
    line
}

/// Returns `true` if a bot has reached the state that a command asks for.
pub(crate) fn is_done(verb: &str, state: Option<State>) -> bool {
    match verb {
        "signal" | "freeze" | "thaw" => true,
        "stop" | "destroy" => state.is_some_and(State::is_down),
        _ => state.is_some_and(|state| state.is_up() || matches!(state, State::GaveUp | State::Failed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_says_how_many_are_left_and_names_some() {
        let bots: Vec<BotReport> = (1..=6)
            .map(|number| {
                let state = if number == 1 { "stopped" } else { "stopping" };
                serde_json::from_value(json!({ "name": format!("b{number}"), "state": state })).unwrap()
            })
            .collect();
        assert_eq!(line("stop", bots.iter()), "stop: 5 of 6 bots left: b2, b3, b4, b5, …");
        let bot = |name: &str, state: &str, done: u32| -> BotReport {
            let rolling = json!({ "done": done, "total": 4 });
            serde_json::from_value(json!({ "name": name, "state": state, "rolling": rolling })).unwrap()
        };
        let rolling = [bot("web:2", "starting", 1), bot("web:3", "running", 1)];
        assert_eq!(line("restart", rolling.iter()), "restart: 1 of 4 done, web:2 is starting");
        assert_eq!(line("start", bots[..1].iter()), "start: 1 of 1 bot left: b1");
    }
}
