//! The rights of the caller, and the presence of the service manager.

use crate::manager_kind::{Manager, Scope};
use crate::places::Places;
use crate::service_error::{ServiceError, ServiceErrorKind};
use daemonize_sys::account;
use daemonize_sys::escape::escape;
use nix::unistd::geteuid;
use std::env;
use std::path::Path;

/// Variables in which tools that change the user leave the name of the caller.
const CALLERS: &[(&str, &str)] = &[("sudo", "SUDO_USER"), ("doas", "DOAS_USER")];

/// Checks that this user may install or remove a service.
///
/// # Errors
/// Returns [`ServiceErrorKind::Permission`] for a service of the machine without root, and for a service of a user with `sudo`: it would be one of root.
pub fn check_caller(scope: Scope, places: &Places) -> Result<(), ServiceError> {
    let permission = |text: String| Err(ServiceError::new(ServiceErrorKind::Permission, text));
    let is_root = geteuid().is_root();
    match scope {
        Scope::System if !is_root && !places.is_image() => permission(format!(
            "only root can install and remove services of the machine, and this is {}: use `sudo`, or `--user` for a service of your own",
            account::describe(geteuid())
        )),
        Scope::User if is_root => match calling_user() {
            Some((tool, user)) => permission(format!(
                "`{tool}` with `--user` would be about a service of root, not of `{}`: run it as `{}`, without `{tool}`",
                escape(&user),
                escape(&user)
            )),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Returns the tool that made this process root's, and its caller. The variables decide nothing but a refusal.
fn calling_user() -> Option<(&'static str, String)> {
    let caller = |(tool, variable): &(&'static str, &str)| Some((*tool, env::var(variable).ok()?));
    CALLERS.iter().find_map(caller).filter(|(_, user)| user != "root" && !user.is_empty())
}

/// Returns the service manager of this machine or image; `None` if it is not one that this library knows.
pub fn detect_manager(places: &Places) -> Option<Manager> {
    let has = |path: &str| places.root().join(path).exists();
    let marks: &[(&str, Manager)] = if places.is_image() {
        &[
            ("usr/lib/systemd/systemd", Manager::Systemd),
            ("lib/systemd/systemd", Manager::Systemd),
            ("sbin/openrc-run", Manager::OpenRc),
            ("usr/sbin/openrc-run", Manager::OpenRc),
        ]
    } else {
        // sd_booted(3); `rc_service` in OpenRC's sources; the scan directories of `s6-linux-init` and runit.
        &[
            ("run/systemd/system", Manager::Systemd),
            ("run/openrc/softlevel", Manager::OpenRc),
            ("run/s6-linux-init-container-results", Manager::S6),
            ("run/service/.s6-svscan", Manager::S6),
            ("run/runit", Manager::Runit),
            ("etc/runit/stopit", Manager::Runit),
        ]
    };
    marks.iter().find(|(path, _)| has(path)).map(|(_, manager)| *manager)
}

/// Checks that the service manager runs here, unless the service is for an image.
///
/// # Errors
/// Returns [`ServiceErrorKind::Manager`] with what can be done instead.
pub fn check_manager(manager: Manager, scope: Scope, places: &Places) -> Result<(), ServiceError> {
    let missing = |text: &str| Err(ServiceError::new(ServiceErrorKind::Manager, text));
    let user = format!("/run/user/{}/systemd", geteuid());
    match (manager, scope) {
        (Manager::Launchd, _) => {
            missing("launchd is macOS's, where this library does not run: `service show` prints the file")
        }
        _ if places.is_image() => Ok(()),
        (Manager::Systemd, _) if !Path::new("/run/systemd/system").exists() => missing(
            "systemd is not running on this machine: name its service manager with `--manager`, print the files with `service show`, or \
             write them into an image with `--root DIRECTORY`",
        ),
        (Manager::Systemd, Scope::User) if !Path::new(&user).exists() => missing(
            "systemd does not run services of this user now, which has no session: log in as this user (`machinectl shell`, `ssh`; not `su`), \
             or let its services run without one with `--linger`",
        ),
        (Manager::OpenRc, _) if !Path::new("/run/openrc/softlevel").exists() => {
            missing("OpenRC is not running on this machine: name its service manager with `--manager`")
        }
        _ => Ok(()),
    }
}
