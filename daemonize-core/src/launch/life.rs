//! A daemon's life: readiness, the body, and how it ends.
//!
//! It ends once, whoever sees to it: the body's thread when the body has returned or was unwound, or the signal thread
//! when the body never looks or its grace is over. The pidfile is removed last of all that can hang, since until then
//! this is the daemon; and nothing that can hang is waited for by the signal thread.

use super::Birth;
use super::announcement::Announcement;
use super::birth::Born;
use super::readiness::{self, never_ready};
use super::undo::{LAST_WORDS, settle_messages};
use crate::attach::Attachment;
use crate::body::{self, BodyResult, Work, guarded};
use crate::error::{Error, ErrorKind, Result, cause};
use crate::inside::{self, Inside};
use crate::mutex::lock;
use crate::report;
use crate::settings::{Ready, Settings};
use crate::shutdown::{self, Settlement, within};
use crate::signal::Signal;
use crate::signals::{End, Service, Signals};
use crate::stage::Stage;
use crate::stdout;
use crate::stopping;
use crate::sys::fork::{Fence, at_exit, exit_now};
use crate::sys::outlined::Outlined;
use log::Level;
use nix::unistd::isatty;
use std::convert::Infallible;
use std::fs::File;
use std::sync::Arc;
use std::time::Instant;

/// How a daemon's process ends after its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// By `_exit(2)`: what is registered with `atexit(3)` belongs to the launcher, which runs it itself.
    Now,
    /// By `exit(3)`: this process is the program's continuation.
    Whole,
}

/// Runs the body and ends the process. An error comes back only where there is no launcher to be told.
pub(crate) fn live<W: Work>(birth: Box<Birth>, work: W, exit: Exit) -> Result<Infallible> {
    let _fence = Fence::around(birth.is_detached());
    let leave = match exit {
        Exit::Now => leave_now,
        Exit::Whole => leave_whole,
    };
    let inside = begin(birth, leave)?;
    inside::expect_to_be_unwound();
    // For user code that calls `exit(3)`, which no other part of the daemon would see.
    at_exit(settle_at_exit);
    let ending = guarded("the body", || body::blocking(|| work.work()));
    finish(inside, &ending, exit)
}

/// Becomes the daemon and goes on: the rest of the program is the body.
pub(crate) fn live_on(birth: Box<Birth>) -> Result<()> {
    begin(birth, leave_whole)?;
    at_exit(tidy_up);
    Ok(())
}

/// The rest of an activated program is over.
extern "C" fn tidy_up() {
    if let Some(inside) = inside::current().filter(|inside| inside.is_this_process()) {
        settle_unless_ending();
        let is_left = readiness::leave_to_launcher(inside);
        await_handlers(inside);
        inside.end_attachments();
        if is_left {
            return;
        }
        fail(inside, &never_ready(&BodyResult::success()));
        inside.leave_last_words(0, None);
        inside.release();
    }
}

/// User code has called `exit(3)`: the status is the user's, the messages in flight are ours.
extern "C" fn settle_at_exit() {
    // Not in a child that the user's code has forked.
    if let Some(inside) = inside::current().filter(|inside| inside.is_this_process()) {
        settle_unless_ending();
        let is_left = readiness::leave_to_launcher(inside);
        if !is_left {
            inside.leave_exit();
        }
    }
}

/// From the last stage to the body: attachments, readiness, the signal thread.
fn begin(birth: Box<Birth>, leave: fn() -> !) -> Result<&'static Inside> {
    let Born { block, settings, mut inside, announcement } = birth.born(leave)?;
    if announcement.link.is_none() && !settings.signals.mentions(Signal::SIGHUP) && is_at_a_terminal() {
        // The terminal is gone.
        inside.stops.push(Signal::SIGHUP);
    }
    // First of all, and so the last to end.
    let mut attachments = settings.attachments.clone();
    if let Some(notifier) = &inside.notifier {
        attachments.insert(0, Arc::clone(notifier) as Arc<dyn Attachment>);
    }
    // All of them are prepared, and will want to end.
    lock(&inside.attachments).clone_from(&attachments);
    if let Err(error) = begin_beside(&inside, &attachments) {
        inside.end_attachments();
        stdout::flush();
        announcement.refuse(&error);
        return Err(error);
    }
    let inside = inside::enter(inside);
    inside::keep_panics();
    shutdown::set_limit(settings.nack_timeout());
    let ready = settings.ready;
    let stages = (Level::Debug <= log::max_level()).then(|| stages_done(&settings));
    let mut service = service(inside, settings, &announcement);
    // With `entered` behind READY: what the launcher waits for comes first. But before the body, which may change what is
    // looked at.
    let looks_first = ready != Ready::Entered;
    if looks_first && inside.obstacle.is_none() {
        inside.program.look();
    }
    match readiness::begin(inside, announcement, ready) {
        Ok(undecided) => service.undecided = undecided,
        Err((announcement, error)) => {
            inside.end_attachments();
            announcement.refuse(&error);
            return Err(error);
        }
    }
    if !looks_first && inside.obstacle.is_none() {
        inside.program.look();
    }
    start(inside, service);
    if let Some(stages) = stages {
        report::record(Level::Debug, &inside.handle.name, stages);
    }
    if ready == Ready::Entered {
        inside.tell_ready();
    }
    if let Some(block) = block {
        block.leave_blocked();
    }
    Ok(inside)
}

