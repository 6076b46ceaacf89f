//! A daemon's life: readiness, the body, and how it ends.
//!
//! It ends once, whoever sees to it: the body's thread when the body has returned or was unwound, or the signal thread
//! when the body never looks or its grace is over. Both remove the pidfile first; stdio is flushed by the body's thread
//! alone, since another one might wait for its lock for ever.

use super::Birth;
use super::birth::{Announcement, Born, Link};
use crate::body::{Ending, Work, guarded};
use crate::error::{Error, ErrorKind, Result, cause};
use crate::inside::{self, Inside};
use crate::report;
use crate::settings::{Ready, Settings};
use crate::signal::Signal;
use crate::signals::{End, Service, Unwanted};
use crate::stdout;
use crate::stopping;
use crate::sys::fork::{Fence, at_exit, exit_now};
use nix::unistd::isatty;
use std::convert::Infallible;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// How a daemon's process ends after its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// By `_exit(2)`: what is registered with `atexit(3)` belongs to the launcher, which runs it itself.
    Now,
    /// By `exit(3)`: this process is the program's continuation.
    Whole,
}

/// How long attachments get to end when it is not the body's thread that ends them.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Runs the body and ends the process. An error comes back only where there is no launcher to be told.
pub(crate) fn live<W: Work>(birth: Birth, work: W, exit: Exit) -> Result<Infallible> {
    let _fence = birth.is_detached().then_some(Fence);
    let inside = begin(birth, exit)?;
    let ending = guarded("the body", || work.work());
    finish(inside, &ending, exit)
}

/// Becomes the daemon and goes on: the rest of the program is the body.
pub(crate) fn live_on(birth: Birth) -> Result<()> {
    begin(birth, Exit::Whole)?;
    at_exit(tidy_up);
    Ok(())
}

/// The rest of an activated program is over.
extern "C" fn tidy_up() {
    if let Some(inside) = inside::current().filter(|inside| inside.identity.pid == crate::pid::Pid::this()) {
        inside.end_attachments();
        inside.release();
    }
}

/// From the last stage to the body: attachments, readiness, the signal thread.
fn begin(birth: Birth, exit: Exit) -> Result<&'static Inside> {
    let leave = match exit {
        Exit::Now => leave_now,
        Exit::Whole => leave_whole,
    };
    let Born { settings, inside, handled, announcement } = birth.born(leave)?;
    if let Err(error) = attach(&inside) {
        announcement.refuse(&error);
        return Err(error);
    }
    let inside = inside::enter(inside);
    let reopening = announcement.streams.reopening();
    let service = Service {
        handled,
        handlers: Arc::clone(&inside.handlers),
        stops: stops(&settings, announcement.link.is_some()),
        grace: settings.grace,
        signals: settings.signals,
        on_hangup: Box::new(move || reopening.run()),
        on_end: Box::new(move |end| end_from_outside(inside, end, settings.grace)),
        unwanted: None,
    };
    if settings.ready == Ready::Manual && announcement.link.is_some() {
        begin_manually(inside, announcement, service);
    } else {
        if let Err((announcement, error)) = announcement.make(inside) {
            announcement.refuse(&error);
            return Err(error);
        }
        start(inside, service);
    }
    Ok(inside)
}

/// HUP stops a program that still has its terminal, since then it means that the terminal is gone.
fn stops(settings: &Settings, detached: bool) -> Vec<Signal> {
    let mut stops = settings.signals.stops();
    let at_a_terminal = || File::open("/dev/tty").is_ok_and(|terminal| isatty(terminal).unwrap_or(false));
    if !detached && !settings.signals.mentions(Signal::SIGHUP) && at_a_terminal() {
        stops.push(Signal::SIGHUP);
    }
    stops
}

fn attach(inside: &Inside) -> Result<()> {
    for attachment in &inside.attachments {
        let ending = guarded("it", || match attachment.start(inside.handle.clone()) {
            Ok(()) => Ending::success(),
            Err(error) => Ending::failure(error.to_string()),
        });
        if let Some(error) = ending.error() {
            return Err(Error::system("start what is attached to the daemon", error));
        }
    }
    Ok(())
}

