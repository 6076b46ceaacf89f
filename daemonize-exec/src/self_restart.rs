//! A restart of a daemon that was launched by exec, from inside: the successor gets the same request.

use crate::image;
use crate::link::{EXEC_ENV, Link};
use crate::request::Request;
use daemonize_core::restart_command::{RestartCommand, complete_restart_command};
use std::env;
use std::error::Error;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::OnceLock;

/// The request by which the daemon of this process was launched.
static REQUEST: OnceLock<Request> = OnceLock::new();

/// Has a restart pass this request on.
pub(crate) fn enable(request: &Request) {
    let _ = REQUEST.set(request.clone());
    complete_restart_command(complete);
}

fn complete(restart: &mut RestartCommand) -> Result<(), Box<dyn Error>> {
    let request = REQUEST.get().ok_or("it was not launched by exec")?.to_take_over();
    let (ours, theirs) = Link::pair()?;
    ours.send_request(&[&request.encode_header()?, request.arguments()], None)?;
    if let Some(path) = image::called_path() {
        let mut command = Command::new(path);
        let mut arguments = env::args_os();
        if let Some(name) = arguments.next() {
            command.arg0(name);
        }
        command.args(arguments).current_dir("/");
        restart.replace(command);
    }
    let variable = theirs.variable(theirs.as_fd().as_raw_fd())?;
    restart.inherit(theirs.into_fd());
    restart.command().env(EXEC_ENV, variable);
    Ok(())
}
