//! A daemon without a command line, and the questions to its service manager.
//!
//! `run NAME [FILE]` and `start NAME` are the daemon. The other arguments print an answer: `managing PID`, `service-of NAME`,
//! `perform ACTION PID`, `perform-on ACTION NAME`, and `caller PID FILE`, which is for `ExecReload=` and the like.

use daemon::cli::{Action, Managed, ManagedError, managing, service_of};
use daemon::{Daemon, Pid};
use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write;
use std::process::{Command, ExitCode};
use std::time::Duration;

const ACTIONS: [Action; 5] = [Action::Start, Action::Stop, Action::Restart, Action::TryRestart, Action::Reload];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match act(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn act(words: &[&str]) -> Result<(), Box<dyn Error>> {
    match words {
        ["run", name] => run(name, "/dev/null", false)?,
        ["run", name, file] => run(name, file, false)?,
        ["start", name] => run(name, "/dev/null", true)?,
        ["managing", pid] => print(managing(parse(pid)?)),
        ["service-of", name] => print(service_of(name)),
        ["perform", action, pid] => found(managing(parse(pid)?)?)?.perform(named(action)?)?,
        ["perform-on", action, name] => found(service_of(name)?)?.perform(named(action)?)?,
        ["caller", pid, file] => {
            let answer = match managing(parse(pid)?) {
                Ok(service) => service.is_some_and(|service| service.is_caller()).to_string(),
                Err(_) => "unknown".to_owned(),
            };
            OpenOptions::new().append(true).create(true).open(file)?.write_all(format!("{answer}\n").as_bytes())?;
        }
        _ => return Err(format!("unknown arguments: {words:?}").into()),
    }
    Ok(())
}

/// Runs the daemon in the foreground, or starts it. On SIGUSR1 it asks, by a child, whether its manager has called.
fn run(name: &str, file: &str, is_detached: bool) -> Result<(), Box<dyn Error>> {
    let file = file.to_owned();
    let ask = move || {
        let own = std::env::current_exe().expect("a program");
        let _ = Command::new(own).args(["caller", &Pid::this().to_string(), &file]).status();
    };
    let daemon = Daemon::new(name).handle(daemon::Signal::SIGUSR1, ask);
    let daemon = daemon.run(|| while daemon::sleep(Duration::from_secs(3600)) {});
    if is_detached {
        println!("{}", daemon.start()?.pid);
        return Ok(());
    }
    daemon.foreground().map(|never| match never {}).map_err(Into::into)
}

fn print(answer: Result<Option<Managed>, ManagedError>) {
    match answer {
        Ok(None) => println!("none"),
        Err(error) => println!("{:?}: {error}", error.kind()),
        Ok(Some(service)) => {
            let (manager, scope, unit) = (service.manager(), service.scope(), service.unit());
            println!("{manager} {scope} {unit} {}", service.state().unwrap_or("unknown"));
            println!("{}", service.command_line(Action::Stop).unwrap_or_default());
        }
    }
}

fn found(service: Option<Managed>) -> Result<Managed, Box<dyn Error>> {
    service.ok_or_else(|| "no service".into())
}

fn parse(pid: &str) -> Result<Pid, Box<dyn Error>> {
    pid.parse().ok().and_then(Pid::from_raw).ok_or_else(|| "not a pid".into())
}

fn named(name: &str) -> Result<Action, Box<dyn Error>> {
    ACTIONS.into_iter().find(|action| action.name() == name).ok_or_else(|| "not an action".into())
}
