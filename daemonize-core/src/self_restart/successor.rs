//! The process that takes over from this daemon, and stops that concern both.

use crate::context::DaemonContext;
use crate::ipc::{Channel, Message};
use crate::mutex::lock;
use crate::stop_flag;
use crate::sys::siginfo::Purpose;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

/// The successor for which this daemon stops.
static SUCCESSOR: Mutex<Option<Arc<Successor>>> = Mutex::new(None);

pub(super) struct Successor {
    pub(super) channel: Channel,
    /// The path of the successor's pidfile.
    pub(super) pidfile: PathBuf,
    has_stop: AtomicBool,
}

impl Successor {
    pub(super) fn has_stop(&self) -> bool {
        self.has_stop.load(SeqCst)
    }

    /// Sends STOP, once: a successor that reads nothing must not block this daemon.
    pub(super) fn stop(&self) {
        if !self.has_stop.swap(true, SeqCst) {
            let _ = self.channel.send(&Message::Stop);
        }
    }
}

/// Returns `true` if this daemon stops for a successor.
pub(super) fn exists() -> bool {
    lock(&SUCCESSOR).is_some()
}

/// Returns the successor.
pub(super) fn get() -> Option<Arc<Successor>> {
    lock(&SUCCESSOR).clone()
}

/// Stops this daemon for the process that waits at the other end of `channel`. An error says why the daemon continues.
pub(super) fn accept(context: &DaemonContext, channel: Channel, pidfile: PathBuf) -> Result<(), NotAccepted> {
    let mut successor = lock(&SUCCESSOR);
    if !stop_flag::claim_stop() {
        return Err(NotAccepted::IsStopping);
    }
    let accepted = Message::Accepted(context.stop_timeout);
    let sent = match &context.watched_parent {
        Some(parent) => channel.send_with_fd(&accepted, parent.process.as_fd()),
        None => channel.send(&accepted),
    };
    if sent.is_err() {
        stop_flag::withdraw_claim();
        return Err(NotAccepted::IsGone);
    }
    *successor = Some(Arc::new(Successor { channel, pidfile, has_stop: AtomicBool::new(false) }));
    drop(successor);
    request_stop(context, Purpose::Restart);
    Ok(())
}

/// Why no process takes over.
pub(super) enum NotAccepted {
    /// This daemon is already stopping.
    IsStopping,
    /// The process has closed its end of the channel.
    IsGone,
}

/// Stops this daemon, as SIGTERM does, and its successor if it is restarting.
pub(crate) fn stop_all(context: &DaemonContext) {
    let is_first = {
        // Held by a restart that is being accepted, which withdraws its claim if it fails.
        let _successor = lock(&SUCCESSOR);
        stop_flag::claim_stop()
    };
    if is_first {
        request_stop(context, Purpose::Stop);
    } else {
        forward_stop();
    }
}

/// Requests the stop through the signal thread, which enforces the grace and has the handlers run.
fn request_stop(context: &DaemonContext, purpose: Purpose) {
    match context.stops.first() {
        Some(signal) => context.signals.send(*signal, purpose).unwrap_or_else(|_| stop_flag::request_stop()),
        None => stop_flag::request_stop(),
    }
}

/// Forwards a stop that this daemon has received to its successor. From here on no restart is accepted.
pub(crate) fn forward_stop() {
    // Before the look at the successor: a restart that is not accepted yet finds the claim.
    stop_flag::claim_stop();
    if let Some(successor) = get() {
        successor.stop();
    }
}
