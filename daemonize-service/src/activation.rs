//! The commands of service managers around the files: read them, enable, start, stop, disable.

use crate::manager_kind::{Manager, Scope};
use crate::places::Places;
use crate::service_error::ServiceError;
use crate::supervised_directory::SupervisedDirectory;
use crate::tool_call::{TOOL_TIMEOUT, call};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// The run level in which OpenRC's services are (`rc-update(8)`).
const RUN_LEVEL: &str = "default";

/// The targets that want our units.
pub(crate) const TARGETS: &[&str] = &["multi-user.target", "default.target", "sockets.target"];

/// The commands for one service.
#[derive(Debug)]
pub(crate) struct Activation<'a> {
    pub(crate) manager: Manager,
    pub(crate) scope: Scope,
    pub(crate) places: &'a Places,
    pub(crate) name: &'a str,
    /// The names of systemd's units, the service first.
    pub(crate) units: Vec<String>,
    /// The longest time that a start or a stop may take.
    pub(crate) within: Duration,
}

type Outcome = Result<(), ServiceError>;

impl Activation<'_> {
    /// Makes the service manager read the files.
    pub(crate) fn read_files(&self) -> Outcome {
        match self.manager {
            Manager::Systemd if !self.places.is_image() => self.systemctl(&["daemon-reload"]).map(drop),
            _ => Ok(()),
        }
    }

    /// Makes the service start at boot, or at the login of its user.
    pub(crate) fn enable(&self) -> Outcome {
        match self.manager {
            Manager::Systemd => {
                // In these directories `systemctl` makes its links.
                let above = self.places.directory(self.manager, self.scope)?;
                TARGETS
                    .iter()
                    .try_for_each(|target| self.places.check_links(&above.join(format!("{target}.wants"))))?;
                self.systemctl_units("enable", &self.units)
            }
            Manager::OpenRc if !self.places.is_image() => {
                call("rc-update", ["--quiet", "add", self.name, RUN_LEVEL], TOOL_TIMEOUT).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Undoes [`Activation::enable`], and the link of a service directory.
    pub(crate) fn disable(&self) -> Outcome {
        match self.manager {
            Manager::Systemd => self.check_links().and_then(|()| self.systemctl_units("disable", &self.units)),
            Manager::OpenRc if !self.places.is_image() && self.is_in_run_level() => {
                call("rc-update", ["--quiet", "del", self.name, RUN_LEVEL], TOOL_TIMEOUT).map(drop)
            }
            Manager::S6 | Manager::Runit => self.supervised()?.unlink(),
            _ => Ok(()),
        }
    }

    /// Starts the service. With `is_changed`, one that runs is restarted.
    pub(crate) fn start(&self, is_changed: bool) -> Outcome {
        let verb = if is_changed { "restart" } else { "start" };
        match self.manager {
            Manager::Systemd => {
                // A service that owns sockets is started with them, so that it receives them.
                let is_socket = |unit: &&String| unit.ends_with(".socket");
                let sockets: Vec<String> = self.units.iter().filter(is_socket).cloned().collect();
                if !sockets.is_empty() && self.active_state().is_none_or(|state| state != "active") {
                    self.systemctl_units("start", &sockets)?;
                }
                self.start_unit(verb)
            }
            Manager::OpenRc => call("rc-service", [self.name, verb], self.within).map(drop),
            Manager::S6 | Manager::Runit => self.supervised()?.link(),
            Manager::Launchd => Ok(()),
        }
    }

    /// Stops the service.
    pub(crate) fn stop(&self) -> Outcome {
        match self.manager {
            _ if self.places.is_image() => Ok(()),
            Manager::Systemd => self.systemctl_units("stop", &self.units),
            Manager::OpenRc => call("rc-service", ["--ifstarted", self.name, "stop"], self.within).map(drop),
            Manager::S6 | Manager::Runit => self.supervised()?.stop(self.within),
            Manager::Launchd => Ok(()),
        }
    }

    /// Forgets the service, whose files were removed: a failure of systemd's unit, the supervisors of a service directory.
    pub(crate) fn forget(&self) {
        match self.manager {
            _ if self.places.is_image() => {}
            Manager::Systemd => {
                // Fails for a unit that systemd does not know any more, which is as it should be.
                let _ = self.systemctl_units("reset-failed", &self.units);
            }
            Manager::S6 | Manager::Runit => {
                let _ = self.supervised().map(|directory| directory.end_supervision());
            }
            Manager::OpenRc | Manager::Launchd => {}
        }
    }

    /// Returns the state of [`Activation::enable`], as the service manager calls it.
    pub(crate) fn enabled_state(&self) -> Option<String> {
        let word = |is_enabled| Some(if is_enabled { "enabled" } else { "disabled" }.to_owned());
        match self.manager {
            Manager::Systemd => {
                let unit = &*self.units[0];
                let shown = if self.places.is_image() {
                    self.systemctl(&["is-enabled", unit])
                } else {
                    self.systemctl(&["show", "--property=UnitFileState", "--value", unit])
                };
                shown.ok().map(|state| state.trim().to_owned()).filter(|state| !state.is_empty())
            }
            Manager::OpenRc => word(self.is_in_run_level()),
            Manager::S6 | Manager::Runit => word(self.supervised().is_ok_and(|directory| directory.is_linked())),
            Manager::Launchd => None,
        }
    }

    /// Returns the state of the service, as the service manager calls it.
    pub(crate) fn active_state(&self) -> Option<String> {
        match self.manager {
            _ if self.places.is_image() => None,
            Manager::Systemd => {
                let shown = self.systemctl(&["show", "--property=ActiveState", "--value", &self.units[0]]);
                shown.ok().map(|state| state.trim().to_owned()).filter(|state| !state.is_empty())
            }
            Manager::OpenRc => {
                let is_started = Path::new("/run/openrc/started").join(self.name).symlink_metadata().is_ok();
                Some(if is_started { "started" } else { "stopped" }.to_owned())
            }
            Manager::S6 | Manager::Runit => self.supervised().ok()?.state(),
            Manager::Launchd => None,
        }
    }

    /// Refuses directories of an image, in which `systemctl` makes and removes its links, that are links themselves.
    fn check_links(&self) -> Outcome {
        let above = self.places.directory(self.manager, self.scope)?;
        TARGETS.iter().try_for_each(|target| self.places.check_links(&above.join(format!("{target}.wants"))))
    }

    fn supervised(&self) -> Result<SupervisedDirectory, ServiceError> {
        SupervisedDirectory::of(self.name, self.manager, self.scope, self.places)
    }

    /// Starts the unit of the service, with its last lines in the error.
    fn start_unit(&self, verb: &str) -> Outcome {
        self.systemctl_units(verb, &self.units[..1]).map_err(|error| match &*self.last_lines() {
            "" => error,
            lines => error.and(&format!("its last lines are:\n{lines}\n")),
        })
    }

    /// Returns the last lines that the service and its manager have logged.
    fn last_lines(&self) -> String {
        let unit = if self.scope == Scope::User { "--user-unit" } else { "--unit" };
        let arguments = [unit, &self.units[0], "--lines=8", "--output=cat", "--no-pager", "--quiet"];
        call("journalctl", arguments, TOOL_TIMEOUT).unwrap_or_default().trim().to_owned()
    }

    fn systemctl_units(&self, verb: &str, units: &[String]) -> Outcome {
        let mut arguments = vec![verb, "--"];
        arguments.extend(units.iter().map(String::as_str));
        self.systemctl(&arguments).map(drop)
    }

    fn systemctl(&self, arguments: &[&str]) -> Result<String, ServiceError> {
        let mut words: Vec<OsString> = vec!["--no-pager".into(), "--no-ask-password".into()];
        match self.scope {
            _ if self.places.is_image() => {
                let mut root = OsString::from("--root=");
                root.push(self.places.root());
                words.push(root);
            }
            Scope::System => words.push("--system".into()),
            Scope::User => words.push("--user".into()),
        }
        words.extend(arguments.iter().map(OsString::from));
        call("systemctl", words, self.within)
    }

    fn is_in_run_level(&self) -> bool {
        self.places.root().join("etc/runlevels").join(RUN_LEVEL).join(self.name).symlink_metadata().is_ok()
    }
}
