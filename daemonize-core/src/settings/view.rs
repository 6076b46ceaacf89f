//! The settings of a daemon, for programs that describe it to others.

use super::{EndsWith, Settings, Stdio};
use crate::capability::Capability;
use crate::error::Result;
use crate::stage::Stage;
use std::path::Path;
use std::time::Duration;

/// The settings that a [`Daemon`](crate::Daemon) was given, read by [`Daemon::settings`](crate::Daemon::settings). `None` means that a setting was not
/// given.
#[derive(Clone, Copy)]
pub struct SettingsView<'a>(&'a Settings);

impl<'a> SettingsView<'a> {
    pub(crate) fn new(settings: &'a Settings) -> SettingsView<'a> {
        SettingsView(settings)
    }

    /// Returns the name.
    pub fn name(&self) -> &'a str {
        &self.0.name
    }

    /// Fails with a mistake in the name or in a path, which every verb reports.
    ///
    /// ```
    /// use daemon::{Daemon, ErrorKind};
    ///
    /// let error = Daemon::new("web").pidfile("").settings().check().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Configuration);
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration).
    pub fn check(&self) -> Result<()> {
        self.0.check_name()
    }

    /// Returns the path of the pidfile, if one was set.
    pub fn pidfile(&self) -> Option<&'a Path> {
        self.0.pidfile.as_deref()
    }

    /// Returns `true` if the daemon runs without a pidfile.
    pub fn has_no_pidfile(&self) -> bool {
        self.0.no_pidfile
    }

    /// Returns the user to change to, by name or number.
    pub fn user(&self) -> Option<&'a str> {
        self.0.user.as_deref()
    }

    /// Returns the group to change to, by name or number.
    pub fn group(&self) -> Option<&'a str> {
        self.0.group.as_deref()
    }

    /// Returns the capabilities that the daemon keeps.
    pub fn capabilities(&self) -> &'a [Capability] {
        &self.0.capabilities
    }

    /// Returns the new root directory.
    pub fn chroot(&self) -> Option<&'a Path> {
        self.0.chroot.as_deref()
    }

    /// Returns the working directory.
    pub fn working_directory(&self) -> Option<&'a Path> {
        self.0.working_directory.as_deref()
    }

    /// Returns the umask.
    pub fn umask(&self) -> Option<u32> {
        self.0.umask
    }

    /// Returns the path of the log file, if one was set.
    pub fn log(&self) -> Option<&'a Path> {
        match self.0.log_target() {
            Some(Stdio::File(path)) => Some(path),
            _ => None,
        }
    }

    /// Returns the limit of a start.
    pub fn start_timeout(&self) -> Duration {
        self.0.start_timeout
    }

    /// Returns how long `stop` waits before it kills the daemon.
    pub fn stop_timeout(&self) -> Option<Duration> {
        self.0.stop_timeout
    }

    /// Returns how long handlers and body may run after a stop signal.
    pub fn grace(&self) -> Option<Duration> {
        self.0.grace
    }

    /// Returns the process with which the daemon ends.
    pub fn ends_with(&self) -> Option<EndsWith> {
        self.0.ends_with
    }

    /// Returns `true` if a hook runs instead of the stage.
    pub fn replaces(&self, stage: Stage) -> bool {
        self.0.hooks.replaces(stage)
    }

    /// Returns `true` if the daemon has an attachment, such as an endpoint.
    pub fn has_attachments(&self) -> bool {
        !self.0.attachments.is_empty()
    }
}
