//! The process that launches: its signals, its children, and the time of the launch.

use super::daemons::{Body, launched};
use daemon::{Error, Started};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, thread};

/// The settings of a launch.
pub(crate) struct Settings {
    pub(crate) pidfile: PathBuf,
    pub(crate) body: Body,
    pub(crate) restarts: bool,
    pub(crate) timeout: Option<Duration>,
    /// A FIFO: the launch begins when it is opened for writing and closed.
    gate: Option<PathBuf>,
    situations: Vec<String>,
}

impl Settings {
    pub(crate) fn parse(arguments: &[String]) -> Settings {
        let pidfile = env::current_dir().expect("a directory").join("d.pid");
        let mut settings =
            Settings { pidfile, body: Body::Sleep, restarts: false, timeout: None, gate: None, situations: Vec::new() };
        for argument in arguments {
            match argument.split_once('=') {
                Some(("body", body)) => settings.body = Body::parse(body),
                Some(("timeout", millis)) => {
                    settings.timeout = Some(Duration::from_millis(millis.parse().expect("a number")));
                }
                Some(("gate", path)) => settings.gate = Some(path.into()),
                Some(("in", situation)) => settings.situations.push(situation.to_owned()),
                _ if argument == "restart" => settings.restarts = true,
                _ if argument == "start" => {}
                _ => panic!("`{argument}` is not a setting"),
            }
        }
        settings
    }

    /// Makes the situation, and waits for the gate.
    pub(crate) fn prepare(&self) {
        for situation in &self.situations {
            match situation.as_str() {
                "sigchld-ignored" => ignore(Signal::SIGCHLD),
                "signals-ignored" => [Signal::SIGHUP, Signal::SIGUSR2, Signal::SIGTERM].into_iter().for_each(ignore),
                "signals-blocked" => SigSet::all().thread_block().expect("a set"),
                "reaper" => _ = thread::spawn(reap_all),
                other => panic!("`{other}` is not a situation"),
            }
        }
        if let Some(gate) = &self.gate {
            println!("waiting");
            fs::read(gate).expect("a FIFO");
        }
    }
}

/// Returns `true` if this process is not to call `init` first: the one that launches, or the new one.
pub(crate) fn is_uninitialised() -> bool {
    let is_new = env::var_os("DAEMONIC_EXEC").is_some();
    env::var("LAB_UNINITIALISED").is_ok_and(|which| (which == "new") == is_new)
}

/// Calls `init` late or not at all. The new process goes on with something that takes its time.
pub(crate) fn without_init() {
    match env::var("LAB_UNINITIALISED").as_deref() {
        Ok("late") => {
            thread::spawn(|| thread::sleep(Duration::from_secs(20)));
            daemon::init();
        }
        Ok("new") => thread::sleep(Duration::from_secs(20)),
        _ => {}
    }
}

fn ignore(signal: Signal) {
    look::sys::ignore(signal as i32).expect("a signal");
}

/// Reaps every child of this process, as some programs do.
fn reap_all() {
    loop {
        match waitpid(None, Some(WaitPidFlag::empty())) {
            Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) => println!("reaped"),
            _ => thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// Prints the number of children, zombies included.
pub(crate) fn report_children() {
    let has_child = waitpid(None, Some(WaitPidFlag::WNOHANG));
    println!("children {}", u8::from(has_child != Err(nix::Error::ECHILD)));
}

/// Starts the same daemon by fork.
pub(crate) fn fork(settings: &Settings) -> Result<Started, Error> {
    settings.prepare();
    launched(settings.pidfile.clone(), settings.body.clone()).start()
}
