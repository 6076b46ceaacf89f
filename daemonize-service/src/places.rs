//! The directories in which service managers look for services.

use crate::manager_kind::{Manager, Scope};
use crate::service_error::{ServiceError, ServiceErrorKind};
use daemonize_sys::account::home;
use std::path::{Path, PathBuf};

/// The directories of services, of this machine or of an image below another directory.
#[derive(Clone, Debug)]
pub struct Places {
    root: PathBuf,
    home: Option<PathBuf>,
}

impl Places {
    /// Returns the places of this machine. Those of a user are below the home directory of the passwd entry; `HOME` is not used.
    pub fn of_machine() -> Places {
        Places { root: PathBuf::from("/"), home: home() }
    }

    /// Returns the places of an image of a machine, whose root directory is `root`. An image has no services of users.
    pub fn of_image(root: impl Into<PathBuf>) -> Places {
        Places { root: root.into(), home: None }
    }

    /// Returns the places of this machine, with another home directory.
    #[cfg(test)]
    pub(crate) fn of_home(home: &str) -> Places {
        Places { root: PathBuf::from("/"), home: Some(home.into()) }
    }

    /// Returns the root directory: `/`, or that of the image.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns `true` for an image, where no service manager runs.
    pub fn is_image(&self) -> bool {
        self.root != Path::new("/")
    }

    /// Returns the home directory of the user who installs.
    pub(crate) fn home(&self) -> Result<&Path, ServiceError> {
        self.home.as_deref().ok_or_else(|| {
            ServiceError::new(
                ServiceErrorKind::Input,
                "a service of a user needs a home directory: this user has none, and an image has services of the machine only",
            )
        })
    }

    /// Returns the directory with the files of the services.
    ///
    /// # Errors
    /// Returns an error for a service of a user whose home directory is not known, and for OpenRC, which has no such services.
    pub fn directory(&self, manager: Manager, scope: Scope) -> Result<PathBuf, ServiceError> {
        let below = match (manager, scope) {
            (Manager::Systemd, Scope::System) => "etc/systemd/system",
            (Manager::Systemd, Scope::User) => ".config/systemd/user",
            (Manager::OpenRc, Scope::System) => "etc/init.d",
            (Manager::S6, Scope::System) => "etc/s6/sv",
            (Manager::S6, Scope::User) => ".config/s6",
            (Manager::Runit, Scope::System) => "etc/sv",
            (Manager::Runit, Scope::User) => ".config/sv",
            (Manager::Launchd, Scope::System) => "Library/LaunchDaemons",
            (Manager::Launchd, Scope::User) => "Library/LaunchAgents",
            (Manager::OpenRc, Scope::User) => {
                let text = "OpenRC has no services of users: install with `--system --run-as NAME`";
                return Err(ServiceError::new(ServiceErrorKind::Manager, text));
            }
        };
        match scope {
            Scope::System => {
                let directory = self.root.join(below);
                self.check_links(&directory)?;
                Ok(directory)
            }
            Scope::User => Ok(self.home()?.join(below)),
        }
    }

    /// Refuses a link on the way to a directory of an image, or in its place: it could lead to this machine.
    ///
    /// # Errors
    /// There is one.
    pub(crate) fn check_links(&self, path: &Path) -> Result<(), ServiceError> {
        let mut paths = path.ancestors().take_while(|path| *path != self.root && path.starts_with(&self.root));
        match paths.find(|path| self.is_image() && path.is_symlink()) {
            None => Ok(()),
            Some(path) => Err(ServiceError::new(
                ServiceErrorKind::ForeignFile,
                format!(
                    "refusing to write through `{}`: it is a symbolic link, which could lead out of the image",
                    path.display()
                ),
            )),
        }
    }

    /// Returns the directories that a supervisor scans for services, the first of which is the usual one. `None` if the directory of the
    /// services is scanned itself.
    pub fn scan_directories(&self, manager: Manager, scope: Scope) -> Option<Vec<PathBuf>> {
        let below: &[&str] = match (manager, scope) {
            (Manager::S6, Scope::System) => &["run/service", "service"],
            (Manager::Runit, Scope::System) => &["etc/service", "var/service", "service"],
            _ => return None,
        };
        Some(below.iter().map(|path| self.root.join(path)).collect())
    }

    /// Returns the directory in which a logger of a supervisor writes the output of the service.
    pub(crate) fn logger_directory(&self, manager: Manager, scope: Scope, name: &str) -> PathBuf {
        match (scope, &self.home) {
            // Not `/var/log/NAME`, which belongs to the daemon's user: a logger of root writes no file in a directory of another user.
            (Scope::System, _) | (Scope::User, None) => Path::new("/var/log").join(manager.name()).join(name),
            (Scope::User, Some(home)) => home.join(".local/state").join(manager.name()).join(name),
        }
    }
}
