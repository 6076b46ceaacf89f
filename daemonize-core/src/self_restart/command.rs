//! The command by which a daemon that restarts itself starts its program again.

use super::refused::refused;
use crate::context::DaemonContext;
use crate::error::Result;
use crate::sys::exec;
use std::error::Error as StdError;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The function that completes each command, once a library has set it: a program without one is linked without the code.
static COMPLETE: OnceLock<CompleteCommand> = OnceLock::new();

/// A function that completes the command of a restart: see [`complete_restart_command`].
pub type CompleteCommand = fn(&mut RestartCommand) -> Result<(), Box<dyn StdError>>;

/// Has `complete` change the command of each [`restart`](crate::restart) of this process: for a library that starts a daemon in a fresh
/// execution of its program, which must find more there than arguments. To be called before the daemon is started; of two calls in one
/// process, the first counts.
///
/// `complete` runs in the thread that calls `restart`, while the daemon works. It returns at once: the restart waits for it. What the
/// new process is to read from a descriptor has to be written there before, as far as the socket's buffer holds it; after the spawn this
/// library talks to the new process in its own protocol, and passes it the lock of the pidfile when this daemon ends.
///
/// The new process is a child of this one, which exits before the new daemon runs its stages: it must not ask for a signal at its
/// parent's death.
///
/// # Errors
/// An error of `complete` refuses the restart, and the daemon continues.
///
/// ```
/// use daemonize_core::restart_command::complete_restart_command;
///
/// complete_restart_command(|command| {
///     let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
///     let fd = command.inherit(theirs.into());
///     command.command().env("EXAMPLE_LINK", fd.to_string());
///     std::io::Write::write_all(&mut &ours, b"the request")?;
///     Ok(())
/// });
/// ```
pub fn complete_restart_command(complete: CompleteCommand) {
    let _ = COMPLETE.set(complete);
}

/// The command of a restart. Without changes it executes the program by the path by which this process was started, with its arguments
/// and in its working directory.
#[derive(Debug)]
pub struct RestartCommand {
    command: Command,
    /// Kept open until the program is executed.
    descriptors: Vec<OwnedFd>,
}

impl RestartCommand {
    /// Returns the command of this daemon.
    pub(super) fn of(context: &DaemonContext) -> Result<RestartCommand> {
        let (_, command) = context.program.command().map_err(refused)?;
        let mut command = RestartCommand { command, descriptors: Vec::new() };
        if let Some(complete) = COMPLETE.get() {
            complete(&mut command).map_err(refused)?;
        }
        Ok(command)
    }

    /// Returns the command, to add variables and arguments, or to change the working directory.
    pub fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    /// Replaces the command: another path of the program, or other arguments. Descriptors that were added stay.
    pub fn replace(&mut self, mut command: Command) {
        for descriptor in &self.descriptors {
            exec::inherit(&mut command, descriptor.as_raw_fd());
        }
        self.command = command;
    }

    /// Has the new process inherit a descriptor, and returns its number there. This process closes its copy when the program is
    /// executed, or the restart has failed.
    pub fn inherit(&mut self, descriptor: OwnedFd) -> RawFd {
        let number = descriptor.as_raw_fd();
        exec::inherit(&mut self.command, number);
        self.descriptors.push(descriptor);
        number
    }

    /// Returns the path of the program.
    pub(super) fn path(&self) -> PathBuf {
        self.command.get_program().into()
    }
}
