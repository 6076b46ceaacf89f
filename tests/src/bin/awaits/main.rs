//! Daemons that await: the first argument is a verb, the others say what the daemon is like and does.
//!
//! ```sh
//! awaits start pidfile=d.pid body=note:begun,pending
//! awaits start pidfile=d.pid inbox=jobs told=told fetch=await
//! awaits stop  pidfile=d.pid
//! ```
//!
//! Verbs: `start`, `foreground`, `stop`, and the annotated functions `serve`, `beat` and `handle`. What the body (`body=…`), a
//! step (`step=…`) and a handler (the lines of `inbox=FILE`) do is written in the language of [`act`]. `fetch=await` and
//! `ack=await` have the messages fetched and acknowledged by somebody who awaits; `told=FILE` has them acknowledged at all.
//! `ack=ACTS` and `nack=ACTS` are performed by a receipt that awaits, before it notes that.
//! `sync=true` makes the body one that does not await. Every other key is the builder method of the same name.
#![deny(unsafe_code)]

mod act;
mod annotated;
mod inbox;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use daemon::{Daemon, Ready, Result, Retry, Runtime, Signal, Started, Work};

use crate::inbox::{Acts, Inbox, Receipt, SlowReceipt};

/// The keys that are not methods of the builder.
const OURS: [&str; 9] = ["body", "step", "inbox", "fetch", "told", "ack", "nack", "requeue", "sync"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (verb, settings) = arguments.split_first().expect("a verb");
    let settings = settings.iter().map(|setting| setting.split_once('=').expect("`key=value`"));
    perform(verb, settings.collect()).unwrap_or_else(|error| error.report())
}

fn perform(verb: &str, mut settings: BTreeMap<&str, &str>) -> Result<ExitCode> {
    let ours: BTreeMap<&str, &str> = OURS.iter().filter_map(|key| settings.remove_entry(key)).collect();
    let daemon = settings.into_iter().fold(Daemon::new("awaits"), configure);
    let started = match verb {
        "serve" => annotated::serve("begun")?,
        "beat" => annotated::beat(annotated::State { beats: 0 }, 100)?,
        "handle" => annotated::handle::start()?,
        "stop" => {
            println!("{}", daemon.stop()?);
            return Ok(ExitCode::SUCCESS);
        }
        _ => launch(daemon, &ours, verb)?,
    };
    println!("started {}", started.pid);
    started.report()
}

fn launch(daemon: Daemon, ours: &BTreeMap<&str, &str>, verb: &str) -> Result<Started> {
    let get = |key| ours.get(key).map(|value| (*value).to_owned());
    let is = |key| ours.contains_key(key);
    if let Some(acts) = get("step") {
        return begin(daemon.step_async(move || act::perform(acts.clone())), verb);
    }
    let Some(file) = get("inbox") else {
        let acts = get("body").unwrap_or_else(|| "pending".to_owned());
        return if is("sync") {
            begin(daemon.run(|| while daemon::sleep(Duration::from_secs(3600)) {}), verb)
        } else {
            begin(daemon.run_async(move || act::perform(acts)), verb)
        };
    };
    let (mut inbox, told) = (Inbox::new(&file), get("told").unwrap_or_default());
    let acts = |key| get(key).filter(|acts| acts != "await").unwrap_or_else(|| "pause:5".to_owned());
    let acts = Acts { ack: acts("ack"), nack: acts("nack"), requeue: get("requeue").map(|_| file.clone()) };
    match (is("fetch"), is("told"), is("ack")) {
        (false, false, _) => begin(daemon.messages_async(move || inbox.next_at_once(), inbox::handle), verb),
        (true, false, _) => begin(daemon.messages_async(async move || inbox.next().await, inbox::handle), verb),
        (false, true, false) => {
            let fetch = move || inbox.next_at_once().map(|line| line.map(|line| Receipt::of(line, &told)));
            begin(daemon.messages_async(fetch, inbox::handle), verb)
        }
        (false, true, true) => {
            let fetch = move || inbox.next_at_once().map(|line| line.map(|line| SlowReceipt::of(line, &told, &acts)));
            begin(daemon.messages_async(fetch, inbox::handle), verb)
        }
        (true, true, false) => {
            let fetch = async move || inbox.next().await.map(|line| line.map(|line| Receipt::of(line, &told)));
            begin(daemon.messages_async(fetch, inbox::handle), verb)
        }
        (true, true, true) => {
            let fetch =
                async move || inbox.next().await.map(|line| line.map(|line| SlowReceipt::of(line, &told, &acts)));
            begin(daemon.messages_async(fetch, inbox::handle), verb)
        }
    }
}

fn begin(daemon: Daemon<impl Work>, verb: &str) -> Result<Started> {
    match verb {
        "start" => daemon.start(),
        "foreground" => match daemon.foreground()? {},
        _ => panic!("unknown verb `{verb}`"),
    }
}

fn configure(daemon: Daemon, (key, value): (&str, &str)) -> Daemon {
    let number = || value.parse::<usize>().expect("a number");
    let time = || Duration::from_millis(value.parse().expect("milliseconds"));
    match key {
        "pidfile" => daemon.pidfile(value),
        "runtime" if value == "current_thread" => daemon.runtime(Runtime::CurrentThread),
        "runtime" if value == "multi_thread" => daemon.runtime(Runtime::MultiThread),
        "worker_threads" => daemon.worker_threads(number()),
        "pool_size" => daemon.pool_size(number()),
        "idle_time" => daemon.idle_time(time()),
        "nack_timeout" => daemon.nack_timeout(time()),
        // `DELAY:MAX_DELAY` in milliseconds, or `DELAY:MAX_DELAY:ATTEMPTS`.
        "retry" => {
            let numbers: Vec<u32> = value.split(':').map(|number| number.parse().expect("a number")).collect();
            let time = |index: usize| Duration::from_millis(numbers[index].into());
            let retry = Retry::new().delay(time(0)).max_delay(time(1));
            daemon.retry(numbers.get(2).map_or(retry, |attempts| retry.attempts(*attempts)))
        }
        "every" => daemon.every(time()),
        "grace" => daemon.grace(time()),
        "ready" if value == "manual" => daemon.ready(Ready::Manual),
        "stdout" => daemon.stdout(value),
        "stderr" => daemon.stderr(value),
        // `SIGNAL:acts`, performed at once.
        "handle" => {
            let (signal, acts) = value.split_once(':').expect("`SIGNAL:acts`");
            let (signal, acts) = (signal.parse::<Signal>().expect("a signal"), acts.to_owned());
            daemon.handle(signal, move || act::perform_at_once(&acts))
        }
        _ => panic!("unknown key `{key}` or value `{value}`"),
    }
}
