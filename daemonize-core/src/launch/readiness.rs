//! Decides when a daemon is ready (`entered`, `auto` or `manual`), and what the launcher learns of a body that ends before.
//!
//! With `ready = entered` the launcher sends GO before the body begins. Otherwise the body begins first (L5), and READY
//! is sent by the body's thread when it first polls the stop flag, by a separate thread after [`AUTO_DELAY`], or by the thread that
//! calls [`ready`](crate::ready). A poll does not wait for another thread that sends READY; a body that ends does.

use super::launcher_link::LauncherLink;
use super::readiness_send::ReadySender;
use super::rollback::{EXIT_STEP_TIMEOUT, FileOwner, roll_back};
use crate::auto_ready;
use crate::body::{BodyResult, panic_text};
use crate::context::{self, DaemonContext};
use crate::error::{Error, ErrorKind, Result, cause};
use crate::mutex::lock;
use crate::settings::Ready;
use crate::signals::ReadinessWatch;
use crate::stop_flag;
use crate::thread::spawn;
use std::os::fd::{AsFd, OwnedFd};
use std::panic;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

/// The delay after which a body that has neither polled the stop flag nor ended counts as ready.
const AUTO_DELAY: Duration = Duration::from_millis(100);

/// The interval at which a daemon that ends checks whether GO has come.
const GO_RECHECK_INTERVAL: Duration = Duration::from_millis(5);

/// Makes the daemon ready, or arms its readiness if the body begins first. Returns what the signal thread watches meanwhile.
pub(super) fn begin(
    context: &'static DaemonContext,
    mut ready_sender: Box<ReadySender>,
    ready: Ready,
) -> Result<Option<ReadinessWatch>, (Box<ReadySender>, Error)> {
    let is_auto = ready == Ready::Auto;
    let socket = match &ready_sender.link {
        Some(link) if ready != Ready::Entered => {
            let socket = match socket_to_watch(link) {
                Ok(socket) => socket,
                Err(error) => return Err((ready_sender, error)),
            };
            if is_auto {
                // With `manual`, the launcher captures what the body prints. With `auto`, children of the body must not inherit
                // the pipe.
                if let Err(error) = ready_sender.install_outputs() {
                    return Err((ready_sender, error));
                }
            }
            Some(socket)
        }
        _ => None,
    };
    // Without a launcher and attachments (such as the notifier), no process waits for readiness.
    let is_awaited = is_auto && (socket.is_some() || context.has_attachments());
    if socket.is_some() || is_awaited {
        watch_panics();
    }
    if socket.is_some() {
        *lock(&context.pending) = Some(ready_sender);
    } else {
        ready_sender.send(context)?;
    }
    if is_awaited {
        stop_flag::await_first_poll(announce_first_poll);
    }
    let due = is_awaited.then(|| Instant::now() + AUTO_DELAY);
    Ok((socket.is_some() || is_awaited).then(|| undecided(context, socket, due)))
}

/// Returns a copy of the socket to the launcher, for the signal thread. End of file on it takes over from the parent-death signal,
/// which is an attribute of this thread, while any thread may send READY.
fn socket_to_watch(link: &LauncherLink) -> Result<OwnedFd> {
    LauncherLink::outlive_session_leader()?;
    let copy = link.ready.as_fd().try_clone_to_owned();
    copy.map_err(|error| Error::system("watch the launcher", cause(&error)))
}

fn undecided(context: &'static DaemonContext, socket: Option<OwnedFd>, due: Option<Instant>) -> ReadinessWatch {
    let on_hangup = move || {
        // The lock waits for a `ready()` that is under way.
        if lock(&context.pending).is_some() {
            roll_back(context, FileOwner::Launcher);
        }
    };
    let on_due = move || {
        if auto_ready::may_end_by_panic() {
            return Some(Instant::now() + AUTO_DELAY);
        }
        if auto_ready::disarm() {
            announce_on_thread(context);
        }
        None
    };
    ReadinessWatch { socket, due, on_hangup: Box::new(on_hangup), on_due: Box::new(on_due) }
}

/// Announces readiness when the body first polls the stop flag, in the body's thread.
fn announce_first_poll() {
    // Not in a child that the body has forked.
    let context = context::current().filter(|context| context.is_this_process());
    if let Some(context) = context.filter(|context| announce(context)) {
        context.notify_ready();
    }
}

/// Sends READY to the launcher, if there is one, and waits for GO. Returns `false` if a stop came first, or another thread does this.
fn announce(context: &'static DaemonContext) -> bool {
    let Some(mut pending) = lock_unless(&context.pending, ReadySender::is_awaiting_go) else { return false };
    let Some(sender) = pending.take() else { return true };
    match sender.announce(context) {
        Ok(()) => true,
        Err((sender, _)) => {
            *pending = Some(sender);
            false
        }
    }
}

