//! `service install` and `service uninstall`.

use super::failure::failed;
use super::options::{ServiceInstallOptions, ServicePlace};
use super::plan::{ServicePlan, daemon, installed, options_of_command, places, plan, scope};
use super::warnings::warn;
use crate::exit_status::VerbResult;
use crate::output;
use crate::target::Subject;
use daemonize_service::{
    InstallRequest, Installed, InstalledService, Manager, Scope, check_caller, install as install_service, own_program,
    uninstall as uninstall_service,
};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The exit status of `status` for a daemon that is dead and has left a pidfile.
const DEAD_WITH_PIDFILE: u8 = 1;

/// Installs the service.
pub(super) fn install(subject: &Subject<'_>, options: &ServiceInstallOptions) -> VerbResult {
    let place = &options.shown.place;
    let (scope, places) = (scope(place), places(place)?);
    check_caller(scope, &places).map_err(|error| failed(&error))?;
    let program = own_program(scope, &places).map_err(|error| failed(&error))?;
    let plan = plan(subject, &options.shown, program)?;
    warn(&plan, &options.shown.arguments);
    let ServicePlan { definition, manager, scope, places } = &plan;
    let (now, linger) = (options.now, options.linger);
    let request = InstallRequest { definition, manager: *manager, scope: *scope, places, now, linger };
    let done = install_service(&request).map_err(|error| failed(&error))?;
    output::say(&definition.name, report(&plan, &done, now));
    for note in &done.notes {
        output::say(&definition.name, format_args!("note: {note}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn report(plan: &ServicePlan, done: &Installed, now: bool) -> String {
    let files = list(&done.files);
    let verb = if done.is_changed { "installed" } else { "already installed, unchanged:" };
    let name = &plan.definition.name;
    let next = match (plan.manager, plan.scope) {
        _ if plan.places.is_image() => "it starts when the image boots".to_owned(),
        _ if now => "it is started".to_owned(),
        (Manager::Systemd, Scope::System) => format!("`systemctl start {name}` starts it"),
        (Manager::Systemd, Scope::User) => format!("`systemctl --user start {name}` starts it"),
        (Manager::OpenRc, _) => format!("`rc-service {name} start` starts it"),
        _ => return format!("{verb} {files} ({})", plan.manager),
    };
    format!("{verb} {files} ({}); {next}", plan.manager)
}

/// Stops and removes the service.
pub(super) fn uninstall(subject: &Subject<'_>, place: &ServicePlace) -> VerbResult {
    let (scope, places) = (scope(place), places(place)?);
    let name = subject.daemon_name(place.instance.as_ref());
    check_caller(scope, &places).map_err(|error| failed(&error))?;
    let Some(service) = installed(subject, place, &places, &[scope])? else {
        output::say(&name, "no service is installed");
        return Ok(ExitCode::SUCCESS);
    };
    let removed = uninstall_service(&name, service.manager(), scope, &places).map_err(|error| failed(&error))?;
    if !places.is_image() {
        remove_leftovers(subject, &service);
    }
    output::say(&name, format_args!("removed {}", list(&removed.files)));
    for note in &removed.notes {
        output::say(&name, format_args!("note: {note}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes the pidfile and what is beside it, which a daemon without rights in their directory leaves. A daemon that runs is left alone.
fn remove_leftovers(subject: &Subject<'_>, service: &InstalledService) {
    let Some((_, options)) = options_of_command(service.command()) else { return };
    let Ok((daemon, _)) = daemon(subject, &options, service.manager()) else { return };
    if daemon.status().is_ok_and(|status| status.exit_code() == DEAD_WITH_PIDFILE) {
        let _ = daemon.stop();
    }
}

/// Returns paths, separated by commas.
fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| Path::display(path).to_string()).collect::<Vec<_>>().join(", ")
}
