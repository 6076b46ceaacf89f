//! The end of the daemon's process: by the body's thread, by the signal thread, or by `exit(3)`.
//!
//! The process ends once: the body's thread ends it when the body has returned or was unwound; the signal thread ends it when the
//! body never polls the stop flag, or when its grace is over. The pidfile is removed after every step that can hang, since until
//! then this process is the daemon. The signal thread waits for no step without a timeout.

use super::readiness::{self, never_ready};
use super::rollback::{EXIT_STEP_TIMEOUT, settle_messages};
use crate::body::BodyResult;
use crate::context::{self, DaemonContext};
use crate::error::{Error, ErrorKind};
use crate::logs::exit_now;
use crate::mutex::lock;
use crate::report;
use crate::shutdown::{self, Settlement, run_with_timeout};
use crate::signals::ForcedEnd;
use crate::stdout;
use crate::stop_flag;
use log::Level;
use std::time::Instant;

/// The way in which a daemon's process ends after its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// By `_exit(2)`: `atexit(3)` handlers belong to the launcher, which runs them itself.
    Immediate,
    /// By `exit(3)`: this process is the program's continuation.
    RunHandlers,
}

/// Ends an activated daemon when the program returns from `main` or calls `exit(3)`.
pub(super) extern "C" fn finish_at_exit() {
    if let Some(context) = context::current().filter(|context| context.is_this_process()) {
        settle_unless_ending();
        let is_left = readiness::leave_to_launcher(context);
        await_handlers(context);
        context.end_attachments();
        if is_left {
            return;
        }
        fail_start(context, &never_ready(&BodyResult::success()));
        context.write_exit_report(0, None);
        context.release_pidfile();
    }
}

/// Settles the messages in flight when user code calls `exit(3)`. The exit status is the user code's.
pub(super) extern "C" fn settle_at_exit() {
    // Not in a child that user code has forked.
    if let Some(context) = context::current().filter(|context| context.is_this_process()) {
        settle_unless_ending();
        let is_left = readiness::leave_to_launcher(context);
        if !is_left {
            context.write_exit_call_report();
        }
    }
}

/// Sends FAILED to the launcher and exits, if the launcher still waits.
pub(super) fn fail_start(context: &DaemonContext, error: &Error) {
    if let Some(pending) = lock(&context.pending).take() {
        pending.fail(error);
    }
}

/// Ends the process without running `atexit(3)` handlers, in the body's thread.
pub(super) fn exit_immediately() -> ! {
    leave(Exit::Immediate)
}

/// Ends the process by `exit(3)`, in the body's thread.
pub(super) fn exit_with_handlers() -> ! {
    leave(Exit::RunHandlers)
}

fn leave(exit: Exit) -> ! {
    match context::current() {
        Some(context) => finish(context, &BodyResult::success(), exit),
        None => exit_now(0),
    }
}

/// Ends the process after the body, in the body's thread: waits for signal handlers and messages, ends the attachments, reports
/// errors, and removes the pidfile last.
pub(super) fn finish(context: &'static DaemonContext, ending: &BodyResult, exit: Exit) -> ! {
    if !context.is_this_process() {
        // The body has forked, and this is the child: readiness, messages and pidfile belong to its parent.
        report_body(ending);
        exit_now(ending.exit_code());
    }
    readiness::conclude(context, ending);
    // From here on a stop does not interrupt this thread: the daemon ends by itself.
    stop_flag::poll_stop_before_ready();
    let cut = settle_unfinished();
    await_handlers(context);
    context.end_attachments();
    // With `ready = manual`, a body may return without having called `ready`.
    if lock(&context.pending).is_some() {
        stdout::flush();
        fail_start(context, &never_ready(ending));
    }
    report_body(ending);
    if let Some(words) = context.handlers.cancelled_body_report().filter(|_| stop_flag::is_body_cancelled()) {
        report::error(&words);
    }
    stdout::flush();
    let incomplete = cut || context.handlers.have_failed();
    let status = ending.exit_code().max(u8::from(incomplete));
    // An earlier error of this library is not the reason for a status that the body has chosen.
    let why = if ending.is_chosen() { (!incomplete).then_some("") } else { ending.error() };
    context.write_exit_report(status, why);
    if let Some(error) = release(context) {
        report::error(&error);
    }
    record_end(context, if ending.is_chosen() { Level::Warn } else { Level::Info }, status);
    match exit {
        Exit::Immediate => exit_now(status),
        Exit::RunHandlers => std::process::exit(status.into()),
    }
}

