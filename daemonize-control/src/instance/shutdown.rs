//! Who ends an instance, whichever way its end comes: a signal, a request, the guard that is dropped.
//!
//! One thread has all that is to be ended and waits; whoever wants the end tells it. So it comes once, and never in the
//! thread of the endpoint, which is among what ends.

use super::watch::Watch;
use crate::endpoint::Endpoint;
use daemonize_core::PidFile;
use daemonize_core::attach::{Attachment, Phase, ProcessControl};
use daemonize_sys::mutex::lock;
use signal_hook::iterator::Handle;
use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
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
    /// The payload with which `on_stop` panicked, until the panic goes on in a thread that waits.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    /// How many threads wait for the end, or are going to: their program goes on after a signal.
    waiting: AtomicUsize,
    waker: Handle,
}

impl Asked {
    pub(crate) fn new(watch: &Watch, waits: bool) -> Arc<Asked> {
        Arc::new(Asked {
            stopping: AtomicBool::new(false),
            ended: Mutex::new(false),
            changed: Condvar::new(),
            panic: Mutex::default(),
            waiting: AtomicUsize::new(usize::from(waits)),
            waker: watch.waker(),
        })
    }

    /// Waits until all has ended. Panics as `on_stop` did, if it did.
    pub(crate) fn wait(&self) {
        self.waiting.fetch_add(1, SeqCst);
        let ended = lock(&self.ended);
        drop(self.changed.wait_while(ended, |ended| !*ended));
        self.waiting.fetch_sub(1, SeqCst);
        self.resume_panic();
    }

    /// Goes on with the panic of `on_stop` in this thread, once.
    pub(crate) fn resume_panic(&self) {
        let panic = lock(&self.panic).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    fn tell_end(&self, outcome: thread::Result<()>) {
        *lock(&self.panic) = outcome.err();
        *lock(&self.ended) = true;
        self.changed.notify_all();
    }
}

impl ProcessControl for Asked {
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
        let signal = watch.wait();
        asked.stopping.store(true, SeqCst);
        // Whoever waits now goes on when all has ended; a program that knows nothing of the signal dies of it.
        let goes_on = asked.waiting.load(SeqCst) > 0;
        let outcome = charge.end();
        watch.end(signal.filter(|_| !goes_on), goes_on);
        asked.tell_end(outcome);
    })
}

impl Charge {
    /// Runs `on_stop` first, while everything is still there, and frees the lock last, so that no other instance starts too early. Returns
    /// what `on_stop` panicked with.
    fn end(self) -> thread::Result<()> {
        self.endpoint.phase(Phase::Stopping);
        // A panic does not keep the rest from being done.
        let outcome = self.on_stop.map_or(Ok(()), |on_stop| catch_unwind(AssertUnwindSafe(on_stop)));
        self.endpoint.end();
        if let Err(error) = self.lock.release() {
            log::warn!("{error}");
        }
        outcome
    }
}
