//! Bodies of every kind that fail in every way: `readiness KIND WAY`.
//!
//! Kinds: `run`, `step`, `messages`, their async variants `run-async`, `run-current` (a current-thread runtime),
//! `step-async` and `messages-async`, `activate`, `foreground`, `entered` and `manual`. The ways are those of [`ways`].
#![deny(unsafe_code)]

mod ways;

use std::future;
use std::process::ExitCode;
use std::time::Duration;

use daemon::settings::Ready;
use daemon::settings::Runtime;
use daemon::{Daemon, Result};
use tokio::net::TcpListener;

use ways::{Fallible, perform};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, way] = &arguments[..] else { panic!("`readiness KIND WAY`") };
    match begin(kind, way.clone()) {
        Ok(code) => code,
        Err(error) => error.report(),
    }
}

fn begin(kind: &str, way: String) -> Result<ExitCode> {
    let name = look::in_lab("d.pid");
    let log = look::in_lab("log");
    let daemon = Daemon::new("readiness").pidfile(name).stderr(log).grace(Duration::from_millis(500));
    let started = match kind {
        "run" => daemon.run(move || perform(&way)).start()?,
        "entered" => daemon.ready(Ready::Entered).run(move || perform(&way)).start()?,
        "manual" => {
            let daemon = daemon.ready(Ready::Manual).start_timeout(Duration::from_millis(700));
            daemon.run(move || perform(&way)).start()?
        }
        "step" => daemon.every(PACE).step(move || perform(&way)).start()?,
        "messages" => daemon.messages(move || fetched(perform(&way)), |()| ()).start()?,
        "run-async" => daemon.run_async(move || perform_async(way)).start()?,
        "run-current" => daemon.runtime(Runtime::CurrentThread).run_async(move || perform_async(way)).start()?,
        "step-async" => daemon.every(PACE).step_async(async move || perform_async(way.clone()).await).start()?,
        "messages-async" => {
            daemon.messages_async(async move || fetched(perform_async(way.clone()).await), async |()| ()).start()?
        }
        "activate" => {
            daemon.activate()?;
            return Ok(match perform(&way) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    eprintln!("{error}");
                    ExitCode::FAILURE
                }
            });
        }
        "foreground" => {
            match daemon.stderr(daemon::settings::Stdio::Inherit).run(move || perform(&way)).foreground()? {}
        }
        _ => panic!("unknown kind `{kind}`"),
    };
    println!("started {}", started.pid);
    started.report()
}

/// The interval between steps: the second step comes after the end of the test.
const PACE: Duration = Duration::from_secs(3600);

/// Returns no message, or the error.
fn fetched(outcome: Fallible) -> std::result::Result<Option<()>, Box<dyn std::error::Error + Send + Sync>> {
    outcome.map(|()| None)
}

/// Performs the ways that differ for async bodies.
async fn perform_async(way: String) -> Fallible {
    match way.as_str() {
        "late-err" => {
            tokio::time::sleep(Duration::from_millis(30)).await;
            perform("err")
        }
        "busy-err" => {
            drop(tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(300))));
            perform("err")
        }
        // The body is pending when it is polled first.
        "port" => {
            TcpListener::bind(("localhost", ways::port()?)).await?;
            Ok(())
        }
        "hang" => {
            ways::note()?;
            future::pending().await
        }
        "other-look" => {
            tokio::spawn(async { daemon::stopping() }).await?;
            std::process::exit(9);
        }
        "look-exit" => {
            tokio::time::sleep(Duration::from_millis(10)).await;
            daemon::sleep_async(Duration::from_millis(1)).await;
            std::process::exit(9);
        }
        _ => perform(&way),
    }
}