/// Reports the error of the body. A status that the body returned itself is no error: the body has said why it ends, or has chosen
/// not to.
fn report_body(ending: &BodyResult) {
    if ending.is_chosen() {
        report::exit_status(ending.exit_code());
    } else if let Some(error) = ending.error() {
        report::error(error);
    }
}

/// Settles the messages of a body that did not return in order: it panicked in a program with `panic = "abort"`, or slept on after
/// the stop in a program that cannot be unwound. Returns `true` if messages were abandoned.
fn settle_unfinished() -> bool {
    shutdown::drain();
    settle_unless_ending()
}

/// Settles the messages in flight. Never returns if another thread does that: it also ends the process. Returns `true` if messages
/// were abandoned.
fn settle_unless_ending() -> bool {
    match Settlement::begin() {
        Settlement::OtherThread(_) => shutdown::park_until_exit(),
        settlement => settle_messages(settlement),
    }
}

/// Waits until the handlers of the received signals have run, within the grace.
fn await_handlers(context: &'static DaemonContext) {
    // A body that learns of a stop by its own signal handler may be faster than the signal thread, which queues the handlers.
    context.signals.wait_until_handled(&context.stops);
    tell_stopping(context);
    context.handlers.wait_until_idle(Instant::now() + context.grace);
}

/// Reports the stop to the attachments, with a timeout: one may still hang in an earlier report.
fn tell_stopping(context: &'static DaemonContext) {
    if context.has_attachments() {
        run_with_timeout(EXIT_STEP_TIMEOUT, || context.notify_stopping());
    }
}

/// Ends the process from the signal thread: the grace is over, a second stop signal came, or the body never polls the stop flag.
///
/// The body or a handler may hold any lock, so each step that needs one runs with a timeout.
pub(super) fn end_from_outside(context: &'static DaemonContext, end: ForcedEnd) {
    // On its own thread, while the attachments end: each has its own time limit.
    let settlement = Settlement::force();
    if context.has_attachments() {
        run_with_timeout(EXIT_STEP_TIMEOUT, || {
            context.notify_stopping();
            context.end_attachments();
        });
    }
    let cut = settle_messages(settlement);
    if !readiness::is_decided(context) {
        // L13: before GO the launcher owns the files, and notices this exit.
        exit_now(2);
    }
    fail_start(context, &Error::new(ErrorKind::Stopped, "failed to start: stopped while starting"));
    let words = match end {
        ForcedEnd::BodyIgnoresStop => context.handlers.cancelled_body_report(),
        ForcedEnd::GraceExpired => Some(format!("did not end within its grace of {:?}, and was ended", context.grace)),
        ForcedEnd::SecondStop => Some("received a second stop signal, and was ended before it was done".to_owned()),
    };
    let status = u8::from(end != ForcedEnd::BodyIgnoresStop || cut || context.handlers.have_failed());
    context.write_exit_report(status, words.as_deref());
    if let Some(words) = words {
        run_with_timeout(EXIT_STEP_TIMEOUT, move || report::error(&words));
    }
    if let Some(error) = release(context) {
        run_with_timeout(EXIT_STEP_TIMEOUT, move || report::error(&error));
    }
    record_end(context, Level::Info, status);
    exit_now(status)
}

/// Logs the end, unless the logger hangs for longer than [`EXIT_STEP_TIMEOUT`].
fn record_end(context: &'static DaemonContext, level: Level, status: u8) {
    if level <= log::max_level() {
        let end = format!("ends with status {status}");
        run_with_timeout(EXIT_STEP_TIMEOUT, move || report::record(level, &context.handle.name, end));
    }
}

/// Removes the pidfile. Returns what has to be reported about it.
fn release(context: &DaemonContext) -> Option<String> {
    let moved = lock(&context.pidfile).as_ref().is_some_and(|pidfile| !pidfile.is_held());
    let error = context.release_pidfile().map(|error| format!("{error}"));
    if context.restart_obstacle.is_some() {
        // After a change of user or root the daemon cannot remove the files. The next stop or start does.
        return None;
    }
    let path = context.handle.pidfile.display();
    match error {
        None if moved => Some(format!("the pidfile `{path}` was moved or replaced while this daemon ran")),
        error => error,
    }
}
