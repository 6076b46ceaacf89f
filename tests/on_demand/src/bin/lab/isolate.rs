//! Daemons that show what they have of the process that starts them: `isolate VERB ARGUMENTS…`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use daemon::body::Work;
use daemon::exec::{Environment, ExecDaemon, Isolation};
use daemon::{Daemon, Result};
use nix::sys::prctl;

/// The longest time for which a daemon runs that no test stops: its environment may not say to which test it belongs.
const LIFETIME: Duration = Duration::from_secs(60);

pub(crate) fn main(arguments: &[&str]) -> ExitCode {
    match arguments {
        ["start", pidfile, options @ ..] => start(pidfile, options),
        ["odd", rest @ ..] => {
            become_odd();
            main(rest)
        }
        _ => panic!("isolate VERB ARGUMENTS…: {arguments:?}"),
    }
}

fn sleeper(pidfile: PathBuf) -> Daemon<impl Work> {
    Daemon::new("isolated").pidfile(pidfile).run(|| {
        daemon::sleep(LIFETIME);
    })
}

/// Starts a daemon by exec: `start PIDFILE [reset] [clean | names=A,B]`.
fn start(pidfile: &str, options: &[&str]) -> ExitCode {
    let outcome = prepare(pidfile, options).and_then(|daemon| daemon.start());
    match outcome {
        Ok(started) => {
            println!("started {}", started.pid);
            started.warnings.iter().for_each(|warning| println!("warning: {warning}"));
            ExitCode::SUCCESS
        }
        Err(error) => error.report(),
    }
}

fn prepare(pidfile: &str, options: &[&str]) -> Result<ExecDaemon> {
    let mut daemon = daemon::exec::exec!(sleeper(pidfile.into()))?;
    for option in options {
        daemon = match option.split_once('=').unwrap_or((option, "")) {
            ("reset", _) => daemon.isolation(Isolation::Reset),
            ("clean", _) => daemon.environment(Environment::Clean),
            ("names", names) => daemon.environment(Environment::Names(names.split(',').map(str::to_owned).collect())),
            _ => panic!("unknown option {option}"),
        };
    }
    Ok(daemon)
}

/// Sets attributes of this process that no command line tool sets.
fn become_odd() {
    prctl::set_timerslack(7_000_000).expect("a timer slack");
    prctl::set_thp_disable(true).expect("no huge pages");
}
