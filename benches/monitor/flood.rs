//! Measures how fast events are counted while a client queries the status.
//!
//! `flood BOT STARTS BOTS EVENTS` is a monitor whose bots report EVENTS events each, all at once. It prints the events
//! per second, and the p50 and p99 of `status` in microseconds while they come and afterwards; then it ends.
//! `flood bare BOT STARTS EVENTS` reads one bot's pipe line by line and counts in a map, and nothing else.

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use daemon::attach::{Attachment, Handle};
use daemonize_monitor::{Bot, BotStatus, Commands, Monitor, Ready};
use look::{Deadline, now};
use measure::percentile;

/// The event that every bot reports.
const EVENT: &str = "reply";

/// The interval of queries.
const PAUSE: Duration = Duration::from_millis(1);

/// The timeout of the measurement.
const MEASUREMENT_TIMEOUT: Duration = Duration::from_secs(60);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["bare", bot, starts, events] => bare(bot, starts, events),
        [bot, starts, bots, events] => {
            let count = |text: &str| text.parse().expect("a count");
            monitor(bot, starts, count(bots), count(events));
        }
        _ => panic!("flood BOT STARTS BOTS EVENTS"),
    }
}

/// Asks the monitor it is attached to.
struct Asker {
    commands: Arc<OnceLock<Commands>>,
    starts: PathBuf,
    events: u64,
}

impl Attachment for Asker {
    fn start(&self, _: Handle) -> Result<(), Box<dyn Error>> {
        let (commands, starts, events) = (Arc::clone(&self.commands), self.starts.clone(), self.events);
        thread::spawn(move || {
            let commands = commands.get().expect("those of the monitor");
            ask(commands, &starts, events);
            daemon::stop();
        });
        Ok(())
    }
}

fn monitor(bot: &str, starts: &str, bots: u64, events: u64) {
    let commands = Arc::new(OnceLock::new());
    let asker = Asker { commands: Arc::clone(&commands), starts: starts.into(), events: bots * events };
    let bots = (0..bots).map(|number| {
        let bot = Bot::new(format!("b{number}"), bot).ready(Ready::AtOnce);
        bot.arguments([starts, &number.to_string(), &events.to_string()])
    });
    let here = std::env::current_dir().expect("a directory");
    let configured = |daemon: daemon::Daemon| daemon.pidfile(here.join("flood.pid")).attach(asker);
    let monitor = Monitor::builder("flood").bots(bots).daemon(configured).build().expect("a monitor");
    assert!(commands.set(monitor.commands()).is_ok(), "the commands were set twice");
    let Err(error) = monitor.foreground();
    panic!("{error}");
}

/// Asks for the status of all until every event is counted, and then as often while nothing happens.
fn ask(commands: &Commands, starts: &Path, events: u64) {
    let deadline = Deadline::after(MEASUREMENT_TIMEOUT);
    let mut busy = Vec::new();
    loop {
        let (time, bots) = timed(commands);
        let counted = bots.iter().map(counted).sum::<u64>();
        busy.push(time);
        if counted >= events || deadline.passed() {
            assert_eq!(counted, events, "not counted in time, or counted twice");
            break;
        }
        thread::sleep(PAUSE);
    }
    #[allow(clippy::cast_precision_loss)] // Of some millions.
    let rate = events as f64 / now().saturating_sub(begun(starts)).as_secs_f64();
    let idle: Vec<f64> = (0..200)
        .map(|_| {
            thread::sleep(PAUSE);
            timed(commands).0
        })
        .collect();
    let late = |times: &[f64]| format!("{:.1} {:.1}", percentile(times, 0.5), percentile(times, 0.99));
    println!("{rate:.0} {} {}", late(&busy), late(&idle));
}

/// When the first bot began, on the clock of `now`: the second word of its record.
fn begun(starts: &Path) -> Duration {
    let text = std::fs::read_to_string(starts).expect("the file of the starts");
    let times = text.lines().filter_map(|line| line.split_whitespace().nth(1)?.parse().ok());
    times.map(Duration::from_nanos).min().expect("at least one start")
}

/// Microseconds that an answer takes, and the answer.
fn timed(commands: &Commands) -> (f64, Vec<BotStatus>) {
    let begin = Instant::now();
    let bots = commands.status().expect("a monitor that answers");
    (begin.elapsed().as_secs_f64() * 1e6, bots)
}

fn counted(bot: &BotStatus) -> u64 {
    bot.counts.get(EVENT, Instant::now()).map_or(0, |count| count.total)
}

fn bare(bot: &str, starts: &str, events: &str) {
    let mut command = Command::new(bot);
    command.args([starts, "0", events]).env("DAEMON_EVENTS", "1").stdout(Stdio::piped());
    let mut child = command.spawn().expect("a bot");
    let mut pipe = BufReader::with_capacity(1 << 16, child.stdout.take().expect("a pipe"));
    let expected: u64 = events.parse().expect("a count");
    let (mut counts, mut line, mut begin) = (HashMap::<Vec<u8>, u64>::new(), Vec::new(), None);
    for _ in 0..expected {
        line.clear();
        pipe.read_until(b'\n', &mut line).expect("a line");
        begin.get_or_insert_with(Instant::now);
        if let Some(count) = counts.get_mut(&line) {
            *count += 1;
        } else {
            counts.insert(line.clone(), 1);
        }
    }
    let time = begin.expect("at least one").elapsed();
    child.kill().and_then(|()| child.wait()).expect("a child of ours");
    assert_eq!(counts.values().sum::<u64>(), expected);
    #[allow(clippy::cast_precision_loss)] // Of some millions.
    let rate = expected as f64 / time.as_secs_f64();
    println!("{rate:.0}");
}
