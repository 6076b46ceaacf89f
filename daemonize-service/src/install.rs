//! Installs a service: all of it, or nothing.

use crate::activation::Activation;
use crate::caller::{check_caller, check_manager};
use crate::definition::{Definition, input};
use crate::formats::files;
use crate::installed::{InstalledService, find_installed, foreign};
use crate::linger;
use crate::manager_kind::{Manager, Scope};
use crate::marker;
use crate::places::Places;
use crate::program_path::check_program;
use crate::request::InstallRequest;
use crate::service_directory::{DirectoryEntry, ServiceDirectory, remove_directories, split};
use crate::service_error::ServiceError;
use crate::service_file::ServiceFile;
use crate::systemd_version::systemd_version;
use crate::tool_call::TOOL_TIMEOUT;
use daemonize_sys::account::{Account, find_group};
use std::path::{Path, PathBuf};

/// The result of an installation.
#[derive(Clone, Debug)]
pub struct Installed {
    /// The files, the main one first.
    pub files: Vec<PathBuf>,
    /// `false` if all files were there as they are.
    pub is_changed: bool,
    /// Surprises, and steps that are left to the user, one line each.
    pub notes: Vec<String>,
}

/// A file that was written, with what was in its place.
struct WrittenFile {
    directory: ServiceDirectory,
    name: String,
    before: Option<(String, u32)>,
}

/// Installs a service: writes its files, makes the service manager read them, and enables the service. A second call changes nothing.
///
/// # Errors
/// Returns an error before anything is written if the caller may not do this, the service manager is missing, the program is not safe
/// ([`check_program`]), the user or the environment file is missing, or a file is in the way. A failure afterwards undoes
/// what was done.
pub fn install(request: &InstallRequest<'_>) -> Result<Installed, ServiceError> {
    let InstallRequest { definition, manager, scope, places, .. } = *request;
    definition.validate()?;
    check_caller(scope, places)?;
    if request.linger {
        linger::check(manager, scope, places)?;
    } else {
        check_manager(manager, scope, places)?;
    }
    check_program(&definition.program, scope, places)?;
    check_accounts(definition, scope, places)?;
    crate::environment_file::check(definition, scope, places)?;
    let before = find_installed(&definition.name, manager, scope, places)?;
    check_edits(before.as_ref())?;
    check_other_units(definition, manager, scope, places)?;
    let rendered = files(definition, manager, scope, places, systemd_version(manager, places))?;
    if request.linger {
        linger::enable(places)?;
        check_manager(manager, scope, places)?;
    }
    let was_active = before.as_ref().is_some_and(|before| is_active(request, before));
    let mut written = Vec::new();
    let outcome = write_all(&rendered, before.as_ref(), &definition.name, &mut written)
        .and_then(|()| activate(request, &rendered, before.as_ref(), !written.is_empty()));
    if let Err(error) = outcome {
        let error = undo(request, &rendered, before.as_ref(), written, error);
        if let Some(before) = before.as_ref().filter(|_| was_active) {
            // The failed start has stopped it.
            let _ = activation_of(request, before.unit_names()).start(true);
        }
        return Err(error);
    }
    let files = rendered.iter().map(|file| file.path().to_owned()).collect();
    Ok(Installed { files, is_changed: !written.is_empty(), notes: crate::notes::after_install(request) })
}

/// Checks that the user and the group of the service exist.
fn check_accounts(definition: &Definition, scope: Scope, places: &Places) -> Result<(), ServiceError> {
    if scope == Scope::User {
        return match &definition.user {
            Some(user) if Account::find(user).is_ok_and(|account| account.uid != nix::unistd::geteuid()) => {
                Err(input(format!("a service of this user cannot run as `{user}`: install it with `--system`")))
            }
            _ => Ok(()),
        };
    }
    if places.is_image() {
        // The image has a user database of its own, and users may be made at its first boot.
        return Ok(());
    }
    if let Some(user) = &definition.user {
        let why = |why| input(format!("failed to find the user `{user}`: {why}: `useradd --system {user}` makes it"));
        Account::find(user).map_err(why)?;
    }
    if let Some(group) = &definition.group {
        let why =
            |why| input(format!("failed to find the group `{group}`: {why}: `groupadd --system {group}` makes it"));
        find_group(group).map_err(why)?;
    }
    Ok(())
}

/// Refuses to replace a file that was edited.
fn check_edits(before: Option<&InstalledService>) -> Result<(), ServiceError> {
    match before.and_then(|before| before.edited_files().next()) {
        None => Ok(()),
        Some(path) => Err(foreign(
            path,
            "it was edited since it was installed (for settings of your own, `systemctl edit` makes a file beside it)",
        )),
    }
}

/// Refuses to hide a unit of a distribution's package with ours.
fn check_other_units(
    definition: &Definition,
    manager: Manager,
    scope: Scope,
    places: &Places,
) -> Result<(), ServiceError> {
    let directories: &[&str] = match (manager, scope) {
        (Manager::Systemd, Scope::System) => {
            &["usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"]
        }
        (Manager::Systemd, Scope::User) => &["etc/systemd/user", "usr/local/lib/systemd/user", "usr/lib/systemd/user"],
        _ => &[],
    };
    let unit = format!("{}.service", definition.name);
    let mut paths = directories.iter().map(|directory| places.root().join(directory).join(&unit));
    match paths.find(|path| path.symlink_metadata().is_ok()) {
        None => Ok(()),
        Some(path) => Err(foreign(&path, "a package has installed a unit of this name")),
    }
}

