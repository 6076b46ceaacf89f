//! Ends an instance after a signal, a request to stop, or when the guard is dropped.
//!
//! One thread owns all resources of the instance and waits for a request to stop. So the instance ends once, and never on the
//! thread of the endpoint, which must be ended, too.

use super::hook::HookFn;
use super::signals::SignalWatch;
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

/// The resources of an instance, which are released at its end.
pub(crate) struct InstanceResources {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) lock: PidFile,
    pub(crate) on_stop: Option<HookFn>,
}

/// Requests the end of the instance, and waits for it.
#[derive(Debug)]
pub(crate) struct StopRequest {
    stopping: AtomicBool,
    ended: Mutex<bool>,
    changed: Condvar,
    /// The payload with which `on_stop` panicked, until the panic is resumed in a waiting thread.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    /// Number of threads that wait for the end, or are going to. While it is not zero, a signal does not end the process.
    waiting: AtomicUsize,
    waker: Handle,
}

impl StopRequest {
    pub(crate) fn new(watch: &SignalWatch, waits: bool) -> Arc<StopRequest> {
        Arc::new(StopRequest {
            stopping: AtomicBool::new(false),
            ended: Mutex::new(false),
            changed: Condvar::new(),
            panic: Mutex::default(),
            waiting: AtomicUsize::new(usize::from(waits)),
            waker: watch.waker(),
        })
    }

    /// Waits until the instance has ended. Panics if `on_stop` panicked.
    pub(crate) fn wait(&self) {
        self.waiting.fetch_add(1, SeqCst);
        let ended = lock(&self.ended);
        drop(self.changed.wait_while(ended, |ended| !*ended));
        self.waiting.fetch_sub(1, SeqCst);
        self.resume_panic();
    }

    /// Resumes the panic of `on_stop` in this thread, once.
    pub(crate) fn resume_panic(&self) {
        let panic = lock(&self.panic).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    fn report_end(&self, outcome: thread::Result<()>) {
        *lock(&self.panic) = outcome.err();
        *lock(&self.ended) = true;
        self.changed.notify_all();
    }
}

impl ProcessControl for StopRequest {
    fn stop(&self) {
        self.stopping.store(true, SeqCst);
        self.waker.close();
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(SeqCst)
    }
}

/// Spawns the thread that waits for a request to stop, and then ends the instance.
pub(crate) fn spawn_shutdown_thread(
    resources: InstanceResources,
    mut watch: SignalWatch,
    stop: Arc<StopRequest>,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("instance".into()).spawn(move || {
        let signal = watch.wait();
        stop.stopping.store(true, SeqCst);
        // A program that waits for the end continues after it. Any other program has no handler for the signal, and is killed by it.
        let is_awaited = stop.waiting.load(SeqCst) > 0;
        let outcome = resources.end();
        watch.end(signal.filter(|_| !is_awaited), is_awaited);
        stop.report_end(outcome);
    })
}

impl InstanceResources {
    /// Runs `on_stop` first, while all resources still exist, and releases the lock last, so that no other instance starts too
    /// early. Returns the panic of `on_stop`, if any.
    fn end(self) -> thread::Result<()> {
        self.endpoint.phase(Phase::Stopping);
        // The other resources are released even after a panic.
        let outcome = match self.on_stop {
            Some(on_stop) => catch_unwind(AssertUnwindSafe(on_stop)),
            None => Ok(()),
        };
        self.endpoint.end();
        if let Err(error) = self.lock.release() {
            log::warn!("{error}");
        }
        outcome
    }
}
