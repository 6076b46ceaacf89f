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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warning_names_the_end_and_the_remedy() {
        let session = Placement::Session("4".into());
        let window = Placement::Application("vte-spawn-1.scope".into());
        let failed = |kills| Report::Failed { kills, cause: "no bus".into() };
        for (placement, report, expected) in [
            (&session, Report::Moved { lingers: Some(true) }, ""),
            (&session, Report::Moved { lingers: None }, ""),
            (
                &window,
                Report::Moved { lingers: Some(false) },
                "ends with the user's last session; `loginctl enable-linger` ",
            ),
            (
                &session,
                Report::Stays,
                "stays in session 4: elsewhere it would end with the user's last session; `loginctl",
            ),
            (&session, failed(Some(true)), "ends with session 4, whose scope it could not leave: no bus"),
            (&session, failed(None), "may end with session 4, whose scope it could not leave: no bus"),
            (&window, failed(None), "ends with `vte-spawn-1.scope`, which it could not leave: no bus"),
        ] {
            let warning = after_attempt(placement, &report).unwrap_or_default();
            assert!(warning.starts_with(expected) && warning.is_empty() == expected.is_empty(), "{warning}");
        }
    }

    #[test]
    fn daemon_that_stays_without_an_attempt_says_why() {
        let said = |placement, is_unified| without_attempt(&placement, is_unified).unwrap_or_default();
        assert_eq!(said(Placement::SlurmStep("job_1/step_0".into()), true), "ends with the Slurm step job_1/step_0");
        assert_eq!(said(Placement::Container, false), "ends with the container that it runs in");
        assert!(said(Placement::Session("4".into()), false).starts_with("may end with session 4: "));
        assert_eq!(said(Placement::Other, true), "");
    }
}
