//! The daemon's life from its last stage to its body: attachments, readiness, signal thread, body.

use super::daemon::StartingDaemon;
use super::launching::end_without_launcher;
use super::process_exit::{
    Exit, end_from_outside, exit_immediately, exit_with_handlers, fail_start, finish, finish_at_exit, settle_at_exit,
};
use super::readiness;
use super::readiness_send::ReadySender;
use super::stages_done::StagesDone;
use crate::api;
use crate::attach::Attachment;
use crate::body::{self, BodyResult, Work, guarded};
use crate::context::{self, DaemonContext};
use crate::error::{Error, Result, cause};
use crate::logs::exit_now;
use crate::mutex::lock;
use crate::report;
use crate::self_restart;
use crate::settings::{Ready, Settings};
use crate::shutdown;
use crate::signal::Signal;
use crate::signals::{ParentWatch, SignalThread, Signals};
use crate::stage::Stage;
use crate::stdout;
use crate::sys::fork::{Fence, at_exit};
use crate::sys::outlined::Outlined;
use log::Level;
use nix::unistd::isatty;
use std::convert::Infallible;
use std::fs::File;
use std::os::fd::AsFd;
use std::sync::Arc;

/// Runs the remaining stages and the body, and ends the process. Returns only an error of a start without a launcher.
pub(crate) fn run_body<W: Work>(daemon: Box<StartingDaemon>, work: W, exit: Exit) -> Result<Infallible> {
    // A panic must not unwind from a forked process into the caller's code.
    let _fence = Fence::around(daemon.is_detached());
    let leave = match exit {
        Exit::Immediate => exit_immediately,
        Exit::RunHandlers => exit_with_handlers,
    };
    let context = begin(daemon, leave)?;
    api::expect_unwind();
    // For a body that calls exit(3), which the library could not notice otherwise.
    at_exit(settle_at_exit);
    let ending = guarded("the body", || body::run_blocking(|| work.work()));
    finish(context, &ending, exit)
}

/// Runs the remaining stages, and returns in the daemon: the rest of the program is the body.
pub(crate) fn activate(daemon: Box<StartingDaemon>) -> Result<()> {
    begin(daemon, exit_with_handlers)?;
    at_exit(finish_at_exit);
    Ok(())
}

/// Makes this process the daemon. Without a launcher, tells the attachments of a failure.
fn begin(daemon: Box<StartingDaemon>, leave: fn() -> !) -> Result<&'static DaemonContext> {
    let begun = complete(daemon, leave);
    end_without_launcher(begun.as_ref().err());
    begun
}

/// Runs the remaining stages, starts the attachments and the signal thread, and makes the daemon ready or arms its readiness.
fn complete(daemon: Box<StartingDaemon>, leave: fn() -> !) -> Result<&'static DaemonContext> {
    let StagesDone { mut block, settings, mut context, ready_sender } = StagesDone::run(daemon, leave)?;
    if ready_sender.link.is_none() && !settings.signals.mentions(Signal::SIGHUP) && has_terminal() {
        // In the foreground, SIGHUP means that the terminal is closed (signal(7)), not a reload.
        context.stops.push(Signal::SIGHUP);
    }
    // The notifier first, and so the last to end: it reports the end of the daemon.
    let mut attachments = settings.attachments.clone();
    if let Some(notifier) = &context.notifier {
        attachments.insert(0, Arc::clone(notifier) as Arc<dyn Attachment>);
    }
    // Before they start: all of them are prepared, and have to end even if one fails to start.
    lock(&context.attachments).clone_from(&attachments);
    if let Err(error) = start_attachments(&context, &attachments) {
        context.end_attachments();
        stdout::flush();
        ready_sender.fail_if_linked(&error);
        return Err(error);
    }
    let context = context::set_current(context);
    context::report_aborting_panics();
    shutdown::set_timeout(settings.nack_timeout());
    let ready = settings.ready;
    let stages = if Level::Debug <= log::max_level() { Some(list_stages(&settings)) } else { None };
    let mut service = signal_service(context, settings, &ready_sender);
    let start_log = ready_sender.streams.log_start();
    // A restart executes the program's file, which is looked up before the body can change the working directory. With `entered`
    // after READY, because the launcher waits for that.
    let is_after_ready = ready == Ready::Entered;
    if !is_after_ready && context.restart_obstacle.is_none() {
        context.program.resolve();
    }
    match readiness::begin(context, ready_sender, ready) {
        Ok(undecided) => service.readiness = undecided,
        Err((ready_sender, error)) => {
            context.end_attachments();
            ready_sender.fail_if_linked(&error);
            return Err(error);
        }
    }
    if is_after_ready && context.restart_obstacle.is_none() {
        context.program.resolve();
    }
    start_signal_thread(context, service);
    if let Some(start_log) = start_log {
        start_log();
    }
    if let Some(stages) = stages {
        report::record(Level::Debug, &context.handle.name, stages);
    }
    if ready == Ready::Entered {
        context.notify_ready();
    }
    // The daemon keeps its own mask.
    block.leave_blocked();
    Ok(context)
}

