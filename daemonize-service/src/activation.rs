//! The commands of service managers around the files: read them, enable, start, stop, disable.

use crate::manager_kind::{Manager, Scope};
use crate::places::Places;
use crate::service_error::{ServiceError, ServiceErrorKind};
use crate::tool_call::{TOOL_TIMEOUT, call};
use daemonize_sys::error::cause;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The run level in which OpenRC's services are (`rc-update(8)`).
const RUN_LEVEL: &str = "default";

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
            Manager::Systemd if !self.places.is_image() => self.systemctl(&["daemon-reload"]),
            _ => Ok(()),
        }
    }

    /// Makes the service start at boot, or at the login of its user.
    pub(crate) fn enable(&self) -> Outcome {
        match self.manager {
            Manager::Systemd => self.systemctl_units("enable", &self.units),
            Manager::OpenRc if !self.places.is_image() => tool("rc-update", &["--quiet", "add", self.name, RUN_LEVEL]),
            _ => Ok(()),
        }
    }

    /// Undoes [`Activation::enable`].
    pub(crate) fn disable(&self) -> Outcome {
        match self.manager {
            Manager::Systemd => self.systemctl_units("disable", &self.units),
            Manager::OpenRc if !self.places.is_image() && self.is_in_run_level() => {
                tool("rc-update", &["--quiet", "del", self.name, RUN_LEVEL])
            }
            Manager::S6 | Manager::Runit => self.unlink(),
            _ => Ok(()),
        }
    }

    /// Starts the service. With `is_changed`, one that runs is restarted.
    pub(crate) fn start(&self, is_changed: bool) -> Outcome {
        let verb = if is_changed { "restart" } else { "start" };
        match self.manager {
            Manager::Systemd => {
                // A service that owns sockets is started with them, so that it receives them.
                let sockets: Vec<String> =
                    self.units.iter().filter(|unit| unit.ends_with(".socket")).cloned().collect();
                if !sockets.is_empty() && !self.is_active() {
                    self.systemctl_units("start", &sockets)?;
                }
                self.systemctl_units(verb, &self.units[..1])
            }
            Manager::OpenRc => tool_within("rc-service", &[self.name, verb], self.within),
            Manager::S6 | Manager::Runit => self.link(),
            Manager::Launchd => Ok(()),
        }
    }

    /// Stops the service.
    pub(crate) fn stop(&self) -> Outcome {
        if self.places.is_image() {
            return Ok(());
        }
        let seconds = self.within.as_secs().to_string();
        match self.manager {
            Manager::Systemd => self.systemctl_units("stop", &self.units),
            Manager::OpenRc => tool_within("rc-service", &["--ifstarted", self.name, "stop"], self.within),
            Manager::S6 if self.is_supervised() => {
                let millis = self.within.as_millis().to_string();
                self.supervisor("s6-svc", &["-wD", "-T", &millis, "-d"])
            }
            Manager::Runit if self.is_supervised() => self.supervisor("sv", &["-w", &seconds, "force-stop"]),
            _ => Ok(()),
        }
    }

    /// Ends the supervisor of a service directory whose files were removed, and of its logger.
    pub(crate) fn end_supervision(&self) -> Outcome {
        if self.places.is_image() || !self.is_supervised() {
            return Ok(());
        }
        match self.manager {
            Manager::S6 => self.supervisor("s6-svc", &["-wD", "-T", "5000", "-dx"]),
            Manager::Runit => self.supervisor("sv", &["-w", "5", "force-shutdown"]),
            _ => Ok(()),
        }
    }

    /// Forgets that a removed service has failed.
    pub(crate) fn forget(&self) {
        if self.manager == Manager::Systemd && !self.places.is_image() {
            // Fails for a unit that systemd does not know any more, which is as it should be.
            let _ = self.systemctl_units("reset-failed", &self.units);
        }
    }

    /// Returns the state of [`Activation::enable`], as the service manager calls it.
    pub(crate) fn enabled_state(&self) -> Option<String> {
        match self.manager {
            Manager::Systemd => {
                let shown = if self.places.is_image() {
                    self.systemctl_output(&["is-enabled", &self.units[0]])
                } else {
                    self.systemctl_output(&["show", "--property=UnitFileState", "--value", &self.units[0]])
                };
                shown.ok().map(|state| state.trim().to_owned()).filter(|state| !state.is_empty())
            }
            Manager::OpenRc => Some(if self.is_in_run_level() { "enabled" } else { "disabled" }.to_owned()),
            Manager::S6 | Manager::Runit => {
                let is_enabled = self.link_path().is_none_or(|link| link.symlink_metadata().is_ok());
                Some(if is_enabled { "enabled" } else { "disabled" }.to_owned())
            }
            Manager::Launchd => None,
        }
    }

    /// Returns the state of the service, as the service manager calls it.
    pub(crate) fn active_state(&self) -> Option<String> {
        if self.places.is_image() {
            return None;
        }
        let directory = self.service_directory()?;
        let directory = directory.to_string_lossy();
        let state = match self.manager {
            Manager::Systemd => self.systemctl_output(&["show", "--property=ActiveState", "--value", &self.units[0]]),
            Manager::OpenRc => Ok(rc_state(self.name)),
            Manager::S6 | Manager::Runit if !self.is_supervised() => return Some("not supervised".to_owned()),
            Manager::S6 => call("s6-svstat", ["-o", "up", &*directory], TOOL_TIMEOUT)
                .map(|up| if up.trim() == "true" { "up".to_owned() } else { "down".to_owned() }),
            Manager::Runit => call("sv", ["status", &*directory], TOOL_TIMEOUT)
                .map(|status| status.split(':').next().unwrap_or_default().to_owned()),
            Manager::Launchd => return None,
        };
        state.ok().map(|state| state.trim().to_owned()).filter(|state| !state.is_empty())
    }

    fn is_active(&self) -> bool {
        self.active_state().is_some_and(|state| state == "active")
    }

    fn systemctl(&self, arguments: &[&str]) -> Outcome {
        self.systemctl_output(arguments).map(drop)
    }

    fn systemctl_units(&self, verb: &str, units: &[String]) -> Outcome {
        let mut arguments = vec![verb, "--"];
        arguments.extend(units.iter().map(String::as_str));
        self.systemctl(&arguments)
    }

    fn systemctl_output(&self, arguments: &[&str]) -> Result<String, ServiceError> {
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

    fn supervisor(&self, name: &'static str, arguments: &[&str]) -> Outcome {
        let Some(directory) = self.service_directory() else { return Ok(()) };
        let mut words: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        words.push(directory.into_os_string());
        // The tool itself waits for the service, and so needs a little more.
        call(name, words, self.within + TOOL_TIMEOUT).map(drop)
    }

    fn service_directory(&self) -> Option<PathBuf> {
        Some(self.places.directory(self.manager, self.scope).ok()?.join(self.name))
    }

    /// Returns `true` if a supervisor runs for the service directory.
    pub(crate) fn is_supervised(&self) -> bool {
        let Some(directory) = self.service_directory() else { return false };
        let directory = directory.to_string_lossy();
        directory_has_supervisor(&directory, self.manager)
    }

    /// Returns the link in the directory that the supervisor scans; `None` if it scans the services themselves.
    fn link_path(&self) -> Option<PathBuf> {
        let directories = self.places.scan_directories(self.manager, self.scope)?;
        let scanned = directories.iter().find(|directory| directory.is_dir()).or_else(|| directories.first())?;
        Some(scanned.join(self.name))
    }

    /// Makes the supervisor find the service directory.
    fn link(&self) -> Outcome {
        let (Some(link), Some(directory)) = (self.link_path(), self.service_directory()) else {
            return self.scan();
        };
        match fs::read_link(&link) {
            Ok(target) if target == directory => {}
            Ok(_) => return Err(crate::installed::foreign(&link, "it leads to another service")),
            Err(_) => symlink(&directory, &link).map_err(|error| failed("create the link", &link, &error))?,
        }
        self.scan()
    }

    fn unlink(&self) -> Outcome {
        let (Some(link), Some(directory)) = (self.link_path(), self.service_directory()) else { return Ok(()) };
        if !fs::read_link(&link).is_ok_and(|target| target == directory) {
            return Ok(());
        }
        fs::remove_file(&link).map_err(|error| failed("remove the link", &link, &error))?;
        self.scan()
    }

    /// Makes s6 scan its directory now; runit looks at it every five seconds (`runsvdir(8)`).
    fn scan(&self) -> Outcome {
        let scanned = match (self.link_path(), self.service_directory()) {
            (Some(link), _) => link.parent().map(Path::to_owned),
            (None, directory) => directory.and_then(|directory| directory.parent().map(Path::to_owned)),
        };
        match scanned {
            Some(scanned) if self.manager == Manager::S6 && scanned.join(".s6-svscan").exists() => {
                call("s6-svscanctl", [OsString::from("-an"), scanned.into_os_string()], TOOL_TIMEOUT).map(drop)
            }
            _ => Ok(()),
        }
    }

    fn is_in_run_level(&self) -> bool {
        self.places.root().join("etc/runlevels").join(RUN_LEVEL).join(self.name).symlink_metadata().is_ok()
    }
}

fn directory_has_supervisor(directory: &str, manager: Manager) -> bool {
    match manager {
        Manager::S6 => call("s6-svok", [directory], TOOL_TIMEOUT).is_ok(),
        // sv(8): the exit status counts the services that could not be controlled.
        Manager::Runit => call("sv", ["status", directory], TOOL_TIMEOUT).is_ok(),
        _ => false,
    }
}

/// Returns the state of a service of OpenRC.
fn rc_state(name: &str) -> String {
    let started = Path::new("/run/openrc/started").join(name).symlink_metadata().is_ok();
    if started { "started".to_owned() } else { "stopped".to_owned() }
}

fn tool(name: &'static str, arguments: &[&str]) -> Outcome {
    tool_within(name, arguments, TOOL_TIMEOUT)
}

fn tool_within(name: &'static str, arguments: &[&str], within: Duration) -> Outcome {
    call(name, arguments, within).map(drop)
}

fn failed(verb: &str, path: &Path, error: &std::io::Error) -> ServiceError {
    let text = daemonize_sys::error::failed(verb, path.display(), cause(error));
    ServiceError::new(ServiceErrorKind::Failed, text)
}
