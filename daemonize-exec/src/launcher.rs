//! The new process: receives the request, launches the daemon as any single-threaded program does, and reports the outcome.

use crate::exec_error::{died, refused};
use crate::image;
use crate::link::{Link, Message};
use crate::memory_file;
use crate::registry;
use crate::request::Request;
use crate::self_restart;
use daemonize_core::{Result, Started, relay};
use daemonize_sys::error::cause;
use daemonize_sys::fork::{Alone, exit_now};
use daemonize_sys::pidfd::timeout_until;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::prctl;
use std::any::Any;
use std::env;
use std::ffi::CString;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the request may take, which is sent as soon as this process exists.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The exit status of a launcher whose start has failed.
const FAILED: u8 = 2;

/// The name of the daemon in an error before the request is read.
const UNNAMED: &str = "a daemon";

/// Launches the daemon that the process at the other end of the link requests, and ends this process.
pub(crate) fn run(link: &Link) -> ! {
    name_process();
    let outcome = catch_unwind(AssertUnwindSafe(|| launch(link)));
    let outcome = outcome.unwrap_or_else(|panic| Err(died(UNNAMED, panic_text(&*panic))));
    // The daemon's function may have printed something.
    let _ = io::stdout().flush();
    // An error means that the other process has ended.
    let _ = link.send_outcome(&relay::encode(&outcome));
    exit_now(if outcome.is_ok() { 0 } else { FAILED })
}

fn launch(link: &Link) -> Result<Started> {
    let _ = link.send_ready();
    let request = receive(link).map_err(|error| refused(UNNAMED, format_args!("no request: {}", cause(&error))))?;
    request.check_build()?;
    let threads = Alone::prove().ok().and_then(std::result::Result::err);
    if let Some(threads) = threads {
        let why = format!(
            "the new process had {threads} threads at its call of `daemon::init()`: make it the first statement of `main`"
        );
        return Err(refused(request.name(), why));
    }
    let entry = registry::find(request.name(), request.entry())?;
    if let Some(path) = request.called_path() {
        image::set_called_path(path);
    }
    let run = entry.run;
    self_restart::enable(&request);
    run(&request)
}

/// Gives this process the name of its program (`PR_SET_NAME`), which before Linux 6.14 is the number of the descriptor that was executed.
fn name_process() {
    let program = env::args_os().next().map(PathBuf::from);
    let name = program.as_deref().and_then(Path::file_name).and_then(|name| CString::new(name.as_bytes()).ok());
    if let Some(name) = name {
        let _ = prctl::set_name(&name);
    }
}

/// Waits for the request.
fn receive(link: &Link) -> io::Result<Request> {
    let deadline = Instant::now() + REQUEST_TIMEOUT;
    let message = loop {
        match link.receive() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            message => break message?,
        }
        let mut fds = [PollFd::new(link.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, timeout_until(deadline)) {
            Ok(0) if Instant::now() >= deadline => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    };
    match message {
        Some(Message::Request(file, stdout)) => {
            if let Some(stdout) = stdout {
                nix::unistd::dup2_stdout(stdout)?;
            }
            let bytes = memory_file::read(file, Request::LIMIT)?;
            Request::decode(bytes).ok_or_else(|| io::Error::other("it is not a request"))
        }
        _ => Err(io::Error::other("the process that starts the daemon has ended")),
    }
}

/// Describes a panic in the daemon's function; the panic hook has printed the message.
fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("its function panicked in the new process: {}", text.unwrap_or("no message"))
}
