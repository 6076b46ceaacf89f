//! Builds of one daemon, and daemons that do not answer: `versions VERB [KEY=VALUE…]`.
//!
//! `connect` prints the greeting and whether this client has started the daemon, also to the file of `note=FILE`; with `hold=FILE` it
//! keeps its connection until that file exists. `start` starts a daemon. `report` prints a running daemon's own view.

use daemon::Daemon;
use daemon::on_demand::{OnDemand, OnMismatch, clients};
use daemon::settings::Ready;
use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

/// Long enough for any test; a test that needs it hangs.
const FOREVER: Duration = Duration::from_secs(1000);

/// The options of the command line.
struct Options(BTreeMap<String, String>);

impl Options {
    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn time(&self, key: &str, default: u64) -> Duration {
        Duration::from_millis(self.text(key).map_or(default, |time| time.parse().expect("milliseconds")))
    }

    fn on_demand(&self) -> OnDemand {
        let mut on_demand = OnDemand::new(self.time("idle", 600_000))
            .greeting_timeout(self.time("greeting_timeout", 10_000))
            .connect_timeout(self.time("connect_timeout", 20_000))
            .on_mismatch(match self.text("on_mismatch") {
                None | Some("restart_when_idle") => OnMismatch::RestartWhenIdle,
                Some("restart_now") => OnMismatch::RestartNow,
                Some("keep") => OnMismatch::Keep,
                Some("refuse") => OnMismatch::Refuse,
                Some(other) => panic!("unknown reaction {other}"),
            });
        if let Some(number) = self.text("protocol") {
            on_demand = on_demand.protocol(number.parse().expect("a number"));
        }
        if let Some(package) = self.text("package") {
            on_demand = on_demand.package(package);
        }
        if let Some(version) = self.text("version") {
            on_demand = on_demand.version(version);
        }
        if let Some(constraint) = self.text("constraint") {
            on_demand = on_demand.constraint(constraint.to_owned());
        }
        on_demand
    }
}

pub(crate) fn main(arguments: &[&str]) -> ExitCode {
    let (verb, options) = arguments.split_first().expect("versions VERB [KEY=VALUE…]");
    let options = options.iter().map(|option| option.split_once('=').expect("KEY=VALUE"));
    let options = Options(options.map(|(key, value)| (key.to_owned(), value.to_owned())).collect());
    let outcome = match *verb {
        "start" => start(&options).map(|started| println!("{}", started.pid)),
        "connect" => connect(&options),
        "report" => {
            daemon::on_demand::report(&agent(), options.time("timeout", 10_000)).map(|report| println!("{report:?}"))
        }
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

fn agent() -> Daemon {
    Daemon::new("agent").pidfile("agent.pid").log("agent.log")
}

fn start(options: &Options) -> daemon::Result<daemon::Started> {
    let directory = std::env::current_dir().expect("a directory");
    let on_demand = options.on_demand();
    let other = options.text("attached_constraint").map(|text| on_demand.clone().constraint(text.to_owned()));
    let served = || agent().attach(other.unwrap_or(on_demand));
    match options.text("body").unwrap_or("serve") {
        "serve" => served().run(serve).start(),
        "slow_start" => served().ready(Ready::Manual).run(|| slow_start(&directory)).start(),
        "mute" => agent().run(move || mute(&directory)).start(),
        "deaf" => agent().run(move || deaf(&directory)).start(),
        "working" => agent().run(move || working(&directory)).start(),
        body => panic!("unknown body {body}"),
    }
}

fn connect(options: &Options) -> daemon::Result<()> {
    let on_demand = options.on_demand();
    let connection = daemon::on_demand::connect(&agent(), &on_demand, |_| start(options))?;
    let line = format!("{} started={}\n", connection.greeting(), connection.started().is_some());
    print!("{line}");
    if let Some(file) = options.text("note") {
        std::fs::write(file, line).expect("a file");
    }
    if let Some(file) = options.text("hold") {
        look::actions::await_file(file).expect("the file");
    }
    Ok(())
}

/// Keeps each client until it leaves.
fn serve() {
    for client in clients() {
        let mut client = client.expect("a daemon on demand");
        thread::spawn(move || client.read_to_end(&mut Vec::new()));
    }
}

/// Becomes ready when the file `go` exists.
fn slow_start(directory: &Path) {
    while !directory.join("go").exists() {
        thread::sleep(Duration::from_millis(5));
    }
    daemon::ready().expect("a daemon");
    serve();
}

/// Listens like a daemon on demand.
fn listen(directory: &Path) -> UnixListener {
    let place: PathBuf = directory.join("agent.agent");
    let _ = std::fs::create_dir(&place);
    std::fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("a mode");
    let _ = std::fs::remove_file(place.join("socket"));
    UnixListener::bind(place.join("socket")).expect("a socket")
}

/// Listens and never answers, but ends when it is to stop.
fn mute(directory: &Path) {
    let _listener = listen(directory);
    while daemon::sleep(FOREVER) {}
}

/// Neither answers nor ends.
fn deaf(directory: &Path) {
    let _listener = listen(directory);
    // A body that has never looked is ended by the signal itself.
    let _ = daemon::stopping();
    thread::sleep(FOREVER);
}

/// Never answers, but works.
fn working(directory: &Path) {
    let _listener = listen(directory);
    while !daemon::stopping() {
        std::hint::black_box((0..10_000).sum::<u64>());
    }
}
