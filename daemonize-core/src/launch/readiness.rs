//! When a daemon counts as ready, and what the launcher hears of a body that ends before.
//!
//! With `ready = entered` the launcher has said GO before the body begins. Otherwise the body begins first (L5), and READY
//! is sent by the body's thread at its first look, by a thread of its own after [`AUTO_DELAY`], or by the thread that calls
//! [`ready`](crate::ready). A look does not wait for another thread that does so; a body that ends does.

use super::announcement::{Announcement, Link};
use super::undo::{Files, LAST_WORDS, undo};
use crate::body::{BodyResult, panic_text};
use crate::error::{Error, ErrorKind, Result, cause};
use crate::first_look;
use crate::inside::{self, Inside};
use crate::mutex::lock;
use crate::settings::Ready;
use crate::signals::Undecided;
use crate::stopping;
use crate::thread::spawn;
use std::os::fd::{AsFd, OwnedFd};
use std::panic;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

/// A body that has neither looked nor ended for this long counts as ready.
const AUTO_DELAY: Duration = Duration::from_millis(100);

/// How often a daemon that is to end looks whether GO has come.
const GO_RECHECK_INTERVAL: Duration = Duration::from_millis(5);

/// Makes the daemon ready, or lets the body begin before it is: returns what the signal thread waits for then.
pub(super) fn begin(
    inside: &'static Inside,
    mut announcement: Box<Announcement>,
    ready: Ready,
) -> Result<Option<Undecided>, (Box<Announcement>, Error)> {
    let is_auto = ready == Ready::Auto;
    let socket = match &announcement.link {
        Some(link) if ready != Ready::Entered => {
            let socket = watch(link).and_then(|socket| {
                // Not with `manual`: what such a body prints is for the launcher. A child of this one does not get the pipe.
                if is_auto { announcement.install_outputs().map(|()| socket) } else { Ok(socket) }
            });
            match socket {
                Ok(socket) => Some(socket),
                Err(error) => return Err((announcement, error)),
            }
        }
        _ => None,
    };
    // Without a launcher and a manager nothing waits for it.
    let is_awaited = is_auto && (socket.is_some() || inside.has_attachments());
    if socket.is_some() || is_awaited {
        watch_panics();
    }
    if socket.is_some() {
        *lock(&inside.pending) = Some(announcement);
    } else {
        announcement.make(inside)?;
    }
    if is_awaited {
        stopping::await_first_look(announce_first_look);
    }
    let due = is_awaited.then(|| Instant::now() + AUTO_DELAY);
    Ok((socket.is_some() || is_awaited).then(|| undecided(inside, socket, due)))
}

/// Returns a copy of the launcher's socket, whose end takes over from `PR_SET_PDEATHSIG`: that belongs to the thread that
/// set it, and any thread may say that the daemon is ready.
fn watch(link: &Link) -> Result<OwnedFd> {
    Link::outlive_session_leader()?;
    let copy = link.ready.as_fd().try_clone_to_owned();
    copy.map_err(|error| Error::system("watch the launcher", cause(&error)))
}

fn undecided(inside: &'static Inside, socket: Option<OwnedFd>, due: Option<Instant>) -> Undecided {
    let on_hangup = move || {
        // Waits for a `ready()` on its way.
        if lock(&inside.pending).is_some() {
            undo(inside, Files::OfLauncher);
        }
    };
    let on_due = move || {
        if first_look::may_end_by_panic() {
            return Some(Instant::now() + AUTO_DELAY);
        }
        if first_look::take() {
            announce_beside(inside);
        }
        None
    };
    Undecided { socket, due, on_hangup: Box::new(on_hangup), on_due: Box::new(on_due) }
}

/// At the first look, in the body's thread.
fn announce_first_look() {
    // Not in a child that the body has forked.
    let inside = inside::current().filter(|inside| inside.is_this_process());
    if let Some(inside) = inside.filter(|inside| announce(inside)) {
        inside.tell_ready();
    }
}

