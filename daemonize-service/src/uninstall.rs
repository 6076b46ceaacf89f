//! Removes a service: exactly what was installed.

use crate::activation::{Activation, TARGETS};
use crate::caller::check_caller;
use crate::installed::{InstalledService, find_installed};
use crate::manager_kind::{Manager, Scope};
use crate::places::Places;
use crate::service_directory::{ServiceDirectory, remove_directories, split};
use crate::service_error::ServiceError;
use crate::tool_call::TOOL_TIMEOUT;
use std::path::PathBuf;

/// The result of a removal.
#[derive(Clone, Debug, Default)]
pub struct Uninstalled {
    /// The removed files; none if the service was not installed.
    pub files: Vec<PathBuf>,
    /// The things that stay, one line each.
    pub notes: Vec<String>,
}

/// Stops a service, disables it and removes its files. A service that is not installed is not an error.
///
/// A file that was edited since is not removed, but renamed to `NAME.old`.
///
/// # Errors
/// Returns an error if the caller may not do this, if the service of this name is not one that this library has written, and if a command
/// of the service manager fails.
pub fn uninstall(name: &str, manager: Manager, scope: Scope, places: &Places) -> Result<Uninstalled, ServiceError> {
    check_caller(scope, places)?;
    let Some(installed) = find_installed(name, manager, scope, places)? else { return Ok(Uninstalled::default()) };
    let activation = Activation { manager, scope, places, name, units: installed.unit_names(), within: TOOL_TIMEOUT };
    // Without a running manager, as in a chroot, there is nothing to stop.
    let is_running = crate::caller::check_manager(manager, scope, places).is_ok();
    if is_running {
        activation.stop()?;
        activation.disable()?;
    } else {
        unlink_units(&installed, places)?;
    }
    let mut removed = Uninstalled::default();
    remove_files(&installed, &mut removed)?;
    if is_running {
        activation.read_files()?;
        activation.forget();
    }
    let kept = remove_directories(manager, removed.files.iter().map(PathBuf::as_path));
    removed.notes.extend(kept.iter().map(|path| format!("`{}` has other files, and stays", path.display())));
    removed.notes.push(crate::notes::after_uninstall(name, scope, places));
    Ok(removed)
}

fn remove_files(installed: &InstalledService, removed: &mut Uninstalled) -> Result<(), ServiceError> {
    for part in installed.parts() {
        let (directory, name) = split(&part.path);
        let Some(directory) = ServiceDirectory::open(&directory)? else { continue };
        if part.marker.as_ref().is_some_and(|marker| marker.is_edited) {
            let kept = directory.keep_old(&name)?;
            removed.notes.push(format!(
                "`{}` was edited since it was installed, and is now `{}`",
                part.path.display(),
                kept.display()
            ));
        } else {
            directory.remove(&name)?;
        }
        removed.files.push(part.path.clone());
    }
    Ok(())
}

/// Removes the links that `systemctl enable` has made, without a systemd that runs.
fn unlink_units(installed: &InstalledService, places: &Places) -> Result<(), ServiceError> {
    let above = installed.main_file().parent().filter(|_| installed.manager() == Manager::Systemd);
    let Some(above) = above else { return Ok(()) };
    for target in TARGETS {
        let wants = above.join(format!("{target}.wants"));
        places.check_links(&wants)?;
        let Some(directory) = ServiceDirectory::open(&wants)? else { continue };
        for unit in installed.unit_names() {
            if directory.path().join(&unit).is_symlink() {
                directory.remove(&unit)?;
            }
        }
    }
    Ok(())
}
