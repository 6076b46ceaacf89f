//! The starting process: executes the program again, sends the request, and waits for the outcome.

use crate::environment::Environment;
use crate::exec_error::{died, refused, system};
use crate::image;
use crate::link::{EXEC_ENV, Link, Message};
use crate::memory_file;
use crate::registry;
use crate::request::Request;
use daemonize_core::{Error, ErrorKind, Result, Started, relay};
use daemonize_sys::error::cause;
use daemonize_sys::pidfd::{PidFd, timeout_until};
use daemonize_sys::signal::Signal;
use daemonize_sys::spawn::{Image, LINK, SpawnError};
use daemonize_sys::wait::{Ended, reap_process};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::env;
use std::ffi::{CString, OsString};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::time::{Duration, Instant};

/// How long a new process may take to exit after it has reported the outcome, or was killed.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);

/// The variables of the library that a new process must not inherit.
const OWN_VARIABLES: [&str; 2] = [EXEC_ENV, "DAEMONIC_RESTART"];

/// The new process, and the link to it.
struct NewProcess<'a> {
    request: &'a Request,
    link: Link,
    process: PidFd,
}

/// An event of a new process.
enum Event {
    Message(Message),
    /// It has ended, or has closed the link.
    Ended,
    TimedOut,
}

/// Launches the daemon of this request in a new process. It has until `ready` to call [`init`](crate::init), and until `deadline` for the
/// outcome.
pub(crate) fn launch(
    request: &Request,
    environment: &Environment,
    ready: Instant,
    deadline: Option<Instant>,
) -> Result<Started> {
    let name = request.name();
    // Before anything is made: the new process would fail for the same reason.
    registry::find(name, request.entry())?;
    let process = start(request, environment)?;
    let outcome = process.wait(deadline.map_or(ready, |deadline| deadline.min(ready)), deadline);
    process.reap();
    outcome
}

/// Makes the new process.
fn start<'a>(request: &'a Request, environment: &Environment) -> Result<NewProcess<'a>> {
    let name = request.name();
    let failed = |step: &'static str| move |error: io::Error| system(name, step, cause(&error));
    let image = image::image().map_err(|why| refused(name, why))?;
    let null = File::options().read(true).write(true).open("/dev/null").map_err(failed("open `/dev/null`"))?;
    let (link, theirs) = Link::pair().map_err(failed("make a socket"))?;
    let test = if image::has_passed() { None } else { registry::test_support() };
    let arguments = arguments(request, test.map(|support| support.test))?;
    let variables = variables(request, environment, &theirs)?;
    let arguments: Vec<_> = arguments.iter().map(CString::as_c_str).collect();
    let variables: Vec<_> = variables.iter().map(CString::as_c_str).collect();
    // A test harness prints about its test, which the user does not see as one.
    let (stdout, stderr) = (io::stdout(), io::stderr());
    let hidden = test.is_some().then(|| stdout.as_fd());
    let visible = if hidden.is_some() { null.as_fd() } else { stdout.as_fd() };
    link.send_request(&[&request.encode_header()?, request.arguments()], hidden).map_err(failed("send the request"))?;
    let streams = [null.as_fd(), visible, stderr.as_fd()];
    let program =
        Image { file: image.as_fd(), arguments: &arguments, environment: &variables, link: theirs.as_fd(), streams };
    let (_, process) = program
        .execute()
        .map_err(|SpawnError { step, errno }| system(name, step, cause(&io::Error::from_raw_os_error(errno))))?;
    Ok(NewProcess { request, link, process })
}

/// Returns the arguments of the new process: its name and the daemon's, for `ps`, and none of this process's own.
fn arguments(request: &Request, test: Option<&str>) -> Result<Vec<CString>> {
    let program = env::args_os().next().unwrap_or_else(|| OsString::from(request.name()));
    let texts: Vec<OsString> = match test.and_then(|test| test.split_once("::")) {
        Some((_, test)) => {
            [program, "--exact".into(), test.into(), "--nocapture".into(), "--test-threads=1".into()].into()
        }
        None => vec![program, request.name().into()],
    };
    let texts = texts.into_iter().map(|text| CString::new(text.into_vec()));
    texts.collect::<Result<_, _>>().map_err(|_| refused(request.name(), "its name contains a null character"))
}

