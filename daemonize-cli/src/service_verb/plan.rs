//! The service that options are about: its definition, its service manager and its place.

use super::failure::failed;
use super::options::{ServicePlace, ServiceShowOptions};
use crate::exit_status::{Failed, FailureClass};
use crate::output;
use crate::target::Subject;
use daemonize_core::Daemon;
use daemonize_service::{
    Definition, InstalledService, Manager, Places, Scope, ServiceErrorKind, detect_manager, find_installed,
};
use daemonize_sys::account;
use nix::unistd::geteuid;
use std::ffi::OsString;
use std::path::PathBuf;

/// A service and its place.
pub(super) struct ServicePlan {
    pub(super) definition: Definition,
    pub(super) manager: Manager,
    pub(super) scope: Scope,
    pub(super) places: Places,
}

/// Returns the machine or the image that options are about.
///
/// # Errors
/// The image is not a directory.
pub(super) fn places(place: &ServicePlace) -> Result<Places, Failed> {
    let Some(root) = &place.root else { return Ok(Places::of_machine()) };
    let resolved = root
        .canonicalize()
        .map_err(|error| Failed::to("open the root directory", root.display(), daemonize_sys::error::cause(&error)))?;
    Ok(if resolved == std::path::Path::new("/") { Places::of_machine() } else { Places::of_image(resolved) })
}

/// Returns the owner of the service: the one of the options, or the machine for root and for an image.
pub(super) fn scope(place: &ServicePlace) -> Scope {
    let default = if geteuid().is_root() || place.root.is_some() { Scope::System } else { Scope::User };
    place.scope.unwrap_or(default)
}

/// Returns the service manager.
///
/// # Errors
/// It is not named, and this machine has none that is known.
pub(super) fn manager(place: &ServicePlace, places: &Places) -> Result<Manager, Failed> {
    place.manager.or_else(|| detect_manager(places)).ok_or_else(|| {
        let names = Manager::all().map(Manager::name).join(", ");
        Failed::new(
            FailureClass::Unsupported,
            format!("no service manager that is known runs here: name one of {names} with `--manager`"),
        )
    })
}

/// Returns the service for options. The arguments are parsed by the program, as for `run`.
///
/// # Errors
/// The arguments are wrong, or there is no service manager.
pub(super) fn plan(
    subject: &Subject<'_>,
    options: &ServiceShowOptions,
    program: PathBuf,
) -> Result<ServicePlan, Failed> {
    let place = &options.place;
    let places = places(place)?;
    let (scope, manager) = (scope(place), manager(place, &places)?);
    if scope == Scope::User && options.user.is_some() {
        let text = "`--run-as` is for services of the machine: use it with `--system`";
        return Err(Failed::new(FailureClass::Usage, text));
    }
    let (daemon, arguments) = daemon(subject, options, manager)?;
    let settings = daemon.settings();
    let mut definition = Definition::new(&settings, program.clone(), words(subject, "run", arguments));
    subject.about.unwrap_or_default().clone_into(&mut definition.description);
    subject.version.unwrap_or_default().clone_into(&mut definition.version);
    let mut command = vec![program.into_os_string()];
    command.extend_from_slice(subject.prefix);
    command.extend(["service", "install"].map(OsString::from));
    command.extend(options.words(scope));
    definition.install_command = command;
    if options.user.is_some() {
        definition.user.clone_from(&options.user);
    }
    forget_paths_of_this_home(&mut definition, scope);
    if !settings.has_no_pidfile() {
        definition.reload_arguments = words(subject, "reload", target_words(place, definition.pidfile.as_deref()));
    }
    definition.options = subject.service.clone();
    if let Some(hardening) = options.hardening {
        definition.options = definition.options.hardening(hardening);
    }
    if let Some(path) = &options.environment_file {
        definition.options = definition.options.environment_file(path);
    }
    Ok(ServicePlan { definition, manager, scope, places })
}

