//! A daemon that logs: `logging-lab VERB [WORD]… [SETTING=VALUE]…`, with the pidfile `d.pid` in the working directory. With the variable
//! `LOGGING_LAB`, the same daemon has the library's command line.
//!
//! | verb | effect |
//! |---|---|
//! | `start`, `run`, `stop` | as of the daemon |
//! | `reload level=DIRECTIVES` | hands the level over, and has the daemon reload |
//! | `reload-only` | has the daemon reload |
//! | `event [level=DIRECTIVES]` | sends the event `log-level`, and prints the reply |
//! | `measure` | prints the cost of a record, compared with that of `tracing_subscriber::fmt` |
//!
//! The daemon logs once when it begins, and at each SIGUSR1, after which it writes `out/logged`. Any user may write in `out`.

mod command_line;
mod measure;
mod records;

use daemon::control::Endpoint;
use daemon::logging::{Builder, LevelRequests, request_level, set_level};
use daemon::{Daemon, Signal};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Display;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The file in which the daemon writes its level when it has reloaded.
const RELOADED: &str = "out/reloaded";

/// The file that the daemon makes when it has logged its records again.
const LOGGED: &str = "out/logged";

type Fallible = Result<(), Box<dyn Error>>;

/// The words and settings after the verb.
#[derive(Clone, Default)]
struct Settings {
    words: Vec<String>,
    values: BTreeMap<String, String>,
}

impl Settings {
    fn parse(arguments: impl Iterator<Item = String>) -> Settings {
        let mut settings = Settings::default();
        for argument in arguments {
            match argument.split_once('=') {
                Some((key, value)) => _ = settings.values.insert(key.to_owned(), value.to_owned()),
                None => settings.words.push(argument),
            }
        }
        settings
    }

    fn has(&self, word: &str) -> bool {
        self.words.iter().any(|known| known == word)
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }
}

fn main() -> ExitCode {
    if std::env::var_os("LOGGING_LAB").is_some() {
        return command_line::main();
    }
    let mut arguments = std::env::args().skip(1);
    let verb = arguments.next().unwrap_or_default();
    match perform(&verb, &Settings::parse(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn perform(verb: &str, settings: &Settings) -> Fallible {
    let daemon = daemon(settings)?;
    match verb {
        "start" | "run" => begin(verb, daemon, settings),
        "stop" => print(daemon.stop()?),
        "reload" => reload(&daemon, settings.get("level").unwrap_or_default()),
        "reload-only" => print(daemon.reload()?),
        "event" => {
            let data = settings
                .get("level")
                .map_or_else(|| serde_json::json!({}), |level| serde_json::json!({ "level": level }));
            print(daemon::control::Client::of(&daemon).event("log-level", data)?)
        }
        "measure" => measure::print_costs(),
        _ => Err(format!("`{verb}` is not a verb").into()),
    }
}

#[allow(clippy::unnecessary_wraps)] // The result of a verb.
fn print(outcome: impl Display) -> Fallible {
    println!("{outcome}");
    Ok(())
}

fn daemon(settings: &Settings) -> Result<Daemon, Box<dyn Error>> {
    let here = std::env::current_dir()?;
    let mut daemon = Daemon::new("logger").pidfile(here.join("d.pid"));
    if !settings.has("deaf") {
        daemon = daemon.attach(LevelRequests::new());
    }
    let (reloaded, logged) = (here.join(RELOADED), here.join(LOGGED));
    daemon = daemon.handle(Signal::SIGHUP, move || {
        let _ = fs::write(&reloaded, daemon::logging::level());
    });
    daemon = daemon.handle(Signal::SIGUSR1, move || {
        records::log_all();
        let _ = fs::write(&logged, "all");
    });
    daemon = daemon.working_directory(&here);
    if let Some(log) = settings.get("log") {
        daemon = daemon.log(here.join(log));
    }
    if let Some(user) = settings.get("user") {
        daemon = daemon.user(user);
    }
    if settings.has("endpoint") {
        daemon = daemon.attach(Endpoint::new());
    }
    Ok(daemon)
}

fn begin(verb: &str, daemon: Daemon, settings: &Settings) -> Fallible {
    if fs::create_dir("out").is_ok() {
        fs::set_permissions("out", fs::Permissions::from_mode(0o777))?;
    }
    if let Some(level) = settings.get("level") {
        set_level(level)?;
    }
    if settings.has("before") {
        builder(settings).init()?;
    }
    if settings.has("other-logger") {
        log::set_boxed_logger(Box::new(records::Silent))?;
    }
    if settings.has("other-subscriber") {
        tracing::subscriber::set_global_default(tracing_subscriber::registry())?;
    }
    if let Some(name) = settings.get("thread") {
        // A thread takes its name before it runs its function.
        let (runs, begun) = mpsc::channel();
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _ = runs.send(());
            thread::sleep(Duration::from_secs(600));
        })?;
        begun.recv()?;
    }
    let settings = settings.clone();
    let daemon = daemon.run(move || body(&settings));
    if verb == "run" {
        daemon.foreground()?;
    } else {
        println!("{}", daemon.start()?);
    }
    Ok(())
}

fn body(settings: &Settings) -> Result<(), Box<dyn Error>> {
    if !settings.has("before") && !settings.has("silent") {
        builder(settings).init()?;
    }
    if settings.has("twice") {
        daemon::logging::init()?;
    }
    records::log_all();
    if settings.has("attack") {
        records::attack();
    }
    if settings.has("panic") {
        records::log_in_panics();
    }
    while daemon::sleep(Duration::from_secs(600)) {}
    Ok(())
}

fn builder(settings: &Settings) -> Builder {
    let mut builder = Builder::new();
    if let Some(level) = settings.get("default") {
        builder = builder.level(level);
    }
    if settings.has("syslog") {
        builder = builder.syslog();
    }
    if settings.has("stderr") {
        builder = builder.stderr();
    }
    for name in ["first", "second"] {
        if settings.has(name) {
            builder = builder.layer(records::Levels(format!("out/{name}")));
        }
    }
    builder
}

fn reload(daemon: &Daemon, level: &str) -> Fallible {
    let request = request_level(&daemon.pidfile_path(), level)?;
    let reloaded = daemon.reload()?;
    request.confirm()?;
    print(reloaded)
}
