//! Carrying out a verb, and telling what it returned.

use std::process::ExitCode;

use daemon::{Daemon, Result, Started, Work};

use crate::act::{self, Act};
use crate::inbox;
use crate::settings::Experiment;

/// Performs the experiment; the exit status is what the verb's outcome says.
pub(crate) fn perform(experiment: Experiment) -> ExitCode {
    let last = experiment.last.clone();
    let code = act::perform(&experiment.first).map_err(|error| complain(&error.to_string()));
    let code = code.map_or_else(|code| code, |()| verb(experiment).unwrap_or_else(|error| error.report()));
    match act::perform(&last) {
        Ok(()) => code,
        Err(error) => complain(&error.to_string()),
    }
}

fn verb(experiment: Experiment) -> Result<ExitCode> {
    let daemon = &experiment.daemon;
    match experiment.verb.as_str() {
        "start" => started(experiment, How::Start),
        "restart" => started(experiment, How::Restart),
        "foreground" => started(experiment, How::Foreground),
        "activate" => activate(experiment),
        "cycle" => cycle(&experiment),
        "stop" => daemon.stop().map(|stopped| say(&stopped.to_string())),
        "send" => daemon.send(experiment.signal).map(|()| say("sent")),
        "pid" => daemon.pid().map(|pid| say(&pid.map_or("nobody".to_owned(), |pid| format!("pid {pid}")))),
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

/// Starts or restarts; prints `started PID`, and goes on or leaves as the experiment says.
fn started(experiment: Experiment, how: How) -> Result<ExitCode> {
    let live_on = experiment.live_on;
    let started = launch(experiment, how)?;
    println!("started {}", started.pid);
    if live_on { Ok(ExitCode::SUCCESS) } else { started.report() }
}

fn launch(experiment: Experiment, how: How) -> Result<Started> {
    let Experiment { daemon, body, step, inbox, .. } = experiment;
    match inbox {
        None if step => begin(daemon.step(move || act::perform(&body)), how),
        None => begin(daemon.run(move || act::perform(&body)), how),
        Some(inbox) if inbox.told.is_some() => begin(daemon.messages(inbox.deliveries(), inbox::handle), how),
        Some(inbox) => begin(daemon.messages(inbox.lines(), inbox::handle), how),
    }
}

fn begin(daemon: Daemon<impl Work>, how: How) -> Result<Started> {
    match how {
        How::Start => daemon.start(),
        How::Restart => daemon.restart(),
        How::Foreground => match daemon.foreground()? {},
    }
}

/// What comes after `activate` runs in the daemon.
fn activate(experiment: Experiment) -> Result<ExitCode> {
    experiment.daemon.activate()?;
    Ok(act::perform(&experiment.body).map_or_else(|error| complain(&error.to_string()), |()| ExitCode::SUCCESS))
}

/// Starts and stops again and again in this one process.
fn cycle(experiment: &Experiment) -> Result<ExitCode> {
    for _ in 0..experiment.times {
        once(experiment.daemon.clone(), experiment.body.clone())?;
    }
    Ok(say(&format!("cycled {}", experiment.times)))
}

fn once(daemon: Daemon, body: Vec<Act>) -> Result<()> {
    let same = daemon.clone();
    daemon.run(move || act::perform(&body)).start()?;
    same.stop().map(drop)
}

fn say(text: &str) -> ExitCode {
    println!("{text}");
    ExitCode::SUCCESS
}

/// An end that is none of the library's.
fn complain(text: &str) -> ExitCode {
    eprintln!("lab: {text}");
    ExitCode::from(64)
}
