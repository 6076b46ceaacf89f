//! The attachment that takes a daemon out of the scope of a session.

use crate::cgroup::Cgroup;
use crate::helper;
use crate::placement::Placement;
use crate::report::Report;
use crate::unit::Unit;
use crate::warning;
use daemonize_core::Pid;
use daemonize_core::attach::{AttachContext, Attachment, Handle, Prepared};
use daemonize_sys::paths::started_by_systemd;
use nix::unistd::Uid;
use std::error::Error;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// Takes a daemon out of the systemd scope of the terminal or ssh session that happened to start it.
///
/// systemd kills the processes of a scope when it is stopped: when the terminal's window is closed, or at the logout. While the daemon
/// starts, a helper process asks the user's service manager by D-Bus for a transient scope, `app-NAME-PID.scope` in `app.slice`; for root,
/// the system's manager, and `system.slice`. The attempt takes at most 2 s, and fails no start.
///
/// The daemon stays where it is if it does not detach, if a service manager has started it or its caller, and if it would not live longer
/// in a scope of its own. Without linger (`loginctl enable-linger`) the user's manager, and all that it has started, ends with the user's
/// last session. A [warning](#warnings) says with what the daemon ends.
///
/// # Warnings
///
/// One line in [`Prepared::warnings`], and so in `Started::warnings`, in `Daemon::status` and on stderr:
///
/// * "ends with the user's last session": it has left the session, but the user does not linger.
/// * "stays in session 4": `KillUserProcesses=no` keeps a session's processes, and without linger the user's manager would not.
/// * "ends with session 4" or "may end with session 4": it could not leave, and why.
/// * "ends with the Slurm step `job_12/step_0`", "ends with the container that it runs in".
///
/// ```no_run
/// use daemon::Daemon;
/// use daemon::scope::Scope;
///
/// let body = || { /* … */ };
/// let started = Daemon::new("agent").attach(Scope::new()).run(body).start()?;
/// for warning in &started.warnings {
///     eprintln!("agent {warning}");
/// }
/// # Ok::<(), daemon::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Scope {
    /// The pid of the launcher; 0 if systemd has started it. A daemon that does not detach is its own launcher.
    launcher: AtomicI32,
}

impl Scope {
    /// Makes the attachment.
    #[must_use]
    pub fn new() -> Scope {
        Scope::default()
    }

    /// Returns `true` if this process was detached from a launcher that systemd has not started.
    fn is_detached(&self) -> bool {
        let launcher = self.launcher.load(Relaxed);
        launcher != 0 && launcher != Pid::this().as_raw()
    }
}

impl Attachment for Scope {
    fn check(&self, _: &AttachContext) -> Result<(), Box<dyn Error>> {
        let launcher = if started_by_systemd() { 0 } else { Pid::this().as_raw() };
        self.launcher.store(launcher, Relaxed);
        Ok(())
    }

    fn prepare(&self, plan: &AttachContext) -> Result<Prepared, Box<dyn Error>> {
        let mut prepared = Prepared::default();
        if self.is_detached() {
            // Without /proc, nothing is known of the cgroup.
            if let Ok(Some(cgroup)) = Cgroup::of_this_process() {
                prepared.warnings.extend(leave(plan.name(), &cgroup));
            }
        }
        Ok(prepared)
    }

    fn start(&self, _: Handle) -> Result<(), Box<dyn Error>> {
        Ok(())
    }
}

/// Leaves the scope of a session. Returns the warning.
fn leave(name: &str, cgroup: &Cgroup) -> Option<String> {
    let placement = Placement::of(cgroup);
    if !cgroup.is_unified || !matches!(placement, Placement::Session(_) | Placement::Application(_)) {
        return warning::without_attempt(&placement, cgroup.is_unified);
    }
    let unit = Unit::of_daemon(name, Pid::this(), Uid::effective());
    let report = verified(helper::ask(&unit, &placement), &unit);
    warning::after_attempt(&placement, &report)
}

/// Checks that this process is in its scope, if the manager says so.
fn verified(report: Report, unit: &Unit) -> Report {
    let is_there =
        || Cgroup::of_this_process().is_ok_and(|cgroup| cgroup.is_some_and(|cgroup| cgroup.is_in(&unit.name)));
    if matches!(report, Report::Moved { .. }) && !is_there() {
        return Report::failed(format!("the manager has not moved it to `{}`", unit.name));
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manager_that_lies_is_not_believed() {
        let unit = Unit::of_daemon("agent", Pid::this(), Uid::effective());
        for lingers in [None, Some(true)] {
            let report = verified(Report::Moved { lingers }, &unit);
            assert!(matches!(&report, Report::Failed { cause, .. } if cause.contains(&unit.name)), "{report:?}");
        }
        assert_eq!(verified(Report::Stays, &unit), Report::Stays);
    }

    #[test]
    fn process_that_was_not_detached_makes_no_attempt() {
        let (scope, plan) = (Scope::new(), AttachContext::foreground("agent", "/run/agent.pid"));
        assert!(!scope.is_detached());
        scope.check(&plan).unwrap();
        assert!(!scope.is_detached());
        assert_eq!(scope.prepare(&plan).unwrap(), Prepared::default());
    }
}
