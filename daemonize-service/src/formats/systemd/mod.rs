//! Units of systemd (`systemd.service(5)`, `systemd.exec(5)`, `systemd.socket(5)`).

mod hardening;
mod service;
mod socket;
#[cfg(test)]
mod tests;
mod unit_text;

use crate::definition::Definition;
use crate::manager_kind::Scope;
use crate::service_file::ServiceFile;
use std::path::Path;

/// Returns the service's unit, and those of its sockets.
pub(super) fn files(
    definition: &Definition,
    scope: Scope,
    directory: &Path,
    systemd_version: Option<u32>,
) -> Vec<ServiceFile> {
    let sockets = socket::units(definition);
    let names: Vec<&str> = sockets.iter().map(|(name, _)| name.as_str()).collect();
    let content = service::unit(definition, scope, systemd_version, &names);
    let service = ServiceFile::settings(directory.join(format!("{}.service", definition.name)), definition, &content);
    let sockets =
        sockets.iter().map(|(name, content)| ServiceFile::settings(directory.join(name), definition, content));
    std::iter::once(service).chain(sockets).collect()
}