/// Says which stages are done, and which of them a hook has replaced.
fn stages_done(settings: &Settings) -> String {
    let mut text = "stages done: ".to_owned();
    for (index, stage) in Stage::ALL.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        let replaced = if settings.hooks.replaces(*stage) { " (replaced)" } else { "" };
        text = format!("{text}{separator}{stage}{replaced}");
    }
    text
}

/// What the signal thread is to do. The log files are opened again before the user's handlers of HUP run.
fn service(inside: &'static Inside, mut settings: Outlined<Settings>, announcement: &Announcement) -> Service {
    let stops = inside.stops.clone();
    let reopening = announcement.streams.reopening();
    let grace = settings.grace();
    let mut signals = std::mem::take(&mut settings.signals);
    let with_handlers = stops.iter().copied().filter(|signal| !signals.handlers(*signal).is_empty()).collect();
    if !reopening.is_empty() {
        signals = signals.around(Signal::SIGHUP, move || inside.warn(reopening.run()), || {});
    }
    if inside.has_attachments() {
        signals = telling(inside, signals, &stops);
    }
    inside.handlers.set(signals);
    Service {
        registered: Arc::clone(&inside.registered),
        handlers: Arc::clone(&inside.handlers),
        stops,
        with_handlers,
        grace,
        on_stop: Box::new(|| {
            report::record_from_signal_thread(Level::Info, &inside.handle.name, "is to stop");
            inside::pass_stop_on();
        }),
        on_end: Box::new(move |end| end_from_outside(inside, end)),
        undecided: None,
    }
}

/// What is attached hears of a reload and of a stop in the handlers' thread, before the user's handlers do.
fn telling(inside: &'static Inside, signals: Signals, stops: &[Signal]) -> Signals {
    let reload = [Signal::SIGHUP].into_iter().filter(|signal| !stops.contains(signal));
    let signals = reload
        .fold(signals, |signals, signal| signals.around(signal, || inside.tell_reloading(), || inside.tell_reloaded()));
    stops.iter().fold(signals, |signals, signal| signals.around(*signal, || inside.tell_stopping(), || {}))
}

fn is_at_a_terminal() -> bool {
    File::open("/dev/tty").is_ok_and(|terminal| isatty(terminal).unwrap_or(false))
}

/// Starts what lives beside the body.
fn begin_beside(inside: &Inside, attachments: &[Arc<dyn Attachment>]) -> Result<()> {
    if !attachments.is_empty() {
        // Their threads may start programs, which inherit what is blocked.
        let registered = inside.registered.begin();
        registered.map_err(|error| Error::system("handle signals", cause(&error)))?;
    }
    for attachment in attachments {
        let ending = guarded("it", || match attachment.start(inside.handle.clone()) {
            Ok(()) => BodyResult::success(),
            Err(error) => BodyResult::failure(format!("{error}")),
        });
        if let Some(error) = ending.error() {
            return Err(Error::system("start what is attached to the daemon", error));
        }
    }
    Ok(())
}

/// A daemon that could hear no signal must not run.
fn start(inside: &'static Inside, service: Service) {
    if let Err(error) = service.start() {
        let stopped = inside.registered.has_come(&inside.stops);
        let error = Error::system("start the signal thread", cause(&error));
        inside.end_attachments();
        fail(inside, &error);
        if !stopped {
            report::error(&format!("{error}"));
        }
        inside.leave_last_words(u8::from(!stopped), None);
        inside.release();
        exit_now(u8::from(!stopped));
    }
}

/// Tells the launcher that there will be no daemon, if it still waits.
fn fail(inside: &Inside, error: &Error) {
    if let Some(pending) = lock(&inside.pending).take() {
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
        Some(inside) => finish(inside, &BodyResult::success(), exit),
        None => exit_now(0),
    }
}

