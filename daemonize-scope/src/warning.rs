//! The lines that say with what a daemon ends.

use crate::placement::Placement;
use crate::report::Report;
use daemonize_sys::escape::escape;

/// Advises a user without linger.
const LINGER_ADVICE: &str = "`loginctl enable-linger` keeps it";

/// Returns the warning for a daemon that stays, without an attempt to leave; `None` if there is nothing to say.
pub(crate) fn without_attempt(placement: &Placement, is_unified: bool) -> Option<String> {
    match placement {
        Placement::SlurmStep(step) => Some(format!("ends with the Slurm step {step}")),
        Placement::Container => Some("ends with the container that it runs in".to_owned()),
        Placement::Session(id) if !is_unified => {
            Some(format!("may end with session {id}: leaving its scope needs a system with cgroup v2 alone"))
        }
        Placement::Session(_) | Placement::Application(_) | Placement::Other => None,
    }
}

/// Returns the warning after an attempt; `None` if the daemon outlives the sessions.
pub(crate) fn after_attempt(placement: &Placement, report: &Report) -> Option<String> {
    match (report, placement) {
        (Report::Moved { lingers: Some(false) }, _) => {
            Some(format!("ends with the user's last session; {LINGER_ADVICE}"))
        }
        (Report::Stays, Placement::Session(id)) => Some(format!(
            "stays in session {id}: elsewhere it would end with the user's last session; `loginctl enable-linger` lets it leave"
        )),
        (Report::Moved { .. } | Report::Stays, _) => None,
        (Report::Failed { kills, cause }, Placement::Session(id)) => {
            let verb = if *kills == Some(true) { "ends" } else { "may end" };
            Some(format!("{verb} with session {id}, whose scope it could not leave: {cause}"))
        }
        (Report::Failed { cause, .. }, Placement::Application(unit)) => {
            Some(format!("ends with `{}`, which it could not leave: {cause}", escape(unit)))
        }
        (Report::Failed { cause, .. }, _) => Some(cause.clone()),
    }
}