/// Tells the launcher, where one waits, and hears GO. Returns `false` if a stop came first, or another thread does it.
fn announce(inside: &'static Inside) -> bool {
    let Some(mut pending) = lock_unless(&inside.pending, Announcement::is_on_its_way) else { return false };
    match pending.take().map(|announcement| announcement.announce(inside)) {
        None | Some(Ok(())) => true,
        Some(Err((announcement, _))) => {
            *pending = Some(announcement);
            false
        }
    }
}

/// Locks it; returns `None` while another thread holds it for what `is_long` says. Any other thread holds it for a moment, in
/// which a look must not be lost: there is only one first look.
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

/// Announces on a thread of its own: the launcher may be stopped and what is attached may hang, and the signal thread must
/// not.
fn announce_beside(inside: &'static Inside) {
    let tell = move || {
        if announce(inside) {
            inside.tell_ready();
        }
    };
    if spawn("daemon-ready", tell).is_err() {
        tell();
    }
}

/// Waits until no thread waits for GO. Returns `false` if one still does after [`LAST_WORDS`]: the launcher is stopped, or in
/// the user's code. After the stop was marked: then no thread begins to.
pub(super) fn is_decided(inside: &Inside) -> bool {
    let deadline = Instant::now() + LAST_WORDS;
    while matches!(inside.pending.try_lock(), Err(TryLockError::WouldBlock)) {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(GO_RECHECK_INTERVAL);
    }
    true
}

/// A body that has returned well before it was ready makes the start a success, unless the daemon is to stop.
pub(super) fn conclude(inside: &'static Inside, ending: &BodyResult) {
    if first_look::is_automatic() && ending.error().is_none() {
        first_look::take();
        // Ends before this thread does anything else: before GO the files are the launcher's.
        if inside::announce(inside).is_ok() {
            inside.tell_ready();
        }
    }
}

/// Leaves the outcome to the launcher, which hears the status, where a body calls `exit(3)` before it is ready. Returns
/// `false` if it was ready, or has to say so itself.
pub(super) fn leave_to_launcher(inside: &Inside) -> bool {
    if !first_look::is_automatic() || stopping::is_marked() {
        return false;
    }
    let Some(announcement) = lock(&inside.pending).take() else { return false };
    announcement.exits();
    true
}

/// Why a body that has ended was never ready.
pub(super) fn never_ready(ending: &BodyResult) -> Error {
    match ending.error() {
        Some(error) if !stopping::is_marked() => Error::new(ErrorKind::Body, format!("failed to start: {error}")),
        _ if stopping::is_told() => Error::new(ErrorKind::Stopped, "failed to start: stopped while starting"),
        _ => Error::new(ErrorKind::Died, "failed to start: the body returned before it was ready"),
    }
}

/// Keeps a panic of the body from being overtaken by the time after which it counts as ready, and reports it to the launcher
/// in a program built with `panic = "abort"`, where the hook is the last that runs.
fn watch_panics() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let is_body = stopping::is_the_body();
        if is_body {
            first_look::begin_panic();
        }
        print(info);
        if cfg!(panic = "abort") {
            let subject = if is_body { "the body" } else { "a thread" };
            report_panic(&format!("{subject} panicked: {}", panic_text(info.payload())));
        }
        if is_body {
            first_look::end_panic();
        }
    }));
}

/// Ends the process if the launcher waits.
fn report_panic(text: &str) {
    let inside = inside::current().filter(|inside| inside.is_this_process());
    // A thread that panics while it announces has it.
    let pending = inside.and_then(|inside| inside.pending.try_lock().ok()?.take());
    if let Some(announcement) = pending {
        announcement.fail(&Error::new(ErrorKind::Body, format!("failed to start: {text}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Promise 1.31.
    #[test]
    fn look_waits_for_a_thread_that_is_brief_and_for_none_that_announces() {
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