/// In the body's thread: the handlers' end, attachments, what there is to say, stdio, the pidfile, and out.
fn finish(inside: &'static Inside, ending: &BodyResult, exit: Exit) -> ! {
    if !inside.is_this_process() {
        // The body forked, and the child has come back from it: readiness, messages and pidfile are its parent's.
        ending.error().into_iter().for_each(report::error);
        exit_now(ending.exit_code());
    }
    readiness::conclude(inside, ending);
    // A stop that comes now finds a daemon that is about to end by itself.
    stopping::look_before_ready();
    let cut = settle_leftovers();
    await_handlers(inside);
    inside.end_attachments();
    if lock(&inside.pending).is_some() {
        stdout::flush();
        fail(inside, &never_ready(ending));
    }
    if let Some(error) = ending.error() {
        report::error(error);
    }
    if let Some(words) = inside.handlers.report_of_cut_off_body().filter(|_| stopping::is_cut_off()) {
        report::error(&words);
    }
    stdout::flush();
    let status = ending.exit_code().max(u8::from(cut || inside.handlers.have_failed()));
    inside.leave_last_words(status, ending.error());
    if let Some(error) = release(inside) {
        report::error(&error);
    }
    record_end(inside, status);
    match exit {
        Exit::Now => exit_now(status),
        Exit::Whole => std::process::exit(status.into()),
    }
}

/// Settles what a body has left in flight that was not allowed to return: it panicked where nothing catches that, or it
/// slept on after the stop in a program that cannot be unwound. Returns whether messages were cut.
fn settle_leftovers() -> bool {
    shutdown::drain();
    settle_unless_ending()
}

/// Settles the messages in flight, unless another thread does that: it ends the process as well. Returns whether messages
/// were cut.
fn settle_unless_ending() -> bool {
    match Settlement::begin() {
        Settlement::Theirs(_) => shutdown::park_forever(),
        settlement => settle_messages(settlement),
    }
}

/// Waits until the handlers of the signals that came have run, within the grace.
fn await_handlers(inside: &'static Inside) {
    // A body that hears of a stop by a signal handler of its own may be faster than the thread that queues the daemon's.
    inside.registered.wait_until_treated(&inside.stops);
    tell_stopping(inside);
    inside.handlers.wait_until_idle(Instant::now() + inside.grace);
}

/// What is attached may hang in what it was told before.
fn tell_stopping(inside: &'static Inside) {
    if inside.has_attachments() {
        within(LAST_WORDS, || inside.tell_stopping());
    }
}

/// In the signal thread, which the body or a handler may have locked out of anything but system calls.
fn end_from_outside(inside: &'static Inside, end: End) {
    // Beside the attachments, so that neither takes the other's time.
    let settlement = Settlement::force();
    if inside.has_attachments() {
        within(LAST_WORDS, || {
            inside.tell_stopping();
            inside.end_attachments();
        });
    }
    let cut = settle_messages(settlement);
    if !readiness::is_decided(inside) {
        // L13: before GO the files are the launcher's, which learns of this end.
        exit_now(2);
    }
    fail(inside, &Error::new(ErrorKind::Stopped, "failed to start: stopped while starting"));
    let words = match end {
        End::NeverAsked => inside.handlers.report_of_cut_off_body(),
        End::GraceOver => Some(format!("did not end within its grace of {:?}, and was ended", inside.grace)),
        End::CutShort => Some("was told to stop twice, and was ended before it was done".to_owned()),
    };
    let status = u8::from(end != End::NeverAsked || cut || inside.handlers.have_failed());
    inside.leave_last_words(status, words.as_deref());
    if let Some(words) = words {
        within(LAST_WORDS, move || report::error(&words));
    }
    if let Some(error) = release(inside) {
        within(LAST_WORDS, move || report::error(&error));
    }
    record_end(inside, status);
    exit_now(status)
}

/// Records the end, if that is possible within [`LAST_WORDS`].
fn record_end(inside: &'static Inside, status: u8) {
    if Level::Info <= log::max_level() {
        let end = format!("ends with status {status}");
        within(LAST_WORDS, move || report::record(Level::Info, &inside.handle.name, end));
    }
}

/// Removes the pidfile; what is to be said about that.
fn release(inside: &Inside) -> Option<String> {
    let moved = lock(&inside.lock).as_ref().is_some_and(|pidfile| !pidfile.is_held());
    let error = inside.release().map(|error| format!("{error}"));
    if inside.obstacle.is_some() {
        // After a change of user or root it is known that the file cannot be removed: the next stop or start does.
        return None;
    }
    let path = inside.handle.pidfile.display();
    error.or_else(|| moved.then(|| format!("the pidfile `{path}` was moved or replaced while this daemon ran")))
}