/// Returns the environment of the new process, with the variable that names its end of the link.
fn variables(request: &Request, environment: &Environment, link: &Link) -> Result<Vec<CString>> {
    let name = request.name();
    let mut variables = environment
        .variables()
        .map_err(|why| Error::new(ErrorKind::Configuration, format!("failed to start `{name}`: {why}")))?;
    variables.retain(|(name, _)| !OWN_VARIABLES.iter().any(|own| name == own));
    let link = link.variable(LINK).map_err(|error| system(name, "name the link", cause(&error)))?;
    variables.push((EXEC_ENV.into(), link.into()));
    // What the kernel has given this process has no null character in it.
    let texts = variables.into_iter().map(|(name, value)| [name.into_vec(), b"=".to_vec(), value.into_vec()].concat());
    Ok(texts.filter_map(|text| CString::new(text).ok()).collect())
}

impl NewProcess<'_> {
    /// Waits for the outcome. Kills the new process at a deadline: its session leader then undoes the start.
    fn wait(&self, ready: Instant, deadline: Option<Instant>) -> Result<Started> {
        let name = self.request.name();
        let failed = |error: io::Error| system(name, "wait for the new process", cause(&error));
        let mut limit = Some(ready);
        loop {
            match self.next(limit).map_err(failed)? {
                Event::Message(Message::Ready) => limit = deadline,
                Event::Message(Message::Outcome(file)) => {
                    let bytes = memory_file::read(file, relay::ENCODED_LIMIT).map_err(failed)?;
                    let undecodable = || died(name, "the new process reported an outcome that is not understood");
                    return relay::decode(&bytes).unwrap_or_else(|| Err(undecodable()));
                }
                Event::Message(Message::Request(..)) | Event::Ended => return Err(self.describe_end()),
                Event::TimedOut => {
                    let _ = self.process.send(Signal::SIGKILL);
                    // It may have reported the outcome in this moment.
                    match self.next(Some(Instant::now() + EXIT_TIMEOUT)).map_err(failed)? {
                        Event::Message(Message::Outcome(file)) => {
                            let bytes = memory_file::read(file, relay::ENCODED_LIMIT).map_err(failed)?;
                            if let Some(outcome) = relay::decode(&bytes) {
                                return outcome;
                            }
                        }
                        _ => {}
                    }
                    return Err(self.timed_out(limit == Some(ready) && deadline != Some(ready)));
                }
            }
        }
    }

    /// Returns the next event. A message that was sent before the process ended comes first.
    fn next(&self, limit: Option<Instant>) -> io::Result<Event> {
        loop {
            let [has_message, has_ended] = {
                let mut fds = [self.link.as_fd(), self.process.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
                match poll(&mut fds, limit.map_or(PollTimeout::NONE, timeout_until)) {
                    Ok(0) if limit.is_some_and(|limit| Instant::now() >= limit) => return Ok(Event::TimedOut),
                    Ok(_) | Err(nix::Error::EINTR) => {}
                    Err(errno) => return Err(errno.into()),
                }
                fds.map(|fd| fd.any() == Some(true))
            };
            if has_message {
                match self.link.receive() {
                    Ok(Some(message)) => return Ok(Event::Message(message)),
                    Ok(None) => return Ok(Event::Ended),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
            if has_ended {
                return Ok(Event::Ended);
            }
        }
    }

    fn timed_out(&self, is_uninitialised: bool) -> Error {
        let name = self.request.name();
        let why = if is_uninitialised {
            "the new process did not call `daemon::init()` in time, and was killed: make it the first statement of `main`"
        } else {
            "the deadline has passed, and the launcher was killed, which ends the daemon that it has made"
        };
        Error::new(ErrorKind::NotReady, format!("failed to start `{name}` by exec: {why}"))
    }

    /// Describes how the process ended that has reported no outcome.
    fn describe_end(&self) -> Error {
        let name = self.request.name();
        let _ = self.process.wait(Instant::now() + EXIT_TIMEOUT);
        match reap_process(&self.process) {
            Some(ended @ Ended::Signal(_)) => died(name, format_args!("the new process {ended}")),
            Some(ended) => died(
                name,
                format_args!(
                    "the new process {ended} without calling `daemon::init()`: make it the first statement of `main`"
                ),
            ),
            None => died(name, "the new process has ended, and its status was taken by other code of this process"),
        }
    }

    /// Reaps the process, which exits after it has reported the outcome. One that does not is killed.
    fn reap(&self) {
        if !self.process.wait(Instant::now() + EXIT_TIMEOUT).unwrap_or(false) {
            let _ = self.process.send(Signal::SIGKILL);
            let _ = self.process.wait(Instant::now() + EXIT_TIMEOUT);
        }
        let _ = reap_process(&self.process);
    }
}