/// Lists the stages that are done, for the log, and which of them a hook has replaced.
fn list_stages(settings: &Settings) -> String {
    let mut text = "stages done: ".to_owned();
    for (index, stage) in Stage::ALL.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        let replaced = if settings.hooks.replaces(*stage) { " (replaced)" } else { "" };
        text = format!("{text}{separator}{stage}{replaced}");
    }
    text
}

/// Returns the work of the signal thread. Log files are reopened before the user's handlers of SIGHUP run.
fn signal_service(
    context: &'static DaemonContext,
    mut settings: Outlined<Settings>,
    ready_sender: &ReadySender,
) -> SignalThread {
    let stops = context.stops.clone();
    let grace = settings.grace();
    let mut signals = std::mem::take(&mut settings.signals);
    let with_handlers = stops.iter().copied().filter(|signal| !signals.handlers(*signal).is_empty()).collect();
    if let Some(reopen) = ready_sender.streams.log_reopen() {
        signals = signals.wrap(Signal::SIGHUP, reopen, || {});
    }
    if context.has_attachments() {
        signals = with_phases(context, signals, &stops);
    }
    if context::reports_reloads() && !stops.contains(&Signal::SIGHUP) {
        signals = context.report_reloads(signals);
    }
    context.handlers.set(signals);
    SignalThread {
        signals: Arc::clone(&context.signals),
        handlers: Arc::clone(&context.handlers),
        stops,
        with_handlers,
        grace,
        reports_reloads: context::reports_reloads(),
        on_stop: Box::new(|| {
            report::record_from_signal_thread(Level::Info, &context.handle.name, "is to stop");
            self_restart::forward_stop();
        }),
        on_end: Box::new(move |end| end_from_outside(context, end)),
        readiness: None,
        parent: context
            .watched_parent
            .as_ref()
            .map(|parent| ParentWatch { process: parent.process.as_fd(), on_end: parent.stop }),
    }
}

/// Reports a reload and a stop to the attachments, in the handlers' thread, before the user's handlers run.
fn with_phases(context: &'static DaemonContext, mut signals: Signals, stops: &[Signal]) -> Signals {
    if !stops.contains(&Signal::SIGHUP) {
        signals = signals.wrap(Signal::SIGHUP, || context.notify_reloading(), || context.notify_reloaded());
    }
    for signal in stops {
        signals = signals.wrap(*signal, || context.notify_stopping(), || {});
    }
    signals
}

fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok_and(|terminal| isatty(terminal).unwrap_or(false))
}

fn start_attachments(context: &DaemonContext, attachments: &[Arc<dyn Attachment>]) -> Result<()> {
    if !attachments.is_empty() {
        // First, because programs that the attachments' threads start inherit the signal mask.
        let registered = context.signals.install();
        registered.map_err(|error| Error::system("handle signals", cause(&error)))?;
    }
    for attachment in attachments {
        let ending = guarded("it", || match attachment.start(context.handle.clone()) {
            Ok(()) => BodyResult::success(),
            Err(error) => BodyResult::failure(format!("{error}")),
        });
        if let Some(error) = ending.error() {
            return Err(Error::system("start an attachment of the daemon", error));
        }
    }
    Ok(())
}

/// Starts the signal thread. Ends the process if that fails, because a daemon that receives no signals could not be stopped.
fn start_signal_thread(context: &'static DaemonContext, service: SignalThread) {
    if let Err(error) = service.start() {
        let stopped = context.signals.has_arrived(&context.stops);
        let error = Error::system("start the signal thread", cause(&error));
        context.end_attachments();
        fail_start(context, &error);
        if !stopped {
            report::error(&format!("{error}"));
        }
        context.write_exit_report(u8::from(!stopped), None);
        context.release_pidfile();
        exit_now(u8::from(!stopped));
    }
}
