//! Single starts and stops of a daemon, timed.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use measure::WorkDir;

use crate::cases::{Case, Value};
use crate::children::{Child, Daemon, Program};

/// The pause before each measured program: the machine is to be as idle as before a start by hand.
const PAUSE: Duration = Duration::from_millis(2);

/// The pause between the start of a daemon and its stop: the end of the start is not to disturb.
const SETTLE: Duration = Duration::from_millis(8);

/// The process in which the time of a program is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// Outside: from its exec to its exit.
    Outside,
    /// In the program, which prints the figure.
    Printed,
}

/// Returns a case that runs a program until it exits.
pub(crate) fn run(name: &str, program: Program, clock: Clock) -> Case<'static> {
    Case::new(name, move |work_dir| {
        thread::sleep(PAUSE);
        let child = Child::start(&program, work_dir)?;
        Ok(time(&child, clock)?.into())
    })
}

/// Returns a case that starts a daemon: until its launcher has exited and its pidfile names a living process.
pub(crate) fn start(name: &str, launcher: Program, pidfile: &Path, clock: Clock) -> Case<'static> {
    let pidfile = pidfile.to_owned();
    Case::new(name, move |work_dir| {
        let _ = fs::remove_file(&pidfile);
        thread::sleep(PAUSE);
        let child = Child::start(&launcher, work_dir)?;
        let value = time(&child, clock)?;
        // The daemon ends when it is dropped.
        if let Some(_daemon) = Daemon::named_by(&pidfile) {
            return Ok(value.into());
        }
        let _daemon = Daemon::wait(&pidfile)?;
        Ok(Value { value: milliseconds(child.since.elapsed()), is_late: true })
    })
}

/// A daemon that is to be stopped.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) launcher: Program,
    pub(crate) pidfile: PathBuf,
}

impl Target {
    /// Starts the daemon, and waits until its pidfile names it.
    pub(crate) fn start(&self, work_dir: &WorkDir) -> Result<Daemon, String> {
        let _ = fs::remove_file(&self.pidfile);
        Child::start(&self.launcher, work_dir)?.reap()?;
        Daemon::wait(&self.pidfile)
    }
}

/// Returns a case that stops a new daemon: until the program that stops it has exited, or as long as it says.
pub(crate) fn stop(name: &str, target: Target, stopper: Program, clock: Clock) -> Case<'static> {
    Case::new(name, move |work_dir| {
        let daemon = target.start(work_dir)?;
        thread::sleep(SETTLE);
        let child = Child::start(&stopper, work_dir)?;
        let value = time(&child, clock)?;
        // One that was signalled without a confirmation still ends; one that was not signalled is an error here.
        daemon.reap()?;
        Ok(value.into())
    })
}

/// Waits until a program has exited; returns its time in milliseconds, or the figure that it printed.
fn time(child: &Child, clock: Clock) -> Result<f64, String> {
    let end = child.reap()?;
    match clock {
        Clock::Outside => Ok(milliseconds(end - child.since)),
        Clock::Printed => child.printed(),
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
