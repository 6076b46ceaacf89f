//! The messages of a start, and those of a daemon that restarts itself.

use crate::error::Error;
use crate::pid::Pid;
use crate::process::Identity;
use crate::signal::Signal;
use crate::sys::wait::Ended;
use std::path::PathBuf;
use std::time::Duration;

/// A message.
#[derive(Debug)]
pub(crate) enum Message {
    /// Daemon to launcher, before it changes its user: the complete list of its addresses.
    Addresses(Vec<String>),
    /// Daemon to launcher, before the addresses: warnings about the start, one line each.
    Warnings(Vec<String>),
    /// Daemon to launcher: every stage is done. The message carries no pid, because the daemon may be another user by now, which
    /// root must not trust.
    Ready,
    /// Daemon to launcher: the start takes at most this long from now on.
    MoreTime(Duration),
    /// Daemon to launcher: the start has failed, for this reason. Session leader to launcher: the same, and the daemon is dead
    /// and reaped.
    Failed(Error),
    /// Daemon to launcher: the body has called `exit(3)` before it was ready. The exit status, which the session leader reports,
    /// decides whether the start succeeded.
    Exiting,
    /// Launcher to daemon: the pidfile is written with this identity. These signals were ignored at the fork.
    Written(Identity, Vec<Signal>),
    /// Launcher to daemon: the start has succeeded.
    Go,
    /// Session leader to launcher: the pid of the forked daemon.
    Forked(Pid),
    /// Launcher to session leader: the daemon is ready, exit.
    Release,
    /// Session leader to launcher: it no longer watches the daemon, and exits.
    Released,
    /// Session leader to launcher: the daemon is dead and reaped, with this wait status.
    Status(Ended),
    /// Restarted program to the daemon that started it: the settings are valid, the pidfile has this path, and the program waits
    /// for the daemon's end.
    Waiting(PathBuf),
    /// That daemon to the program: the daemon stops within this time. GO with the lock follows, or end of file.
    Accepted(Duration),
    /// That daemon to the program: a stop signal came, which concerns both.
    Stop,
}
