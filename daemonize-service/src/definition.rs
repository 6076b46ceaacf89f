//! The description of a service, from which the files of each service manager are made.

use crate::options::Service;
use crate::service_error::{ServiceError, ServiceErrorKind};
use daemonize_core::settings::{Capability, SettingsView};
use daemonize_sys::escape::{escape, is_escaped};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How much longer than the grace a stop takes at most, as in `Daemon::stop`.
const STOP_MARGIN: Duration = Duration::from_secs(5);

/// The grace of a daemon that sets none, as in the core.
const DEFAULT_GRACE: Duration = Duration::from_secs(10);

/// The longest name: file names have 255 bytes at most, and the longest ending is `.service.old`.
const MAX_NAME: usize = 200;

/// The most bytes that all arguments have together: a line of a unit has 1 MiB at most.
const MAX_ARGUMENTS: usize = 128 * 1024;

/// The description of a service: the program, the daemon's settings that a service manager needs, and the options of the service.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The daemon's name, which is the service's: `myd` or `myd@blue`.
    pub name: String,
    /// One sentence about the program.
    pub description: String,
    /// The version of the program, which the headers of the files name.
    pub version: String,
    /// The absolute path of the program.
    pub program: PathBuf,
    /// The arguments with which the service manager runs the program in the foreground.
    pub run_arguments: Vec<OsString>,
    /// The arguments with which the program makes its running daemon reload.
    pub reload_arguments: Vec<OsString>,
    /// The command that installs this service, which the headers of the files name, so that it can be repeated.
    pub install_command: Vec<OsString>,
    /// The user that the daemon runs as, by name or number; `None` for root in a service of the machine.
    pub user: Option<String>,
    /// The group that the daemon runs as, by name or number.
    pub group: Option<String>,
    /// The capabilities that the daemon keeps.
    pub capabilities: Vec<Capability>,
    /// `true` if the program needs root for its start, as `chroot` does: it changes to its user itself.
    pub starts_as_root: bool,
    /// The limit of a start.
    pub start_timeout: Duration,
    /// The limit of a stop, after which the service manager kills the program.
    pub stop_timeout: Duration,
    /// The explicit pidfile, if there is one.
    pub pidfile: Option<PathBuf>,
    /// The explicit log file, if there is one.
    pub log: Option<PathBuf>,
    /// The options of the service.
    pub options: Service,
}

impl Definition {
    /// Returns the definition of the service of a daemon with these settings: `program` is the absolute path of the program, and
    /// `run_arguments` are those with which it runs the daemon in the foreground.
    pub fn new(settings: &SettingsView<'_>, program: impl Into<PathBuf>, run_arguments: Vec<OsString>) -> Definition {
        let stop_timeout = settings.stop_timeout();
        Definition {
            name: settings.name().to_owned(),
            description: String::new(),
            version: String::new(),
            program: program.into(),
            run_arguments,
            reload_arguments: Vec::new(),
            install_command: Vec::new(),
            user: settings.user().map(str::to_owned),
            group: settings.group().map(str::to_owned),
            capabilities: settings.capabilities().to_vec(),
            starts_as_root: settings.chroot().is_some(),
            start_timeout: settings.start_timeout(),
            stop_timeout: stop_timeout.unwrap_or_else(|| settings.grace().unwrap_or(DEFAULT_GRACE) + STOP_MARGIN),
            pidfile: settings.pidfile().filter(|path| path.is_absolute()).map(Path::to_owned),
            log: settings.log().filter(|path| path.is_absolute() && is_file(path)).map(Path::to_owned),
            options: Service::new(),
        }
    }

