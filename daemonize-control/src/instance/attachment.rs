//! An instance as part of a daemon: what makes it the only one is the daemon's own pidfile.

use super::{Instance, in_order, run};
use daemonize_core::attach::{AttachContext, Attachment, Handle, Phase, Prepared};
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The endpoint, with what is run at its start and at its end.
impl Attachment for Instance {
    fn check(&self, plan: &AttachContext) -> Result<(), Box<dyn Error>> {
        self.endpoint.check(plan)
    }

    fn prepare(&self, plan: &AttachContext) -> Result<Prepared, Box<dyn Error>> {
        let mut prepared = self.endpoint.prepare(plan)?;
        prepared.addresses = in_order(std::mem::take(&mut prepared.addresses));
        Ok(prepared)
    }

    fn start(&self, daemon: Handle) -> Result<(), Box<dyn Error>> {
        run(&self.on_start);
        self.endpoint.start(daemon)
    }

    fn phase(&self, phase: Phase) {
        self.endpoint.phase(phase);
    }

    fn end(&self) {
        let outcome = catch_unwind(AssertUnwindSafe(|| run(&self.on_stop)));
        self.endpoint.end();
        // The daemon reports it, and its exit status is 1.
        if let Err(panic) = outcome {
            resume_unwind(panic);
        }
    }
}
