//! The daemon that is launched, and its bodies.

use daemon::body::Work;
use daemon::settings::Ready;
use daemon::{Daemon, Signal};
use nix::unistd::{getpid, getsid};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

/// The body of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Body {
    /// Prints its arguments, is ready, and sleeps; restarts at SIGUSR1 and SIGUSR2.
    Sleep,
    /// Is never ready.
    Never,
    /// Fails before it is ready.
    Fail,
    /// Panics where the daemon is described, in the new process alone.
    Panic,
    /// Has another pidfile in each process.
    Differs,
    /// Prints the descriptors of the new process, and ends it, where the daemon is described.
    Exit,
    /// Launches another daemon by exec, and ends.
    Nested,
    /// Is launched by a library, whose function has the same name.
    Library,
    /// Is launched by one of two functions with the same path.
    Twin,
    /// Has many bytes of arguments.
    Large(String),
}

impl Body {
    pub(crate) fn parse(text: &str) -> Body {
        match text {
            "sleep" => Body::Sleep,
            "never" => Body::Never,
            "fail" => Body::Fail,
            "panic" => Body::Panic,
            "differs" => Body::Differs,
            "exit" => Body::Exit,
            "nested" => Body::Nested,
            "library" => Body::Library,
            "twin" => Body::Twin,
            text => Body::Large("x".repeat(text.parse().expect("a number of bytes"))),
        }
    }
}

/// Returns the daemon. It is the function that is launched.
pub(crate) fn launched(mut pidfile: PathBuf, body: Body) -> Daemon<impl Work> {
    // The process that launches does not lead a session.
    let is_new_process = getsid(None) == Ok(getpid());
    match body {
        Body::Panic if is_new_process => panic!("no settings today"),
        Body::Exit if is_new_process => {
            eprintln!("descriptors {:?}", look::Process::new(getpid().as_raw()).descriptors().keys());
            process::exit(3);
        }
        Body::Differs => pidfile = pidfile.with_file_name(format!("{}.pid", process::id())),
        _ => {}
    }
    let restart = || daemon::restart().expect("a successor");
    let (path, arguments) = (pidfile.clone(), body.clone());
    let restart_by_companion = move || {
        let daemon = daemon::exec!(launched(path.clone(), arguments.clone()))?;
        daemon.restart().map(drop)
    };
    let daemon = Daemon::new("sleeper").pidfile(pidfile.clone()).ready(Ready::Manual);
    let daemon = daemon.handle(Signal::SIGUSR1, restart).handle(Signal::SIGUSR2, restart_by_companion);
    daemon.start_timeout(Duration::from_secs(20)).run(move || work(&body, &pidfile))
}

fn work(body: &Body, pidfile: &Path) -> Result<(), String> {
    match body {
        Body::Fail => {
            println!("opening the table");
            return Err("there is no table".to_owned());
        }
        Body::Never => while daemon::sleep(Duration::from_secs(20)) {},
        Body::Nested => {
            let inner = pidfile.with_file_name("inner.pid");
            let started = daemon::exec!(launched(inner, Body::Sleep)).and_then(|daemon| daemon.start());
            println!("inner {}", started.map_err(|error| error.to_string())?.pid);
        }
        Body::Large(text) => println!("{} bytes", text.len()),
        _ => println!("pidfile {}", pidfile.display()),
    }
    daemon::ready().map_err(|error| error.to_string())?;
    while daemon::sleep(Duration::from_secs(20)) {}
    Ok(())
}
