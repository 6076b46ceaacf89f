//! The state of a service.

use crate::activation::Activation;
use crate::definition::Definition;
use crate::formats::files;
use crate::installed::{InstalledService, find_installed};
use crate::manager_kind::{Manager, Scope};
use crate::marker;
use crate::places::Places;
use crate::program_path::check_program;
use crate::service_error::ServiceError;
use crate::systemd_version::systemd_version;
use crate::tool_call::TOOL_TIMEOUT;

/// The state of an installed service.
#[derive(Clone, Debug)]
pub struct ServiceStatus {
    /// The files.
    pub installed: InstalledService,
    /// The state of its start at boot or login, as the service manager calls it: `enabled`, `disabled`, `masked`. `None` if that is not known.
    pub enabled: Option<String>,
    /// The state, as the service manager calls it: `active`, `failed`, `up`. `None` if that is not known, as for an image.
    pub active: Option<String>,
}

/// Returns the state of the service of this name; `None` if it is not installed.
///
/// # Errors
/// As [`find_installed`].
pub fn service_status(
    name: &str,
    manager: Manager,
    scope: Scope,
    places: &Places,
) -> Result<Option<ServiceStatus>, ServiceError> {
    let Some(installed) = find_installed(name, manager, scope, places)? else { return Ok(None) };
    let units = installed.unit_names();
    let activation = Activation { manager, scope, places, name, units, within: TOOL_TIMEOUT };
    let (enabled, active) = (activation.enabled_state(), activation.active_state());
    Ok(Some(ServiceStatus { installed, enabled, active }))
}

impl ServiceStatus {
    /// Returns why the service manager should not run the program of this definition any more: it is missing, or another user can replace it.
    pub fn program_problem(&self, definition: &Definition, places: &Places) -> Option<String> {
        check_program(&definition.program, self.installed.scope(), places).err().map(|error| error.to_string())
    }

    /// Returns `true` if an installation of this definition would change a file.
    ///
    /// # Errors
    /// The definition is not valid.
    pub fn differs(&self, definition: &Definition, places: &Places) -> Result<bool, ServiceError> {
        let (manager, scope) = (self.installed.manager(), self.installed.scope());
        let rendered = files(definition, manager, scope, places, systemd_version(manager, places))?;
        let parts = self.installed.parts();
        let is_there = |file: &crate::service_file::ServiceFile| {
            let part = parts.iter().find(|part| part.path == file.path());
            // The header names the version of the program, which alone is not a difference.
            part.is_some_and(|part| match (&part.marker, marker::read(file.content())) {
                (Some(old), Some(new)) => !old.is_edited && old.hash == new.hash,
                _ => part.content == file.content(),
            })
        };
        Ok(rendered.len() != parts.len() || !rendered.iter().all(is_there))
    }
}
