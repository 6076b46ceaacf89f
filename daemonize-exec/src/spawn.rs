//! Executes the program again, and sends the request to the new process.

use crate::environment::Environment;
use crate::exec_error::{refused, system};
use crate::image::{self, Obstacle};
use crate::isolation::Isolation;
use crate::link::{EXEC_ENV, Link};
use crate::new_process::NewProcess;
use crate::registry;
use crate::request::Request;
use daemonize_core::{Error, ErrorKind, Result};
use daemonize_sys::error::cause;
use daemonize_sys::fds;
use daemonize_sys::spawn::{Image, LINK, SpawnError};
use std::env;
use std::ffi::{CString, OsString};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;

/// The variables of the library that a new process must not inherit.
const OWN_VARIABLES: [&str; 2] = [EXEC_ENV, "DAEMONIC_RESTART"];

/// Executes the program in a new process, to which the request is sent.
///
/// # Errors
/// The program cannot launch the daemon, or cannot be executed; there is no new process then.
pub(crate) fn spawn(request: &Request, environment: &Environment) -> Result<NewProcess> {
    let name = request.name();
    let failed = |step: &'static str| move |error: io::Error| system(name, step, cause(&error));
    // Before anything is made: the new process would fail for the same reason.
    registry::find(name, request.entry())?;
    let test = test(name)?;
    let image = image::image().map_err(|why| refused(name, why))?;
    let null = File::options().read(true).write(true).open("/dev/null").map_err(failed("open `/dev/null`"))?;
    let (link, theirs) = Link::pair().map_err(failed("make a socket"))?;
    let arguments = arguments(request, test)?;
    let variables = variables(request, environment, &theirs)?;
    let arguments: Vec<_> = arguments.iter().map(CString::as_c_str).collect();
    let variables: Vec<_> = variables.iter().map(CString::as_c_str).collect();
    // A test harness prints about its test, which the user does not see as one.
    let (stdout, stderr) = (io::stdout(), io::stderr());
    // Code of this process may have closed them.
    let stdout = if fds::is_open(1) { stdout.as_fd() } else { null.as_fd() };
    let stderr = if fds::is_open(2) { stderr.as_fd() } else { null.as_fd() };
    let hidden = test.is_some().then_some(stdout);
    let visible = if hidden.is_some() { null.as_fd() } else { stdout };
    link.send_request(&[&request.encode_header()?, request.arguments()], hidden).map_err(failed("send the request"))?;
    let streams = [null.as_fd(), visible, stderr];
    let program = Image {
        file: image.as_fd(),
        arguments: &arguments,
        environment: &variables,
        link: theirs.as_fd(),
        streams,
        resets_layout: request.isolation() == Isolation::Reset,
    };
    let (_, process) = program
        .execute()
        .map_err(|SpawnError { step, errno, .. }| system(name, step, cause(&io::Error::from_raw_os_error(errno))))?;
    Ok(NewProcess::new(name, link, process))
}

/// Returns the hidden test through which the new process gets to the launcher; `None` if it does so at the beginning of `main`.
///
/// # Errors
/// It does not get there: it would run `main` again, and again launch the daemon.
fn test(name: &str) -> Result<Option<&'static str>> {
    match (image::obstacle(), registry::test_support()) {
        (None, _) => Ok(None),
        (Some(Obstacle::Privileged), _) => Err(refused(name, Obstacle::Privileged)),
        (Some(_), Some(support)) => Ok(Some(support.test)),
        (Some(obstacle), None) => Err(refused(name, obstacle)),
    }
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
    // The kernel has given this process no text with a null character.
    let texts = variables.into_iter().map(|(name, value)| [name.into_vec(), b"=".to_vec(), value.into_vec()].concat());
    Ok(texts.filter_map(|text| CString::new(text).ok()).collect())
}
