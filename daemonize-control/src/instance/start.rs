//! Starts the instance in this process.

use super::shutdown::{InstanceResources, StopRequest, spawn_shutdown_thread};
use super::signals::SignalWatch;
use super::{Instance, Running};
use crate::client::Client;
use crate::client::error::{Error, ErrorKind, Result};
use crate::endpoint::Endpoint;
use daemonize_core::PidFile;
use daemonize_core::attach::{AttachContext, Attachment, Handle, Phase, Prepared, ProcessControl};
use std::fmt::Display;
use std::sync::Arc;

impl Instance {
    /// Makes this process the instance, which answers requests in the background until the guard is dropped.
    ///
    /// # Errors
    /// `AlreadyRunning`, with [a client](Error::client) of the running instance; `Unresponsive`, if another process holds the lock but
    /// does not respond; or the reason why this process cannot be the instance.
    pub fn start(self) -> Result<Running> {
        let lock = self.acquire_lock()?;
        self.start_locked(lock, false)
    }

    /// Makes this process the instance, and returns when the instance has ended.
    ///
    /// # Errors
    /// As [`start`](Instance::start).
    pub fn run_forever(self) -> Result<()> {
        let lock = self.acquire_lock()?;
        self.start_locked(lock, true)?.wait();
        Ok(())
    }

    /// Starts the instance with the lock held. With `waits`, the caller is going to wait for the end, so a signal ends the
    /// instance but not the process.
    pub(super) fn start_locked(self, lock: PidFile, waits: bool) -> Result<Running> {
        let pidfile = lock.path().to_owned();
        self.on_start.run();
        let Prepared { addresses, .. } = self
            .prepare(&AttachContext::foreground(&self.name, &pidfile))
            .map_err(|error| start_failed(&self.name, &error))?;
        let endpoint = Arc::new(self.endpoint);
        let cleanup = EndOnDrop(&endpoint);
        let watch = SignalWatch::begin().map_err(|error| start_failed(&self.name, &error))?;
        let stop = StopRequest::new(&watch, waits);
        let control: Arc<dyn ProcessControl> = stop.clone();
        let handle = Handle::foreground(&self.name, &pidfile, addresses.clone(), control);
        endpoint.start(handle).map_err(|error| start_failed(&self.name, &error))?;
        endpoint.phase(Phase::Ready);
        // The addresses are written when the endpoint answers: a client that reads them must be able to connect.
        let lock = lock.seal_with(&addresses).map_err(|error| start_failed(&self.name, &error))?;
        let resources = InstanceResources { endpoint: Arc::clone(&endpoint), lock, on_stop: self.on_stop.take() };
        let shutdown_thread = spawn_shutdown_thread(resources, watch, Arc::clone(&stop))
            .map_err(|error| start_failed(&self.name, &error))?;
        std::mem::forget(cleanup);
        let address = addresses.into_iter().next().unwrap_or_default();
        let client = Client::exactly(&pidfile);
        Ok(Running { client, address, handlers: endpoint.handlers(), stop, shutdown_thread: Some(shutdown_thread) })
    }
}

/// Ends the endpoint if the start fails.
struct EndOnDrop<'a>(&'a Endpoint);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn start_failed(name: &str, why: &dyn Display) -> Error {
    Error::failed(ErrorKind::Start, "start instance", name, why)
}