/// Locks a mutex. Returns `None` while another thread holds it for long, which `is_long` reports. Otherwise spins: other threads hold
/// it for a moment, in which a poll must not be lost, because only the first poll announces.
fn lock_unless<T>(mutex: &Mutex<T>, is_long: impl Fn() -> bool) -> Option<MutexGuard<'_, T>> {
    loop {
        match mutex.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if is_long() => return None,
            Err(TryLockError::WouldBlock) => thread::yield_now(),
        }
    }
}

/// Announces readiness on a separate thread, so that the signal thread does not hang with a stopped launcher or an attachment.
fn announce_on_thread(context: &'static DaemonContext) {
    let tell = move || {
        if announce(context) {
            context.notify_ready();
        }
    };
    if spawn("daemon-ready", tell).is_err() {
        tell();
    }
}

/// Waits until no thread waits for GO. Returns `false` if one still does after [`EXIT_STEP_TIMEOUT`]: the launcher is stopped, or runs
/// user code. Called after the stop is requested: from then on no thread sends READY.
pub(super) fn is_decided(context: &DaemonContext) -> bool {
    let deadline = Instant::now() + EXIT_STEP_TIMEOUT;
    while matches!(context.pending.try_lock(), Err(TryLockError::WouldBlock)) {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(GO_RECHECK_INTERVAL);
    }
    true
}

/// Makes the daemon ready if its body has returned with success before it was ready, unless the daemon is to stop.
pub(super) fn conclude(context: &'static DaemonContext, ending: &BodyResult) {
    if auto_ready::is_enabled() && ending.error().is_none() {
        auto_ready::disarm();
        // Waits for GO, because before it the launcher owns the files (L13).
        if context::announce_ready(context).is_ok() {
            context.notify_ready();
        }
    }
}

/// L4: sends EXITING if the body calls `exit(3)` before it is ready: its exit status decides. Returns `false` if the daemon was
/// ready, or has `ready = manual`, where the body has to report readiness itself.
pub(super) fn leave_to_launcher(context: &DaemonContext) -> bool {
    if !auto_ready::is_enabled() || stop_flag::is_stop_requested() {
        return false;
    }
    let Some(sender) = lock(&context.pending).take() else { return false };
    sender.report_exit();
    true
}

/// Returns the error of a body that has ended before it was ready.
pub(super) fn never_ready(ending: &BodyResult) -> Error {
    match ending.error() {
        Some(error) if !stop_flag::is_stop_requested() => {
            Error::new(ErrorKind::Body, format!("failed to start: {error}"))
        }
        _ if stop_flag::is_stop_pending() => Error::new(ErrorKind::Stopped, "failed to start: stopped while starting"),
        _ => Error::new(ErrorKind::Died, "failed to start: the body returned before it was ready"),
    }
}

/// Installs a panic hook that keeps [`AUTO_DELAY`] from making the daemon ready while a panic of its body is printed. In a program
/// built with `panic = "abort"`, where no code runs after the hook, it also reports the panic to the launcher.
fn watch_panics() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let is_body = stop_flag::is_body_thread();
        if is_body {
            auto_ready::begin_panic();
        }
        print(info);
        if cfg!(panic = "abort") {
            let subject = if is_body { "the body" } else { "a thread" };
            report_panic(&format!("{subject} panicked: {}", panic_text(info.payload())));
        }
        if is_body {
            auto_ready::end_panic();
        }
    }));
}

/// Sends FAILED with a panic and exits, if the launcher waits.
fn report_panic(text: &str) {
    let context = context::current().filter(|context| context.is_this_process());
    // Without blocking: a thread that panics while it announces holds the lock.
    let pending = context.and_then(|context| context.pending.try_lock().ok()?.take());
    if let Some(sender) = pending {
        sender.fail(&Error::new(ErrorKind::Body, format!("failed to start: {text}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Promise 1.31.
    #[test]
    fn poll_waits_for_a_thread_that_is_brief_and_for_none_that_announces() {
        let mutex = Mutex::new(());
        let (held, is_held) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                let guard = lock(&mutex);
                held.send(()).expect("it is waited for");
                thread::sleep(Duration::from_millis(50));
                drop(guard);
            });
            is_held.recv().expect("it is locked");
            assert!(lock_unless(&mutex, || true).is_none());
            assert!(lock_unless(&mutex, || false).is_some());
        });
    }
}