/// Writes the files that are not there as they should be, the main one last, and removes files of an earlier installation.
fn write_all(
    rendered: &[ServiceFile],
    before: Option<&InstalledService>,
    name: &str,
    written: &mut Vec<WrittenFile>,
) -> Result<(), ServiceError> {
    for file in rendered.iter().rev() {
        let (directory, file_name) = split(file.path());
        let directory = ServiceDirectory::make(&directory)?;
        let entry = directory.read(&file_name)?;
        let old = match entry {
            DirectoryEntry::Missing => None,
            DirectoryEntry::Text(text) if text == file.content() => continue,
            DirectoryEntry::Text(text) if is_ours(&text, file, before, name) => Some((text, file.mode())),
            DirectoryEntry::Text(_) => return Err(foreign(file.path(), "this program has not written it")),
            DirectoryEntry::Other(why) => return Err(foreign(file.path(), &why)),
        };
        directory.write(&file_name, file.content(), file.mode())?;
        written.push(WrittenFile { directory, name: file_name, before: old });
    }
    let is_left = |path: &Path| !rendered.iter().any(|file| file.path() == path);
    for part in before.into_iter().flat_map(InstalledService::parts).filter(|part| is_left(&part.path)) {
        let (directory, file_name) = split(&part.path);
        if let Some(directory) = ServiceDirectory::open(&directory)? {
            directory.remove(&file_name)?;
            let before = Some((part.content.clone(), 0o644));
            written.push(WrittenFile { directory, name: file_name, before });
        }
    }
    Ok(())
}

/// Returns `true` for a file of an earlier installation of this service.
fn is_ours(text: &str, file: &ServiceFile, before: Option<&InstalledService>, name: &str) -> bool {
    match marker::read(text) {
        Some(marker) => marker.service == name && !marker.is_edited,
        // A bare value, which has no header: it belongs to the service directory that it is in.
        None => marker::read(file.content()).is_none() && before.is_some(),
    }
}

fn activate(
    request: &InstallRequest<'_>,
    rendered: &[ServiceFile],
    before: Option<&InstalledService>,
    is_changed: bool,
) -> Result<(), ServiceError> {
    let activation = activation(request, rendered);
    // A socket that is not in the files any more is still in systemd's links, and would stay there.
    let left: Vec<String> = before.map(InstalledService::unit_names).unwrap_or_default();
    let left: Vec<String> = left.into_iter().filter(|unit| !activation.units.contains(unit)).collect();
    if is_changed {
        activation.read_files()?;
    }
    if request.manager == Manager::Systemd && !left.is_empty() {
        activation_of(request, left).disable()?;
    }
    activation.enable()?;
    if request.now && !request.places.is_image() {
        activation.start(is_changed)?;
    }
    Ok(())
}

/// Returns `true` if a service that was installed before runs.
fn is_active(request: &InstallRequest<'_>, before: &InstalledService) -> bool {
    let state = activation_of(request, before.unit_names()).active_state();
    state.is_some_and(|state| ["active", "started"].contains(&&*state))
}

fn activation<'a>(request: &InstallRequest<'a>, rendered: &[ServiceFile]) -> Activation<'a> {
    activation_of(request, rendered.iter().map(|file| split(file.path()).1).collect())
}

fn activation_of<'a>(request: &InstallRequest<'a>, units: Vec<String>) -> Activation<'a> {
    let definition = request.definition;
    Activation {
        manager: request.manager,
        scope: request.scope,
        places: request.places,
        name: &definition.name,
        units,
        within: definition.start_timeout + definition.stop_timeout + TOOL_TIMEOUT,
    }
}

/// Restores what was there before, and returns the error with what could not be restored.
fn undo(
    request: &InstallRequest<'_>,
    rendered: &[ServiceFile],
    before: Option<&InstalledService>,
    written: Vec<WrittenFile>,
    error: ServiceError,
) -> ServiceError {
    let mut activation = activation(request, rendered);
    let old_units = before.map(InstalledService::unit_names).unwrap_or_default();
    activation.units.retain(|unit| !old_units.contains(unit));
    let mut left = Vec::new();
    if !written.is_empty() && (before.is_none() || request.manager == Manager::Systemd && !activation.units.is_empty())
    {
        // Fails if the failure was that of the first command.
        let _ = activation.stop();
        let _ = activation.disable();
    }
    for file in written.into_iter().rev() {
        let restored = match &file.before {
            Some((content, mode)) => file.directory.write(&file.name, content, *mode),
            None => file.directory.remove(&file.name),
        };
        if restored.is_err() {
            left.push(file.directory.path().join(&file.name).display().to_string());
        }
    }
    let _ = activation.read_files();
    if before.is_none() {
        activation.forget();
        remove_directories(request.manager, rendered.iter().map(ServiceFile::path));
    } else {
        let _ = activation_of(request, old_units).enable();
    }
    match &left[..] {
        [] if before.is_some() => error.and("the service is as it was before"),
        [] => error.and("nothing was installed"),
        left => error.and(&format!("these files are left: {}", left.join(", "))),
    }
}
