//! Daemons that are launched by exec: `exec FROM VERB key=value …`.

mod daemons;
mod hostile;
mod situation;

pub(crate) use situation::{is_uninitialised, without_init};

use daemon::body::Work;
use daemon::exec::ExecDaemon;
use daemon::{Daemon, Error, Started};
use daemons::{Body, launched};
use situation::Settings;
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

/// Launches the daemon `sleeper` as the arguments say, and prints `started PID`, then what the daemon printed.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let [from, rest @ ..] = arguments else { panic!("`exec` needs a situation") };
    match from.as_str() {
        "hostile" => return hostile::run(rest),
        "inherited" => return hostile::report_inherited(rest),
        "fork" => return report(situation::fork(&Settings::parse(rest))),
        _ => {}
    }
    let settings = Settings::parse(rest);
    settings.prepare();
    let launch = move || launch(&settings);
    report(match from.as_str() {
        "main" => launch(),
        "thread" => thread::spawn(launch).join().expect("it does not panic"),
        "tokio" => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
            let started = async { tokio::task::spawn_blocking(launch).await.expect("it does not panic") };
            runtime.expect("a runtime").block_on(started)
        }
        "async" => {
            // Blocks the only thread of the runtime, which is allowed.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async { launch() })
        }
        other => panic!("`{other}` is not a situation"),
    })
}

fn launch(settings: &Settings) -> Result<Started, Error> {
    let pidfile = settings.pidfile.clone();
    let daemon = match &settings.body {
        Body::Library => daemonic_on_demand_tests::library_daemon(pidfile)?,
        Body::Twin => twin(settings.restarts)?,
        body => daemon::exec!(launched(pidfile, body.clone()))?,
    };
    match settings.timeout {
        Some(timeout) => daemon.start_until(Instant::now() + timeout),
        None if settings.restarts => daemon.restart(),
        None => daemon.start(),
    }
}

fn report(outcome: Result<Started, Error>) -> ExitCode {
    match outcome {
        Ok(started) => {
            println!("started {}", started.pid);
            print!("{}", String::from_utf8_lossy(&started.output));
            started.warnings.iter().for_each(|warning| println!("warning: {warning}"));
            situation::report_children();
            ExitCode::SUCCESS
        }
        Err(error) => error.report(),
    }
}

/// Returns one of two daemons whose functions have the same path.
fn twin(first: bool) -> daemon::Result<ExecDaemon> {
    if first {
        fn twin() -> Daemon<impl Work> {
            Daemon::new("sleeper").run(|| println!("the first"))
        }
        daemon::exec!(twin())
    } else {
        fn twin() -> Daemon<impl Work> {
            Daemon::new("sleeper").run(|| println!("the second"))
        }
        daemon::exec!(twin())
    }
}
