//! The service managers that this library writes for, and the two places of a service.

use std::fmt;
use std::str::FromStr;

/// A service manager.
///
/// ```
/// use daemon::cli::Manager;
///
/// assert_eq!("openrc".parse(), Ok(Manager::OpenRc));
/// assert_eq!(Manager::Systemd.to_string(), "systemd");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Manager {
    /// systemd: `systemctl`, units.
    Systemd,
    /// OpenRC: `rc-service`, scripts in `/etc/init.d`.
    OpenRc,
    /// s6: `s6-svc`, service directories below a scan directory.
    S6,
    /// runit: `sv`, service directories.
    Runit,
    /// launchd of macOS: `launchctl`, property lists. Its files are written, and were never run.
    Launchd,
}

/// A text that names none of the service managers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownManager(String);

/// The owner of a service: the machine or one user.
///
/// ```
/// use daemon::cli::Scope;
///
/// assert_eq!(Scope::User.to_string(), "user");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// A service of the machine, which its service manager starts at boot.
    System,
    /// A service of the user who installs it.
    User,
}

impl Manager {
    /// Returns every service manager that this library knows.
    pub fn all() -> [Manager; 5] {
        [Manager::Systemd, Manager::OpenRc, Manager::S6, Manager::Runit, Manager::Launchd]
    }

    /// Returns the name as the command line takes it, such as `systemd`.
    pub fn name(self) -> &'static str {
        match self {
            Manager::Systemd => "systemd",
            Manager::OpenRc => "openrc",
            Manager::S6 => "s6",
            Manager::Runit => "runit",
            Manager::Launchd => "launchd",
        }
    }
}

impl fmt::Display for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Manager {
    type Err = UnknownManager;

    fn from_str(name: &str) -> Result<Manager, UnknownManager> {
        Manager::all().into_iter().find(|manager| manager.name() == name).ok_or_else(|| UnknownManager(name.to_owned()))
    }
}

impl fmt::Display for UnknownManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = daemonize_sys::escape::escape(&self.0);
        write!(f, "`{name}` is not a known service manager: use systemd, openrc, s6, runit or launchd")
    }
}

impl std::error::Error for UnknownManager {}

impl Scope {
    /// Returns the name as the command line takes it, such as `system`.
    pub fn name(self) -> &'static str {
        match self {
            Scope::System => "system",
            Scope::User => "user",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