/// With `ready = manual` signals are taken while the body starts, and so is the launcher's end.
fn begin_manually(inside: &'static Inside, announcement: Announcement, mut service: Service) {
    // Not by PDEATHSIG: any thread may say that the daemon is ready, and only this one could clear it.
    Link::outlive_the_middle();
    let socket = announcement.link.as_ref().map(|link| link.ready.as_fd().try_clone_to_owned());
    *inside::lock(&inside.pending) = Some(Box::new(announcement));
    match socket.transpose() {
        Ok(socket) => service.unwanted = socket.map(|socket| unwanted(inside, socket)),
        Err(error) => fail(inside, &Error::system("watch the launcher", cause(&error))),
    }
    start(inside, service);
}

fn unwanted(inside: &'static Inside, socket: OwnedFd) -> Unwanted {
    let act = move || {
        // Waits for a `ready()` on its way.
        if inside::lock(&inside.pending).is_some() {
            exit_now(2);
        }
    };
    Unwanted { socket, act: Box::new(act) }
}

/// A daemon that could hear no signal must not run.
fn start(inside: &'static Inside, service: Service) {
    if let Err(error) = service.start() {
        let error = Error::system("start the signal thread", cause(&error));
        fail(inside, &error);
        report::error(&error.to_string());
        inside.release();
        exit_now(1);
    }
}

/// Tells the launcher that there will be no daemon, if it still waits.
fn fail(inside: &Inside, error: &Error) {
    if let Some(pending) = inside::lock(&inside.pending).take() {
        pending.fail(error);
    }
}

fn leave_now() -> ! {
    leave(Exit::Now)
}

fn leave_whole() -> ! {
    leave(Exit::Whole)
}

fn leave(exit: Exit) -> ! {
    match inside::current() {
        Some(inside) => finish(inside, &Ending::success(), exit),
        None => exit_now(0),
    }
}

/// In the body's thread: the handlers' end, attachments, pidfile, what there is to say, stdio, and out.
fn finish(inside: &Inside, ending: &Ending, exit: Exit) -> ! {
    inside.handlers.wait_until_idle(Instant::now() + inside.grace);
    if inside::lock(&inside.pending).is_some() {
        inside.end_attachments();
        fail(inside, &never_ready(ending));
    }
    inside.end_attachments();
    release(inside);
    if let Some(error) = ending.error() {
        report::error(error);
    }
    stdout::flush();
    match exit {
        Exit::Now => exit_now(ending.exit_code()),
        Exit::Whole => std::process::exit(ending.exit_code().into()),
    }
}

/// Why a body that has ended was never ready.
fn never_ready(ending: &Ending) -> Error {
    match ending.error() {
        _ if stopping::is_marked() => Error::new(ErrorKind::Stopped, "failed to start: stopped while starting"),
        Some(error) => Error::new(ErrorKind::Body, format!("failed to start: {error}")),
        None => Error::new(ErrorKind::Died, "failed to start: the body returned before it was ready"),
    }
}

/// In the signal thread: nothing of the user's runs here but attachments, and those not for long.
fn end_from_outside(inside: &'static Inside, end: End, grace: Duration) {
    fail(inside, &Error::new(ErrorKind::Stopped, "failed to start: stopped while starting"));
    if !inside.attachments.is_empty() {
        let (done, all_done) = mpsc::channel();
        let worker = thread::Builder::new().spawn(move || {
            inside.end_attachments();
            let _ = done.send(());
        });
        if worker.is_ok() {
            let _ = all_done.recv_timeout(LAST_WORDS);
        }
    }
    release(inside);
    match end {
        End::NeverAsked => exit_now(0),
        End::GraceOver => report::error(&format!("did not end within its grace of {grace:?}, and was ended")),
        End::CutShort => report::error("was told to stop twice, and was ended before it was done"),
    }
    exit_now(1)
}

fn release(inside: &Inside) {
    // After a change of user or root it is known that the file cannot be removed: the next stop or start does.
    if let Some(error) = inside.release().filter(|_| inside.program.obstacle.is_none()) {
        report::error(&error.to_string());
    }
}
