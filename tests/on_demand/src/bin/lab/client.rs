//! Clients of the daemon `agent`, which is launched by exec: `client VERB [KEY=VALUE…]`.
//!
//! Verbs: `once`, `threads` and `tasks` (all connect at once), `drop` (drops the future),
//! `ticks` (counts what another task does meanwhile), `measure` (prints the times of `times` connects). Keys: `body` (what the daemon does), `idle`,
//! `timeout` and `greeting` (milliseconds), `clients` (how many threads or tasks), `times` (how many connects each), `pause` (microseconds at most between
//! two of them), `mismatch=keep`, `launch=fork`.
//!
//! Each connection sends a line and prints the answer, `served PID`. The daemon adds a line to the file `starts` when its body begins,
//! and each thread or task one to `clients` before it connects.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use daemon::body::Work;
use daemon::on_demand::{OnDemand, OnMismatch, connect, connect_async};
use daemon::settings::Ready;
use daemon::{Daemon, Started};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};

/// The settings of a run.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct ClientRun {
    directory: PathBuf,
    body: String,
    idle: u64,
    timeout: u64,
    greeting: u64,
    clients: usize,
    times: usize,
    pause: u64,
    keeps: bool,
    forks: bool,
}

pub(crate) fn main(arguments: &[&str]) -> ExitCode {
    let [verb, keys @ ..] = arguments else { panic!("client VERB [KEY=VALUE…]") };
    let run = ClientRun::parse(keys);
    let outcome = match *verb {
        "once" => run.times(),
        "threads" => run.threads(),
        "tasks" => runtime().block_on(run.tasks()),
        "measure" => {
            run.measure();
            Ok(())
        }
        "ticks" => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(run.ticks())
        }
        "drop" => {
            runtime().block_on(run.drop_future());
            Ok(())
        }
        _ => panic!("unknown verb {verb}"),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{:?}: {error}", error.kind());
            ExitCode::from(error.exit_code())
        }
    }
}

impl ClientRun {
    fn parse(keys: &[&str]) -> ClientRun {
        let directory = std::env::current_dir().expect("a directory");
        let body = String::from("echo");
        let mut run = ClientRun {
            directory,
            body,
            idle: 60_000,
            timeout: 30_000,
            greeting: 10_000,
            clients: 1,
            times: 1,
            pause: 0,
            keeps: false,
            forks: false,
        };
        for key in keys {
            let (key, value) = key.split_once('=').expect("KEY=VALUE");
            let number = || value.parse().expect("a number");
            match key {
                "body" => value.clone_into(&mut run.body),
                "idle" => run.idle = number(),
                "timeout" => run.timeout = number(),
                "greeting" => run.greeting = number(),
                "clients" => run.clients = value.parse().expect("a number"),
                "times" => run.times = value.parse().expect("a number"),
                "pause" => run.pause = number(),
                "mismatch" => run.keeps = value == "keep",
                "launch" => run.forks = value == "fork",
                _ => panic!("unknown key {key}"),
            }
        }
        run
    }

    fn on_demand(&self) -> OnDemand {
        let on_demand = OnDemand::new(Duration::from_millis(self.idle));
        let on_mismatch = if self.keeps { OnMismatch::Keep } else { OnMismatch::default() };
        let [connect, greeting] = [self.timeout, self.greeting].map(Duration::from_millis);
        on_demand.connect_timeout(connect).greeting_timeout(greeting).on_mismatch(on_mismatch)
    }

    fn daemon(&self) -> Daemon {
        Daemon::new("agent").pidfile(self.directory.join("agent.pid")).log(self.directory.join("agent.log"))
    }

    /// Returns pauses of all lengths, so that connects come at each moment of an exit.
    fn pause_before(&self, time: usize) -> Duration {
        Duration::from_micros(self.pause * (time as u64 * 7 % 16) / 15)
    }

    fn times(&self) -> daemon::Result<()> {
        note(&self.directory, "clients");
        (0..self.times).try_for_each(|time| {
            thread::sleep(self.pause_before(time));
            let mut connection = connect(&self.daemon(), &self.on_demand(), |deadline| start(self, deadline))?;
            let mut answer = String::new();
            let asked = connection.write_all(b"hello\n");
            let count = asked.and_then(|()| BufReader::new(&connection).read_line(&mut answer)).unwrap_or(0);
            assert!(count > 0, "the daemon has closed the connection");
            print_served(&answer, connection.greeting().pid, connection.started());
            Ok(())
        })
    }

    fn threads(&self) -> daemon::Result<()> {
        let threads: Vec<_> =
            (0..self.clients).map(|_| self.clone()).map(|run| thread::spawn(move || run.times())).collect();
        let outcomes: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
        outcomes.into_iter().collect()
    }

    async fn tasks(&self) -> daemon::Result<()> {
        let tasks: Vec<_> = (0..self.clients).map(|_| tokio::spawn(self.clone().times_async())).collect();
        let mut outcome = Ok(());
        for task in tasks {
            outcome = outcome.and(task.await.expect("no panic"));
        }
        outcome
    }

