//! An instance as part of a daemon, whose pidfile makes it the only one.

use super::Instance;
use daemonize_core::attach::{AttachContext, Attachment, Handle, Phase, Prepared};
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Attaches the endpoint, and runs `on_start` and `on_stop`.
impl Attachment for Instance {
    fn check(&self, context: &AttachContext) -> Result<(), Box<dyn Error>> {
        self.endpoint.check(context)
    }

    fn prepare(&self, context: &AttachContext) -> Result<Prepared, Box<dyn Error>> {
        let mut prepared = self.endpoint.prepare(context)?;
        // The requested TCP address first: clients that use sockets prefer the socket anyway.
        prepared.addresses.sort_by_key(|address| address.starts_with("unix:"));
        Ok(prepared)
    }

    fn start(&self, daemon: Handle) -> Result<(), Box<dyn Error>> {
        self.on_start.run();
        self.endpoint.start(daemon)
    }

    fn phase(&self, phase: Phase) {
        self.endpoint.phase(phase);
    }

    fn end(&self) {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.on_stop.run()));
        self.endpoint.end();
        // The daemon reports the panic, and exits with status 1.
        if let Err(panic) = outcome {
            resume_unwind(panic);
        }
    }
}
