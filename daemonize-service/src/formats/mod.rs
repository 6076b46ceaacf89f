//! The files of a service for each service manager.

mod launchd;
mod openrc;
mod run_script;
mod runit;
mod s6;
mod systemd;
#[cfg(test)]
mod tests;

use crate::definition::Definition;
use crate::manager_kind::{Manager, Scope};
use crate::places::Places;
use crate::service_error::ServiceError;
use crate::service_file::ServiceFile;

/// Returns the files of a service for a service manager, without writing any.
///
/// `systemd_version` is the version of the installed systemd; without one, the files are for every version.
///
/// # Errors
/// Returns an error for a definition that is not valid ([`Definition::validate`]), and for a service manager without services of users.
pub fn files(
    definition: &Definition,
    manager: Manager,
    scope: Scope,
    places: &Places,
    systemd_version: Option<u32>,
) -> Result<Vec<ServiceFile>, ServiceError> {
    definition.validate()?;
    let directory = places.directory(manager, scope)?;
    Ok(match manager {
        Manager::Systemd => systemd::files(definition, scope, &directory, systemd_version),
        Manager::OpenRc => vec![openrc::file(definition, &directory)],
        Manager::S6 => s6::files(definition, scope, &directory, places),
        Manager::Runit => runit::files(definition, scope, &directory, places),
        Manager::Launchd => vec![launchd::file(definition, scope, &directory)],
    })
}
