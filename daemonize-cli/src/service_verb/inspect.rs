//! `service status` and `service show`.

use super::failure::failed;
use super::options::{ServiceShowOptions, ServiceStatusOptions};
use super::plan::{ServicePlan, installed, options_of_command, places, plan, scope};
use super::warnings::warn;
use crate::exit_status::VerbResult;
use crate::output;
use crate::target::Subject;
use daemonize_service::{Definition, Scope, ServiceStatus, check_program, files, service_status, systemd_version};
use daemonize_sys::escape::escape_json;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The exit status of `service status` for a service that is not installed, as that of `systemctl status` for an unknown unit.
const NOT_INSTALLED: u8 = 4;

/// Prints the files of the service. The program may be one that `install` refuses, with a warning.
pub(super) fn show(subject: &Subject<'_>, options: &ServiceShowOptions) -> VerbResult {
    let places = places(&options.place)?;
    let exe = std::env::current_exe().unwrap_or_else(|_| PathBuf::from(subject.name));
    let program = exe.strip_prefix(places.root()).map_or(exe.clone(), |inside| Path::new("/").join(inside));
    let plan = plan(subject, options, program)?;
    let ServicePlan { definition, manager, scope, places } = &plan;
    let version = systemd_version(*manager, places);
    let rendered = files(definition, *manager, *scope, places, version).map_err(|error| failed(&error))?;
    for (index, file) in rendered.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        output::line(format_args!("{gap}# {}, mode {:04o}", file.path().display(), file.mode()));
        // Validated: no control characters.
        output::line(file.content().trim_end_matches('\n'));
    }
    warn(&plan, &options.arguments);
    if let Err(error) = check_program(&definition.program, *scope, places) {
        output::warning(format_args!("`install` would refuse this: {error}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows the state of the installed service.
pub(super) fn status(subject: &Subject<'_>, options: &ServiceStatusOptions) -> VerbResult {
    let place = &options.place;
    let places = places(place)?;
    let name = subject.daemon_name(place.instance.as_ref());
    let first = scope(place);
    let other = if first == Scope::System { Scope::User } else { Scope::System };
    let scopes = if place.scope.is_some() || places.is_image() { vec![first] } else { vec![first, other] };
    let Some(service) = installed(subject, place, &places, &scopes)? else {
        if options.json {
            output::line(json!({ "name": name, "installed": false }));
        } else {
            output::say(&name, "no service is installed");
        }
        return Ok(ExitCode::from(NOT_INSTALLED));
    };
    let status = service_status(&name, service.manager(), service.scope(), &places).map_err(|error| failed(&error))?;
    // Removed between the two looks.
    let Some(status) = status else { return Ok(ExitCode::from(NOT_INSTALLED)) };
    let plan = plan_of_command(subject, status.installed.command(), options);
    let report = StatusReport::new(&status, plan.as_ref());
    if options.json {
        output::line(escape_json(&report.json().to_string()));
    } else {
        report.print();
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the service that the command in the header of a file would install now; `None` if the program refuses its arguments.
fn plan_of_command(subject: &Subject<'_>, command: &str, status: &ServiceStatusOptions) -> Option<ServicePlan> {
    let (program, mut options) = options_of_command(command)?;
    options.place.root.clone_from(&status.place.root);
    plan(subject, &options, program).ok()
}

/// The state of a service, ready to be printed.
struct StatusReport<'a> {
    status: &'a ServiceStatus,
    program: Option<&'a Definition>,
    program_problem: Option<String>,
    differs: Option<bool>,
}

impl<'a> StatusReport<'a> {
    fn new(status: &'a ServiceStatus, plan: Option<&'a ServicePlan>) -> StatusReport<'a> {
        StatusReport {
            status,
            program: plan.map(|plan| &plan.definition),
            program_problem: plan.and_then(|plan| status.program_problem(&plan.definition, &plan.places)),
            differs: plan.and_then(|plan| status.differs(&plan.definition, &plan.places).ok()),
        }
    }

    fn edited(&self) -> Vec<String> {
        self.status.installed.edited_files().map(|path| path.display().to_string()).collect()
    }

    fn json(&self) -> Value {
        let installed = &self.status.installed;
        json!({
            "name": installed.name(),
            "installed": true,
            "manager": installed.manager().name(),
            "scope": installed.scope().name(),
            "files": installed.files().map(|path| path.display().to_string()).collect::<Vec<_>>(),
            "edited": self.edited(),
            "enabled": self.status.enabled,
            "active": self.status.active,
            "command": shlex::split(installed.command()),
            "program": self.program.map(|definition| definition.program.display().to_string()),
            "program_problem": self.program_problem,
            "differs": self.differs,
        })
    }

    fn print(&self) {
        let installed = &self.status.installed;
        let name = installed.name();
        let unknown = || "not known".to_owned();
        let (manager, scope) = (installed.manager(), installed.scope());
        output::say(name, format_args!("installed, {manager}, {scope}: {}", installed.main_file().display()));
        output::say(name, format_args!("start: {}", self.status.enabled.clone().unwrap_or_else(unknown)));
        output::say(name, format_args!("state: {}", self.status.active.clone().unwrap_or_else(unknown)));
        output::say(name, format_args!("installed by: {}", installed.command()));
        if let Some(problem) = &self.program_problem {
            output::warning(problem);
        }
        for path in self.edited() {
            output::warning(format_args!("`{path}` was edited since it was installed"));
        }
        match self.differs {
            Some(true) if self.edited().is_empty() => {
                output::warning(format_args!("this program would install other files now: `{}`", installed.command()));
            }
            None => {
                output::warning("the program does not accept the arguments of the service any more: install it again");
            }
            _ => {}
        }
    }
}
