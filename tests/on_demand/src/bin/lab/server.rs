//! A daemon on demand with the pidfile `agent.pid`, launched by fork: `server VERB BODY IDLE_MILLISECONDS [OPTIONS…]`.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use daemon::on_demand::{Client, OnDemand};
use daemon::{Daemon, body::Work};

/// The directory in which the program was run: the daemon leaves it.
static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();

/// Long enough for any test; a test that needs it hangs.
const FOREVER: Duration = Duration::from_secs(1000);

pub(crate) fn main(arguments: &[&str]) -> ExitCode {
    let [verb, body, idle, options @ ..] = arguments else {
        panic!("server VERB BODY IDLE [OPTIONS…]: {arguments:?}")
    };
    DIRECTORY.get_or_init(|| std::env::current_dir().expect("a directory"));
    let idle = Duration::from_millis(idle.parse().expect("milliseconds"));
    let daemon = prepare(OnDemand::new(idle), options);
    match *body {
        "echo" => act(verb, daemon.run(echo)),
        "pool" => act(verb, daemon.run(pool)),
        "busy" => act(verb, daemon.run(busy)),
        "held" => act(verb, daemon.run(held)),
        "one" => act(verb, daemon.run(|| daemon::on_demand::clients().take(1).for_each(answer))),
        "never" => act(verb, daemon.run(|| while daemon::sleep(FOREVER) {})),
        "fails" => act(verb, daemon.run(fails)),
        "async" => act(verb, daemon.run_async(serve_async)),
        _ => panic!("unknown body {body}"),
    }
}

/// Applies the options of the command line.
fn prepare(mut on_demand: OnDemand, options: &[&str]) -> Daemon {
    let mut daemon = Daemon::new("agent").pidfile("agent.pid").log("agent.log");
    for option in options {
        match option.split_once('=').unwrap_or((option, "")) {
            ("max_queued", count) => on_demand = on_demand.max_queued(count.parse().expect("a number")),
            ("constraint", text) => on_demand = on_demand.constraint(text.to_owned()),
            ("close", _) => daemon = daemon.close(daemon::settings::Close::All),
            ("user", name) => daemon = daemon.user(name),
            ("chroot", path) => daemon = daemon.chroot(path),
            ("endpoint", _) => daemon = daemon.attach(daemon::control::Endpoint::new()),
            ("twice", _) => daemon = daemon.attach(on_demand.clone()),
            _ => panic!("unknown option {option}"),
        }
    }
    daemon.attach(on_demand)
}

fn act<W: Work>(verb: &str, daemon: Daemon<W>) -> ExitCode {
    let outcome = match verb {
        "start" => daemon.start().map(|started| println!("{}", started.pid)),
        "foreground" => daemon.foreground().map(drop),
        "restart" => daemon.restart().map(drop),
        _ => panic!("unknown verb {verb}"),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// Answers each line of each client, one client after another.
fn echo() {
    daemon::on_demand::clients().for_each(answer);
}

fn answer(client: daemon::Result<Client>) {
    let mut client = client.expect("a daemon on demand");
    let mut reader = BufReader::new(client.try_clone().expect("a descriptor"));
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|count| count > 0) {
        let uid = client.peer().uid;
        if client.write_all(format!("{uid} {line}").as_bytes()).is_err() {
            return;
        }
        line.clear();
    }
}

/// Serves clients in three threads.
fn pool() {
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(echo);
        }
    });
}

/// Takes a client, and works on after it until the file `done` exists.
fn busy() {
    for client in daemon::on_demand::clients() {
        let guard = daemon::on_demand::busy();
        answer(client);
        while !exists("done") && !daemon::stopping() {
            thread::sleep(Duration::from_millis(5));
        }
        drop(guard);
    }
}

/// Serves only after the file `go` exists.
fn held() {
    let mut clients = daemon::on_demand::clients();
    let first = clients.next();
    while !exists("go") {
        thread::sleep(Duration::from_millis(5));
    }
    first.into_iter().for_each(answer);
    clients.for_each(answer);
}

/// Returns `true` if the test has written this file.
fn exists(name: &str) -> bool {
    DIRECTORY.get().expect("it is set").join(name).exists()
}

fn fails() -> Result<(), String> {
    thread::sleep(Duration::from_millis(300));
    Err("no cache directory".to_owned())
}

async fn serve_async() {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
    while let Some(mut client) = daemon::on_demand::accept().await {
        tokio::spawn(async move {
            let mut line = String::new();
            while tokio::io::BufReader::new(&mut client).read_line(&mut line).await.is_ok_and(|count| count > 0) {
                let reply = format!("{} {line}", client.peer().uid);
                if client.write_all(reply.as_bytes()).await.is_err() {
                    return;
                }
                line.clear();
            }
        });
    }
}