    /// Validates everything that goes into a file.
    ///
    /// # Errors
    /// Returns [`ServiceErrorKind::Input`] for a name that is not the name of a unit, a path that is not absolute, and a text that is not UTF-8
    /// or holds a control character: service files have lines.
    pub fn validate(&self) -> Result<(), ServiceError> {
        self.check_name()?;
        check_path("the program", &self.program)?;
        if self.program.to_string_lossy().contains('$') {
            return Err(input(format!("the program `{}` has a `$` in its path: move it", self.program.display())));
        }
        let arguments = || self.run_arguments.iter().chain(&self.reload_arguments).chain(&self.install_command);
        for argument in arguments() {
            check_text("the argument", argument)?;
        }
        if arguments().map(|argument| argument.len() + 3).sum::<usize>() > MAX_ARGUMENTS {
            return Err(input(format!("the arguments are longer than {} KiB", MAX_ARGUMENTS / 1024)));
        }
        for (what, path) in [
            ("the pidfile", &self.pidfile),
            ("the log", &self.log),
            ("the environment file", &self.options.environment_file),
        ] {
            path.as_ref().map_or(Ok(()), |path| check_path(what, path))?;
        }
        for account in [&self.user, &self.group].into_iter().flatten() {
            check_account(account)?;
        }
        self.options.sockets.iter().try_for_each(|address| check_text("the socket", OsStr::new(address)))
    }

    fn check_name(&self) -> Result<(), ServiceError> {
        let name = &self.name;
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | ':' | '@');
        let begins_well = name.starts_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '_');
        if begins_well && name.chars().all(is_plain) && name.len() <= MAX_NAME {
            return Ok(());
        }
        Err(input(format!(
            "`{}` is not the name of a service: use at most {MAX_NAME} letters, digits and `-_.:@`, and begin with a letter or digit",
            escape(name)
        )))
    }

    /// Returns the description, or the name if there is none, as one line.
    pub(crate) fn one_line_description(&self) -> String {
        let text = if self.description.trim().is_empty() { &self.name } else { &self.description };
        let plain: String = text.chars().map(|letter| if is_escaped(letter) { ' ' } else { letter }).collect();
        plain.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Returns the program's command line, with its arguments.
    pub(crate) fn command(&self, arguments: &[OsString]) -> Vec<OsString> {
        let mut command = vec![self.program.clone().into_os_string()];
        command.extend_from_slice(arguments);
        command
    }

    /// Returns `true` if the service manager changes the user: not if the program needs root first, nor to root.
    pub(crate) fn manager_changes_user(&self) -> bool {
        self.user.as_deref().is_some_and(|user| user != "root" && user != "0") && !self.starts_as_root
    }
}

/// Returns `false` for a path that is not a file of the daemon's, such as `/dev/null`.
fn is_file(path: &Path) -> bool {
    !path.starts_with("/dev") && !path.starts_with("/proc")
}

fn check_path(what: &str, path: &Path) -> Result<(), ServiceError> {
    check_text(what, path.as_os_str())?;
    if path.is_absolute() && path.components().all(|part| part != std::path::Component::ParentDir) {
        return Ok(());
    }
    Err(input(format!("{what} `{}` is not an absolute path without `..`", path.display())))
}

/// Refuses a text that no service file can hold.
fn check_text(what: &str, text: &OsStr) -> Result<(), ServiceError> {
    let Some(plain) = text.to_str() else {
        return Err(input(format!("{what} `{}` is not UTF-8, which service files are", text.to_string_lossy())));
    };
    match plain.chars().find(|letter| letter.is_control()) {
        None => Ok(()),
        Some(letter) => Err(input(format!(
            "{what} `{}` holds the control character {letter:?}, which service files cannot hold: pass it in a file",
            escape(plain)
        ))),
    }
}

/// Refuses a text that is not the name or number of an account (`useradd(8)`): it goes into files and scripts.
fn check_account(name: &str) -> Result<(), ServiceError> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '@');
    if !name.is_empty() && !name.starts_with('-') && name.chars().all(is_plain) {
        return Ok(());
    }
    Err(input(format!("`{}` is not the name of a user or group", escape(name))))
}

pub(crate) fn input(text: String) -> ServiceError {
    ServiceError::new(ServiceErrorKind::Input, text)
}
