//! Notes for the user after an installation or a removal.

use crate::linger;
use crate::manager_kind::{Manager, Scope};
use crate::options::Hardening;
use crate::places::Places;
use crate::request::InstallRequest;
use nix::unistd::{User, geteuid};
use std::path::Path;

/// Returns what is left to be done, and what may surprise, one line each.
pub(crate) fn after_install(request: &InstallRequest<'_>) -> Vec<String> {
    let definition = request.definition;
    let name = &definition.name;
    let mut notes = Vec::new();
    match (request.manager, request.scope) {
        (Manager::Systemd, Scope::User) if !linger::is_enabled(request.places) => {
            notes.push(format!(
                "it runs while you are logged in; `loginctl enable-linger {}` (or `--linger`) lets it run from boot to shutdown",
                user_name()
            ));
        }
        (Manager::S6 | Manager::Runit, _) if !request.now || request.places.is_image() => notes.extend(link_note(request)),
        (Manager::S6, Scope::System) => notes.push(
            "the link in the scan directory does not survive a reboot if that is below /run: add the service to your s6 service database, too"
                .to_owned(),
        ),
        (Manager::OpenRc, _) if request.places.is_image() => {
            notes.push(format!("enable it in the image: `chroot {} rc-update add {name} default`", request.places.root().display()));
        }
        _ => {}
    }
    let is_root = definition.user.as_deref().is_none_or(|user| user == "root" || user == "0");
    if request.scope == Scope::System && is_root {
        notes.push("it runs as root: `--run-as NAME` gives it a user of its own".to_owned());
    }
    if definition.starts_as_root && definition.options.hardening != Hardening::Off {
        notes.push("it changes its root directory itself, and so is started as root, with few restrictions".to_owned());
    }
    notes
}

fn link_note(request: &InstallRequest<'_>) -> Option<String> {
    let (places, name) = (request.places, &request.definition.name);
    let directory = places.directory(request.manager, request.scope).ok()?;
    let service = directory.join(name);
    // A link in an image leads to where the image will have the directory.
    let service =
        service.strip_prefix(places.root()).map_or_else(|_| service.clone(), |below| Path::new("/").join(below));
    let note = match places.scan_directories(request.manager, request.scope) {
        Some(scanned) => format!(
            "it starts as soon as it is linked (or with `--now`): `ln -s {} {}/`",
            service.display(),
            scanned.first()?.display()
        ),
        None => format!("it starts as soon as a supervisor scans `{}`", directory.display()),
    };
    Some(note)
}

/// Returns what a removal leaves.
pub(crate) fn after_uninstall(name: &str, scope: Scope, places: &Places) -> String {
    match scope {
        Scope::System => format!("logs (`/var/log/{name}`, the journal) and state (`/var/lib/{name}`) stay"),
        Scope::User if linger::is_enabled(places) => {
            format!("logs and state stay, and so does lingering: `loginctl disable-linger {}` ends it", user_name())
        }
        Scope::User => "logs and state (`~/.local/state`) stay".to_owned(),
    }
}

fn user_name() -> String {
    User::from_uid(geteuid()).ok().flatten().map_or_else(|| geteuid().to_string(), |user| user.name)
}
