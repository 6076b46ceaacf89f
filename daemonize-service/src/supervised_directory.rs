//! A service directory of s6 or runit, and its supervisor.

use crate::installed::foreign;
use crate::manager_kind::{Manager, Scope};
use crate::places::Places;
use crate::service_directory::ServiceDirectory;
use crate::service_error::{ServiceError, ServiceErrorKind};
use crate::tool_call::{TOOL_TIMEOUT, call};
use daemonize_sys::error::{cause, failed};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// The longest time that supervisors take to end after their service has stopped.
const SUPERVISOR_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause between two looks at them.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A service directory.
#[derive(Debug)]
pub(crate) struct SupervisedDirectory {
    manager: Manager,
    path: PathBuf,
    /// The link in the directory that the supervisor scans; `None` if it scans the services themselves.
    link: Option<PathBuf>,
}

impl SupervisedDirectory {
    /// Returns the directory of a service.
    pub(crate) fn of(
        name: &str,
        manager: Manager,
        scope: Scope,
        places: &Places,
    ) -> Result<SupervisedDirectory, ServiceError> {
        let path = places.directory(manager, scope)?.join(name);
        let scanned = places.scan_directories(manager, scope).unwrap_or_default();
        let scanned = scanned.iter().find(|directory| directory.is_dir()).or_else(|| scanned.first());
        Ok(SupervisedDirectory { manager, path, link: scanned.map(|directory| directory.join(name)) })
    }

    /// Returns `true` if a supervisor runs for the directory.
    pub(crate) fn is_supervised(&self) -> bool {
        has_supervisor(&self.path, self.manager)
    }

    /// Returns `true` if the supervisor finds the directory when it scans.
    pub(crate) fn is_linked(&self) -> bool {
        self.link.as_ref().is_none_or(|link| link.symlink_metadata().is_ok())
    }

    /// Returns the state, as the supervisor calls it.
    pub(crate) fn state(&self) -> Option<String> {
        let path = self.path.as_os_str();
        if !self.is_supervised() {
            return Some("not supervised".to_owned());
        }
        if self.manager == Manager::S6 {
            let up = call("s6-svstat", ["-o".as_ref(), "up".as_ref(), path], TOOL_TIMEOUT).ok()?;
            return Some(if up.trim() == "true" { "up" } else { "down" }.to_owned());
        }
        let status = call("sv", ["status".as_ref(), path], TOOL_TIMEOUT).ok()?;
        status.split(':').next().map(str::to_owned)
    }

    /// Stops the service, and kills it after `within`.
    pub(crate) fn stop(&self, within: Duration) -> Result<(), ServiceError> {
        if !self.is_supervised() {
            return Ok(());
        }
        let (tool, options) = match self.manager {
            Manager::S6 => {
                ("s6-svc", vec!["-wD".to_owned(), "-T".to_owned(), within.as_millis().to_string(), "-d".to_owned()])
            }
            _ => ("sv", vec!["-w".to_owned(), within.as_secs().to_string(), "force-stop".to_owned()]),
        };
        let words = options.into_iter().map(OsString::from).chain([self.path.clone().into_os_string()]);
        // The tool itself waits for the service, and so needs a little more.
        call(tool, words, within + TOOL_TIMEOUT).map(drop)
    }

    /// Makes the supervisor find the service directory.
    pub(crate) fn link(&self) -> Result<(), ServiceError> {
        if let Some(link) = &self.link {
            let scanned = link.parent().unwrap_or(Path::new("/"));
            if ServiceDirectory::open(scanned)?.is_none() {
                let text = format!("`{}` does not exist: no supervisor scans it", scanned.display());
                return Err(ServiceError::new(ServiceErrorKind::Manager, text));
            }
            match fs::read_link(link) {
                Ok(target) if target == self.path => {}
                Ok(_) => return Err(foreign(link, "it leads to another service")),
                Err(_) => symlink(&self.path, link).map_err(|error| failure("create the link", link, &error))?,
            }
        }
        self.scan()
    }

    /// Undoes [`SupervisedDirectory::link`].
    pub(crate) fn unlink(&self) -> Result<(), ServiceError> {
        let is_ours = |link: &&PathBuf| fs::read_link(link).is_ok_and(|target| target == self.path);
        let Some(link) = self.link.as_ref().filter(is_ours) else { return Ok(()) };
        fs::remove_file(link).map_err(|error| failure("remove the link", link, &error))?;
        self.scan()
    }

    /// Ends the supervisors of a directory whose files were removed, and of its logger, and waits for them: they write into the directory until
    /// they end.
    pub(crate) fn end_supervision(&self) {
        let deadline = Instant::now() + SUPERVISOR_TIMEOUT;
        // The logger ends when the service's end of its pipe is closed.
        for directory in [self.path.clone(), self.path.join("log")] {
            // Fails for a supervisor that ends already, since its link was removed.
            let _ = match self.manager {
                Manager::S6 => call("s6-svc", ["-dx".as_ref(), directory.as_os_str()], TOOL_TIMEOUT),
                _ => call("sv", ["exit".as_ref(), directory.as_os_str()], TOOL_TIMEOUT),
            };
            while has_supervisor(&directory, self.manager) && Instant::now() < deadline {
                thread::sleep(POLL_INTERVAL);
            }
        }
    }

    /// Makes s6 scan its directory now; runit looks at it every five seconds (`runsvdir(8)`).
    fn scan(&self) -> Result<(), ServiceError> {
        let scanned = self.link.as_deref().unwrap_or(&self.path).parent().unwrap_or(Path::new("/"));
        if self.manager == Manager::S6 && scanned.join(".s6-svscan").exists() {
            call("s6-svscanctl", ["-an".as_ref(), scanned.as_os_str()], TOOL_TIMEOUT)?;
        }
        Ok(())
    }
}

fn has_supervisor(directory: &Path, manager: Manager) -> bool {
    let directory = directory.as_os_str();
    let answer = match manager {
        Manager::S6 => call("s6-svok", [directory], TOOL_TIMEOUT),
        // sv(8): the exit status counts the services that could not be controlled.
        _ => call("sv", ["status".as_ref(), directory], TOOL_TIMEOUT),
    };
    answer.is_ok()
}

fn failure(verb: &str, path: &Path, error: &io::Error) -> ServiceError {
    ServiceError::new(ServiceErrorKind::Failed, failed(verb, path.display(), cause(error)))
}
