//! The running daemon, for verbs that send it a signal.

use super::target::{open_verified, wait_for_exit};
use super::unnamed_process::{describe_holder, explain_hook, pidfile_is_left_to_hook};
use crate::error::Result;
use crate::pidfile::{Holder, Probe};
use crate::pidfile_search::{holder, locate_path, probe};
use crate::process::Identity;
use crate::settings::Settings;
use crate::sys::pidfd::PidFd;
use crate::sys::proc::age;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A daemon that runs, identified through a descriptor of its process.
pub(super) struct RunningDaemon {
    pub(super) process: PidFd,
    pub(super) identity: Identity,
    pub(super) probe: Probe,
}

/// The daemon that a pidfile names, or the reason why no process can be signalled.
pub(super) enum Found {
    Running(Box<RunningDaemon>),
    /// No daemon runs, for this reason.
    NotRunning(String),
}

/// Finds the process that the pidfile names.
pub(super) fn find_running(settings: &Settings) -> Result<Found> {
    let pidfile: PathBuf = locate_path(settings)?;
    loop {
        let probe = probe(&pidfile)?;
        let identity = match holder(&pidfile, &probe)? {
            Holder::Alive(identity) => identity,
            Holder::Nothing => {
                return Ok(Found::NotRunning(format!("it is not running (no `{}`)", pidfile.display())));
            }
            Holder::Unsealed(_) if pidfile_is_left_to_hook(settings) => {
                return Ok(Found::NotRunning(explain_hook(&pidfile)));
            }
            other => return Ok(Found::NotRunning(describe_holder(&pidfile, &other))),
        };
        if let Some(process) = open_verified(&probe, &identity)? {
            // Sending a signal to a zombie succeeds (kill(2)), so a daemon that has ended is probed again.
            if !wait_for_exit(&process, Instant::now())? {
                return Ok(Found::Running(Box::new(RunningDaemon { process, identity, probe })));
            }
        }
    }
}

/// The age of a process from which on it has made its threads.
const STARTING_AGE: Duration = Duration::from_secs(1);

impl RunningDaemon {
    /// Returns `true` if the process was made just now.
    pub(super) fn is_young(&self) -> bool {
        age(self.identity.start_time) < STARTING_AGE
    }
}
