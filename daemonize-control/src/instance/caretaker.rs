//! Who ends an instance, whichever way its end comes: a signal, a request, the guard that is dropped.
//!
//! One thread has all that is to be ended and waits; whoever wants the end tells it. So it comes once, and never in the
//! thread of the endpoint, which is among what ends.

use crate::endpoint::Endpoint;
use daemonize_core::{Attachment, Obey, Phase, PidFile};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;
use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// What is run once when the instance ends.
pub(crate) type OnStop = Box<dyn FnOnce() + Send>;

/// All that is to be ended.
pub(crate) struct Charge {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) lock: PidFile,
    pub(crate) on_stop: Option<OnStop>,
}

/// How the end is asked for, and awaited.
#[derive(Debug)]
pub(crate) struct Asked {
    stopping: AtomicBool,
    ended: Mutex<bool>,
    changed: Condvar,
    /// How many threads wait for the end, or are going to: their program goes on after a signal.
    waiting: AtomicUsize,
    waker: Handle,
}

/// The signals that end an instance, as long as they are watched.
pub(crate) struct Watch {
    signals: Signals,
    /// Those that would have ended the process.
    fatal: Vec<i32>,
}

impl Watch {
    /// Watches those that this process does not ignore.
    pub(crate) fn begin() -> io::Result<Watch> {
        let (ignored, caught) = (set("SigIgn"), set("SigCgt"));
        let heard: Vec<i32> = [SIGTERM, SIGINT, SIGHUP].into_iter().filter(|signal| !is_in(ignored, *signal)).collect();
        let fatal = heard.iter().copied().filter(|signal| !is_in(caught, *signal)).collect();
        Ok(Watch { signals: Signals::new(heard)?, fatal })
    }
}

/// One of the sets of signals in `/proc/self/status`.
fn set(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(0)
}

fn is_in(set: u64, signal: i32) -> bool {
    set >> (signal - 1) & 1 == 1
}

impl Asked {
    pub(crate) fn new(watch: &Watch, waits: bool) -> Arc<Asked> {
        Arc::new(Asked {
            stopping: AtomicBool::new(false),
            ended: Mutex::new(false),
            changed: Condvar::new(),
            waiting: AtomicUsize::new(usize::from(waits)),
            waker: watch.signals.handle(),
        })
    }

    /// Waits until all has ended.
    pub(crate) fn wait(&self) {
        self.waiting.fetch_add(1, SeqCst);
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_while(ended, |ended| !*ended));
        self.waiting.fetch_sub(1, SeqCst);
    }

    fn tell_end(&self) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }
}

impl Obey for Asked {
    fn stop(&self) {
        self.stopping.store(true, SeqCst);
        self.waker.close();
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(SeqCst)
    }
}

/// Has a thread wait for the end, and bring it about.
pub(crate) fn take_care(charge: Charge, mut watch: Watch, asked: Arc<Asked>) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("instance".into()).spawn(move || {
        let signal = watch.signals.forever().next();
        asked.stopping.store(true, SeqCst);
        // Whoever waits now goes on when all has ended; a program that knows nothing of the signal dies of it.
        let fatal = signal.filter(|signal| watch.fatal.contains(signal) && asked.waiting.load(SeqCst) == 0);
        charge.end();
        asked.tell_end();
        if let Some(signal) = fatal {
            let _ = emulate_default_handler(signal);
        }
    })
}

impl Charge {
    /// First what the user wants to do, while all is still there; last the lock, so that nobody follows too early.
    fn end(self) {
        self.endpoint.phase(Phase::Stopping);
        if let Some(on_stop) = self.on_stop {
            // A panic is told by its hook; what follows has to be done all the same.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(on_stop));
        }
        self.endpoint.end();
        if let Err(error) = self.lock.release() {
            log::warn!("{error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_signals_are_read() {
        assert!(is_in(0b100_0000_0000_0000, 15) && !is_in(0b100_0000_0000_0000, 14));
        // SIGPIPE (13): the runtime of every Rust program ignores it.
        assert!(is_in(set("SigIgn"), 13) && !is_in(set("SigIgn"), SIGTERM));
    }
}
