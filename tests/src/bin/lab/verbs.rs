//! Runs a verb, and prints its result.

use std::process::ExitCode;

use daemon::body::Work;
use daemon::settings::Stage;
use daemon::{Daemon, Result, Started};

use look::actions::{Fallible, Guard};

use crate::bodies::Body;
use crate::messages;
use crate::settings::Experiment;

/// Performs the experiment, and returns the exit status of the verb.
pub(crate) fn perform(experiment: Experiment) -> ExitCode {
    let last = experiment.last.clone();
    let code = match run_all(&experiment.first) {
        Ok(()) => verb(experiment).unwrap_or_else(|error| error.report()),
        Err(error) => complain(&error.to_string()),
    };
    match run_all(&last) {
        Ok(()) => code,
        Err(error) => complain(&error.to_string()),
    }
}

fn run_all(bodies: &[Body]) -> Fallible {
    bodies.iter().try_for_each(Body::run)
}

fn verb(experiment: Experiment) -> Result<ExitCode> {
    let daemon = &experiment.daemon;
    match experiment.verb.as_str() {
        "start" => started(experiment, How::Start),
        "restart" => started(experiment, How::Restart),
        "foreground" => started(experiment, How::Foreground),
        "activate" => activate(experiment),
        "staged" => staged(experiment),
        "cycle" => cycle(&experiment),
        "stop" => daemon.stop().map(|stopped| say(&stopped.to_string())),
        "reload" => daemon.reload().map(|reloaded| say(&reloaded.to_string())),
        "send" => daemon.send(experiment.signal).map(|()| say("sent")),
        "pid" => daemon.pid().map(|pid| say(&pid.map_or("no process".to_owned(), |pid| format!("pid {pid}")))),
        "status" => daemon.status().map(|status| {
            say(&status.to_string());
            if !status.addresses.is_empty() {
                say(&format!("at {}", status.addresses.join(" ")));
            }
            ExitCode::from(status.exit_code())
        }),
        unknown => Ok(complain(&format!("unknown verb `{unknown}`"))),
    }
}

#[derive(Clone, Copy)]
enum How {
    Start,
    Restart,
    Foreground,
}

/// Starts or restarts, prints `started PID`, and continues or returns as the experiment says.
fn started(experiment: Experiment, how: How) -> Result<ExitCode> {
    let continue_after_start = experiment.continue_after_start;
    let started = launch(experiment, how)?;
    println!("started {}", started.pid);
    if !started.warnings.is_empty() {
        println!("warns {:?}", started.warnings);
    }
    if continue_after_start { Ok(ExitCode::SUCCESS) } else { started.report() }
}

fn launch(experiment: Experiment, how: How) -> Result<Started> {
    let Experiment { daemon, body, step, returns, guard, messages, .. } = experiment;
    let body = move || {
        let _guard = guard.clone().map(Guard);
        body.run()
    };
    match messages {
        None if step => begin(daemon.step(body), how),
        None => begin(daemon.run(move || body().map(|()| ExitCode::from(returns))), how),
        Some(messages) if messages.told.is_some() => {
            begin(daemon.messages(messages.deliveries(), messages::handle), how)
        }
        Some(messages) => begin(daemon.messages(messages.lines(), messages::handle), how),
    }
}

fn begin(daemon: Daemon<impl Work>, how: How) -> Result<Started> {
    match how {
        How::Start => daemon.start(),
        How::Restart => daemon.restart(),
        How::Foreground => match daemon.foreground()? {},
    }
}

/// Activates; the rest runs in the daemon.
fn activate(experiment: Experiment) -> Result<ExitCode> {
    match experiment.run_to {
        None => experiment.daemon.activate()?,
        Some((stage, body)) => {
            let partial = experiment.daemon.run_to(stage)?;
            if let Err(error) = body.run() {
                return Ok(complain(&error.to_string()));
            }
            partial.activate()?;
        }
    }
    Ok(experiment.body.run().map_or_else(|error| complain(&error.to_string()), |()| ExitCode::SUCCESS))
}

/// Activates in two parts, with the actions of `between=…` after the stage `WorkingDirectory`.
fn staged(mut experiment: Experiment) -> Result<ExitCode> {
    let daemon = std::mem::replace(&mut experiment.daemon, Daemon::new("gone"));
    let partial = daemon.run_to(Stage::WorkingDirectory)?;
    if let Err(error) = run_all(&experiment.between) {
        return Ok(complain(&error.to_string()));
    }
    partial.activate()?;
    Ok(experiment.body.run().map_or_else(|error| complain(&error.to_string()), |()| ExitCode::SUCCESS))
}

/// Starts and stops repeatedly in this process.
fn cycle(experiment: &Experiment) -> Result<ExitCode> {
    for _ in 0..experiment.times {
        once(experiment.daemon.clone(), experiment.body.clone())?;
    }
    Ok(say(&format!("cycled {}", experiment.times)))
}

fn once(daemon: Daemon, body: Body) -> Result<()> {
    let same = daemon.clone();
    daemon.run(move || body.run()).start()?;
    same.stop().map(drop)
}

fn say(text: &str) -> ExitCode {
    println!("{text}");
    ExitCode::SUCCESS
}

/// Exits with an error that the library does not report.
fn complain(text: &str) -> ExitCode {
    eprintln!("lab: {text}");
    ExitCode::from(64)
}
