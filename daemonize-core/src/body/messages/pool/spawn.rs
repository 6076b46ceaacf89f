//! Brings workers to queued messages: unparks idle workers and spawns worker threads.

use super::state::WakeAction;
use super::{Pool, SPAWN_RETRY_INTERVAL};
use crate::body::BodyResult;
use crate::body::messages::ack::Ack;
use crate::mutex;
use crate::report;
use crate::thread::spawn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::Instant;

impl<T, A, H> Pool<T, A, H>
where
    T: Send + 'static,
    A: Ack,
    H: Fn(T) -> BodyResult + Send + Sync + 'static,
{
    /// Wakes or spawns a worker. Returns `false` if no worker could be spawned.
    pub(super) fn perform(self: &Arc<Self>, action: WakeAction) -> bool {
        match action {
            WakeAction::None => {}
            WakeAction::Unpark(thread) => thread.unpark(),
            WakeAction::Spawn(index) => {
                let pool = Arc::clone(self);
                match spawn("daemon-worker", move || pool.run_worker(index)) {
                    Ok(worker) => self.track_thread(worker),
                    Err(error) => {
                        self.spawn_failed(index, &error);
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Keeps the handle of a thread, which [`drain`](Pool::drain) joins.
    pub(super) fn track_thread(&self, worker: JoinHandle<()>) {
        let mut threads = mutex::lock(&self.threads);
        threads.retain(|thread| !thread.is_finished());
        threads.push(worker);
    }

    fn spawn_failed(self: &Arc<Self>, index: usize, error: &io::Error) {
        let mut state = self.lock();
        state.spawn_failed(index, Instant::now() + SPAWN_RETRY_INTERVAL);
        let workers = state.workers();
        // A message may have been queued meanwhile without waking a worker, as this one counted as searching.
        let action = state.wake_idle();
        drop(state);
        self.perform(action);
        if !self.spawn_failure_reported.swap(true, Relaxed) {
            report::error(&format!("failed to spawn one more worker thread, going on with {workers}: {error}"));
        }
    }
}
