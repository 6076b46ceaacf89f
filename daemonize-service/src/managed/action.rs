//! The actions that a service manager performs for a daemon.

/// An action of a service manager on one of its services.
///
/// ```
/// use daemon::cli::Action;
///
/// assert_eq!(Action::TryRestart.name(), "try-restart");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Starts the service.
    Start,
    /// Stops the service.
    Stop,
    /// Stops the service if it runs, and starts it.
    Restart,
    /// Restarts the service if it runs.
    TryRestart,
    /// Makes the service read its configuration again.
    Reload,
}

impl Action {
    /// Returns the name, which is the verb of `systemctl` and of LSB init scripts.
    pub fn name(self) -> &'static str {
        match self {
            Action::Start => "start",
            Action::Stop => "stop",
            Action::Restart => "restart",
            Action::TryRestart => "try-restart",
            Action::Reload => "reload",
        }
    }
}
