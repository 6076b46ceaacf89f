//! An instance as part of a daemon: what makes it the only one is the daemon's own pidfile.

use super::{Instance, run};
use daemonize_core::{Attachment, Handle, Phase, Planned, Prepared};
use std::error::Error;

/// The endpoint, with what is run at its start and at its end.
impl Attachment for Instance {
    fn check(&self, plan: &Planned) -> Result<(), Box<dyn Error>> {
        self.endpoint.check(plan)
    }

    fn prepare(&self, plan: &Planned) -> Result<Prepared, Box<dyn Error>> {
        self.endpoint.prepare(plan)
    }

    fn start(&self, daemon: Handle) -> Result<(), Box<dyn Error>> {
        run(&self.on_start);
        self.endpoint.start(daemon)
    }

    fn phase(&self, phase: Phase) {
        self.endpoint.phase(phase);
    }

    fn end(&self) {
        run(&self.on_stop);
        self.endpoint.end();
    }
}
