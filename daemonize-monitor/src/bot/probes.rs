//! The check of a bot, and the programs by which it is found out whether the bot is ready and healthy.

use super::{Bot, Check, Probe, Ready};
use std::ffi::OsString;

impl Bot {
    /// Sets the check that is made while the bot runs; none by default.
    #[must_use]
    pub fn health_check(mut self, check: Check) -> Bot {
        self.check = Some(Box::new(check));
        self
    }

    /// Returns the programs, with their arguments, by which the bot is checked, with the keys that say so.
    pub(crate) fn probe_programs(&self) -> impl Iterator<Item = (&'static str, &[OsString])> {
        let ready = match &self.ready {
            Ready::Exec(argv) => Some(("ready", argv.as_slice())),
            _ => None,
        };
        let check = self.check.as_deref().and_then(|check| match &check.probe {
            Probe::Exec(argv) => Some(("check", argv.as_slice())),
            _ => None,
        });
        ready.into_iter().chain(check)
    }

    /// Validates how the bot is checked.
    pub(super) fn validate_probes(&self) -> Result<(), &'static str> {
        let has_no_program = |(_, argv): (&str, &[OsString])| argv.first().is_none_or(|program| program.is_empty());
        match self.check.as_deref() {
            _ if self.probe_programs().any(has_no_program) => Err("is checked by a program without a name"),
            Some(check) if check.every.is_zero() => Err("is checked every 0s"),
            Some(check) if check.timeout.is_zero() => Err("has a check with a timeout of zero"),
            Some(check) if check.failures == 0 => Err("has a check of which none may fail: write 1 or more"),
            _ => Ok(()),
        }
    }
}