/// Removes paths in the home directory of this user from a definition for another user, for which `~` is another directory.
fn forget_paths_of_this_home(definition: &mut Definition, scope: Scope) {
    let Some(home) = account::home().filter(|home| scope == Scope::System && home.parent().is_some()) else { return };
    let is_this_user = definition.user.as_deref().is_none_or(|user| account::find_uid(user) == Ok(geteuid()));
    if is_this_user {
        return;
    }
    for (key, path) in [("pidfile", &mut definition.pidfile), ("log", &mut definition.log)] {
        if let Some(path) = path.take_if(|path| path.starts_with(&home)) {
            output::warning(format_args!(
                "the `{key}` `{}` is in the home directory of this user, but the service runs as another: give an absolute path elsewhere",
                path.display()
            ));
        }
    }
}

/// Returns the daemon, and the arguments of `run` with which it starts. `--run-as` is among them, since a service manager without units starts the
/// program as root, and since it wins over the key `user`.
pub(super) fn daemon(
    subject: &Subject<'_>,
    options: &ServiceShowOptions,
    manager: Manager,
) -> Result<(Daemon, Vec<OsString>), Failed> {
    let chosen = target_words(&options.place, None);
    let arguments = |more: &[OsString]| [&chosen[..], more, &options.arguments].concat();
    let plain = arguments(&[]);
    let Some(user) = &options.user else { return Ok((subject.daemon(&plain)?, plain)) };
    let with_user = arguments(&["--run-as".into(), user.into()]);
    match subject.daemon(&with_user) {
        Ok(daemon) if daemon.settings().user() == Some(user) => Ok((daemon, with_user)),
        // The program has an option of this name itself.
        _ if matches!(manager, Manager::Systemd | Manager::Launchd) => Ok((subject.daemon(&plain)?, plain)),
        _ => {
            subject.daemon(&plain)?;
            let text = format!(
                "the program has an option `--run-as` of its own, and {manager} starts it as root: set the key `user`"
            );
            Err(Failed::new(FailureClass::Usage, text))
        }
    }
}

/// Returns the words of a verb of this program.
fn words(subject: &Subject<'_>, verb: &str, arguments: Vec<OsString>) -> Vec<OsString> {
    let mut words = subject.prefix.to_vec();
    words.push(verb.into());
    words.extend(arguments);
    words
}

/// Returns the options that choose a daemon.
fn target_words(place: &ServicePlace, pidfile: Option<&std::path::Path>) -> Vec<OsString> {
    let mut words = Vec::new();
    if let Some(instance) = &place.instance {
        words.extend(["--name".into(), instance.to_string().into()]);
    }
    if let Some(pidfile) = pidfile {
        words.extend(["--pidfile".into(), pidfile.as_os_str().to_owned()]);
    }
    words
}

/// Finds the installed service, of the given scope and manager first.
///
/// # Errors
/// A service of this name is not one of this library, or the place of services cannot be trusted.
pub(super) fn installed(
    subject: &Subject<'_>,
    place: &ServicePlace,
    places: &Places,
    scopes: &[Scope],
) -> Result<Option<InstalledService>, Failed> {
    let name = subject.daemon_name(place.instance.as_ref());
    let detected = place.manager.or_else(|| detect_manager(places));
    let others = Manager::all().into_iter().filter(|manager| place.manager.is_none() && Some(*manager) != detected);
    let managers: Vec<Manager> = detected.into_iter().chain(others).collect();
    for scope in scopes {
        for manager in &managers {
            match find_installed(&name, *manager, *scope, places) {
                Ok(Some(service)) => return Ok(Some(service)),
                Ok(None) => {}
                // A manager without services of users, or a service of another manager that has the same name.
                Err(error) if Some(*manager) != detected || error.kind() == ServiceErrorKind::Manager => {}
                Err(error) => return Err(failed(&error)),
            }
        }
    }
    Ok(None)
}

/// Returns the program and the options of the command in the header of a file.
pub(super) fn options_of_command(command: &str) -> Option<(PathBuf, ServiceShowOptions)> {
    let words: Vec<OsString> = shlex::split(command)?.into_iter().map(OsString::from).collect();
    let install = words.windows(2).position(|pair| pair[0] == "service" && pair[1] == "install")?;
    let options = ServiceShowOptions::parse(&words[install + 2..])?;
    Some((PathBuf::from(words.first()?), options))
}