    async fn times_async(self) -> daemon::Result<()> {
        note(&self.directory, "clients");
        for time in 0..self.times {
            tokio::time::sleep(self.pause_before(time)).await;
            let starter = self.clone();
            let start = move |deadline| start(&starter, deadline);
            let mut connection = connect_async(&self.daemon(), &self.on_demand(), start).await?;
            connection.write_all(b"hello\n").await.expect("a daemon that reads");
            let mut answer = String::new();
            tokio::io::BufReader::new(&mut connection).read_line(&mut answer).await.expect("an answer");
            print_served(&answer, connection.greeting().pid, connection.started());
        }
        Ok(())
    }

    /// Compares `times` connects, after the first one, with a bare connect and read.
    fn measure(&self) {
        let start = |deadline| start(self, deadline);
        let connect = || drop(connect(&self.daemon(), &self.on_demand(), start).expect("a daemon"));
        let bare = || {
            let mut stream = UnixStream::connect(self.directory.join("agent.agent/socket")).expect("a daemon");
            let mut greeting = [0; 512];
            assert!(stream.read(&mut greeting).expect("a greeting") > 40);
        };
        connect();
        let (daemon, on_demand) = (self.daemon(), self.on_demand());
        let prepared = || drop(daemon::on_demand::connect(&daemon, &on_demand, start).expect("a daemon"));
        let mut best = [Duration::MAX; 3];
        for _ in 0..20 {
            for (best, function) in best.iter_mut().zip([&bare as &dyn Fn(), &prepared, &connect]) {
                let began = Instant::now();
                (0..self.times).for_each(|_| function());
                *best = began.elapsed().min(*best);
            }
        }
        for (best, name) in best.iter().zip(["bare", "connect", "with new settings"]) {
            println!("{name}: {} ns", best.as_nanos() / self.times as u128);
        }
    }

    /// Counts ticks of 10 ms while the daemon starts.
    async fn ticks(self) -> daemon::Result<()> {
        let ticker = tokio::spawn(async {
            let mut ticks = 0;
            loop {
                tokio::time::sleep(Duration::from_millis(10)).await;
                ticks += 1;
                println!("ticks {ticks}");
            }
        });
        let outcome = self.times_async().await;
        ticker.abort();
        outcome
    }

    /// Drops the future of a connect while the daemon starts, and waits for the outcome of the start.
    async fn drop_future(&self) {
        let starter = self.clone();
        let (send, ended) = std::sync::mpsc::channel();
        let start = move |deadline| {
            let result = start(&starter, deadline);
            let _ = send.send(result.is_ok());
            result
        };
        let (daemon, on_demand) = (self.daemon(), self.on_demand());
        let connect = connect_async(&daemon, &on_demand, start);
        let dropped = tokio::time::timeout(Duration::from_millis(1), connect).await.is_err();
        println!("dropped {dropped} started {}", ended.recv_timeout(Duration::from_secs(20)).unwrap_or(false));
    }
}

fn print_served(answer: &str, pid: daemon::Pid, started: Option<&Started>) {
    assert_eq!(answer, format!("{pid} hello\n"), "another daemon answers than has sent the greeting");
    println!("served {pid} {}", if started.is_some() { "started" } else { "found" });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("a runtime")
}

fn agent(run: ClientRun) -> Daemon<impl Work> {
    let on_demand = run.on_demand();
    let is_prompt = ["echo", "lingers", "tarries", "returns"].contains(&run.body.as_str());
    let ready = if is_prompt { Ready::Auto } else { Ready::Manual };
    // One that does not listen never serves a client by chance.
    let daemon = if run.body == "returns" { run.daemon() } else { run.daemon().attach(on_demand) };
    let daemon = daemon.ready(ready);
    daemon.run(move || {
        note(&run.directory, "starts");
        match run.body.as_str() {
            "echo" => serve(),
            "slow" => {
                thread::sleep(Duration::from_millis(300));
                daemon::ready().expect("a launcher that waits");
                serve();
            }
            "fails" => {
                while !run.directory.join("fail").exists() {
                    thread::sleep(Duration::from_millis(5));
                }
                return Err("no cache directory");
            }
            "lingers" => {
                serve();
                thread::sleep(Duration::from_millis(200));
            }
            "tarries" => {
                serve();
                thread::sleep(Duration::from_secs(1));
            }
            "returns" => {}
            "hangs" => while daemon::sleep(Duration::from_secs(60)) {},
            body => panic!("unknown body {body}"),
        }
        Ok(())
    })
}

/// Starts the daemon by the deadline.
fn start(run: &ClientRun, deadline: Instant) -> daemon::Result<Started> {
    if run.forks {
        return agent(run.clone()).start();
    }
    daemon::exec::exec!(agent(run.clone()))?.start_until(deadline)
}

/// Answers one line of each client.
fn serve() {
    for client in daemon::on_demand::clients() {
        let mut client = client.expect("a daemon on demand");
        let mut line = String::new();
        if BufReader::new(&*client).read_line(&mut line).is_ok() {
            let _ = client.write_all(format!("{} {line}", std::process::id()).as_bytes());
        }
    }
}

/// Adds a line to a file.
fn note(directory: &Path, file: &str) {
    let file = OpenOptions::new().append(true).create(true).open(directory.join(file));
    writeln!(file.expect("a file"), "{}", std::process::id()).expect("space");
}
