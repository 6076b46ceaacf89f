//! Async daemons: the first argument is a verb, the others configure the daemon.
//!
//! ```sh
//! awaits start pidfile=d.pid body=note:begun,idle
//! awaits start pidfile=d.pid inbox=jobs told=told fetch=await
//! awaits stop  pidfile=d.pid
//! ```
//!
//! Verbs: `start`, `foreground`, `stop`, and the annotated functions `serve`, `beat` and `handle`. The body (`body=…`),
//! a step (`step=…`) and a handler of messages (the lines of `inbox=FILE`) are functions of [`bodies`] or
//! [`look::actions`]. With `fetch=await` and `ack=await`, async functions fetch and acknowledge the messages; with
//! `told=FILE`, messages have receipts, which write to that file. `ack=…` and `nack=…` run in an async receipt before
//! it writes. With `guard=FILE`, a local of the body or step writes to that file when it is dropped. With `sync=true`,
//! the body is synchronous. Every other key is the builder method of the same name.
#![deny(unsafe_code)]

mod annotated;
mod bodies;
mod messages;
mod tasks;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use daemon::body::{Runtime, Work};
use daemon::messages::Retry;
use daemon::settings::Ready;
use daemon::{Daemon, Result, Signal, Started};

use look::actions::{self, Guard};
use look::message_file::MessageFile;

use crate::messages::{Answers, Receipt, SlowReceipt};

/// The keys that are not methods of the builder.
const OURS: [&str; 10] = ["body", "step", "guard", "inbox", "fetch", "told", "ack", "nack", "requeue", "sync"];

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
    let (body, guard) = (get("step").or(get("body")).unwrap_or_else(|| "hang".to_owned()), get("guard"));
    let run = move || {
        let (body, guard) = (bodies::run(&body), guard.clone().map(Guard));
        async move {
            let _guard = guard;
            body.await
        }
    };
    match get("inbox") {
        Some(file) => handle_messages(daemon, ours, &file, verb),
        None if is("step") => begin(daemon.step_async(run), verb),
        None if is("sync") => begin(daemon.run(actions::idle), verb),
        None => begin(daemon.run_async(run), verb),
    }
}

fn handle_messages(daemon: Daemon, ours: &BTreeMap<&str, &str>, file: &str, verb: &str) -> Result<Started> {
    let get = |key| ours.get(key).map(|value| (*value).to_owned());
    let is = |key| ours.contains_key(key);
    let (mut inbox, told) = (MessageFile::new(file), get("told").unwrap_or_default());
    let answer = |key| get(key).filter(|body| body != "await").unwrap_or_else(|| "pause:5".to_owned());
    let answers =
        Answers { ack: answer("ack"), nack: answer("nack"), requeue: get("requeue").map(|_| file.to_owned()) };
    let receipt = {
        let told = told.clone();
        move |line: Option<String>| line.map(|line| Receipt::of(line, &told))
    };
    let slow_receipt = move |line: Option<String>| line.map(|line| SlowReceipt::of(line, &told, &answers));
    let handle = messages::handle;
    match (is("fetch"), is("told"), is("ack")) {
        (false, false, _) => begin(daemon.messages_async(move || messages::next_at_once(&mut inbox), handle), verb),
        (true, false, _) => begin(daemon.messages_async(async move || messages::next(&mut inbox).await, handle), verb),
        (false, true, false) => {
            let fetch = move || messages::next_at_once(&mut inbox).map(&receipt);
            begin(daemon.messages_async(fetch, handle), verb)
        }
        (false, true, true) => {
            let fetch = move || messages::next_at_once(&mut inbox).map(&slow_receipt);
            begin(daemon.messages_async(fetch, handle), verb)
        }
        (true, true, false) => {
            let fetch = async move || messages::next(&mut inbox).await.map(&receipt);
            begin(daemon.messages_async(fetch, handle), verb)
        }
        (true, true, true) => {
            let fetch = async move || messages::next(&mut inbox).await.map(&slow_receipt);
            begin(daemon.messages_async(fetch, handle), verb)
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
        // `SIGNAL:note_counters` or `SIGNAL:words`, performed in the thread of the handlers.
        "handle" => {
            let (signal, words) = value.split_once(':').expect("`SIGNAL:words`");
            let signal = signal.parse::<Signal>().expect("a signal");
            if words == "note_counters" {
                return daemon.handle(signal, actions::note_counters);
            }
            let words = actions::parse(words).expect("words");
            daemon.handle(signal, move || actions::perform(&words))
        }
        _ => panic!("unknown key `{key}` or value `{value}`"),
    }
}
