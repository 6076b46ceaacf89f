//! The files of a service that this library has written before.

use crate::manager_kind::{Manager, Scope};
use crate::marker::{self, Marker};
use crate::places::Places;
use crate::service_directory::{DirectoryEntry, ServiceDirectory};
use crate::service_error::{ServiceError, ServiceErrorKind};
use std::fs;
use std::path::{Path, PathBuf};

/// The endings of units that this library writes.
const UNIT_ENDINGS: &[&str] = &[".service", ".socket"];

/// Files of a service directory, the main one first.
const DIRECTORY_FILES: &[&str] = &["run", "finish", "timeout-kill", "log/run"];

/// A service whose files this library has written.
#[derive(Clone, Debug)]
pub struct InstalledService {
    manager: Manager,
    scope: Scope,
    name: String,
    command: String,
    files: Vec<InstalledFile>,
}

/// One of the files of an installed service.
#[derive(Clone, Debug)]
pub(crate) struct InstalledFile {
    pub(crate) path: PathBuf,
    /// The header; `None` for a file that holds a bare value.
    pub(crate) marker: Option<Marker>,
    pub(crate) content: String,
}

impl InstalledService {
    /// Returns the service manager.
    pub fn manager(&self) -> Manager {
        self.manager
    }

    /// Returns the owner.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the command that wrote the files, as words of a shell.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// Returns the path of the main file: the unit, the script, or the `run` of a service directory.
    pub fn main_file(&self) -> &Path {
        self.files.first().map_or(Path::new(""), |file| &file.path)
    }

    /// Returns the paths of all files, the main one first.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    /// Returns the files that were edited since they were written.
    pub fn edited_files(&self) -> impl Iterator<Item = &Path> {
        let is_edited = |file: &&InstalledFile| file.marker.as_ref().is_some_and(|marker| marker.is_edited);
        self.files.iter().filter(is_edited).map(|file| file.path.as_path())
    }

    pub(crate) fn parts(&self) -> &[InstalledFile] {
        &self.files
    }

    /// Returns the names of systemd's units, the service first.
    pub(crate) fn unit_names(&self) -> Vec<String> {
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        self.files().filter_map(name).collect()
    }
}

/// Finds the installed service of this name.
///
/// # Errors
/// Returns [`ServiceErrorKind::ForeignFile`] if there is a service of this name that this library has not written, and an error if the directory
/// of the services cannot be read or trusted.
pub fn find_installed(
    name: &str,
    manager: Manager,
    scope: Scope,
    places: &Places,
) -> Result<Option<InstalledService>, ServiceError> {
    let directory = places.directory(manager, scope)?;
    let names: Vec<(PathBuf, String)> = match manager {
        Manager::Systemd => unit_files(&directory, name),
        Manager::OpenRc => vec![(directory, name.to_owned())],
        Manager::Launchd => vec![(directory, format!("{name}.plist"))],
        Manager::S6 | Manager::Runit => service_directory_files(&directory.join(name)),
    };
    let mut files = Vec::new();
    for (index, (directory, file)) in names.iter().enumerate() {
        places.check_links(directory)?;
        let Some(opened) = ServiceDirectory::open(directory)? else { continue };
        let path = directory.join(file);
        match opened.read(file)? {
            DirectoryEntry::Missing => {}
            DirectoryEntry::Text(content) => match marker::read(&content) {
                Some(marker) if marker.service == name => {
                    files.push(InstalledFile { path, marker: Some(marker), content });
                }
                // The other files of a service directory belong to its main file.
                None if index > 0 && file == "timeout-kill" && !files.is_empty() => {
                    files.push(InstalledFile { path, marker: None, content });
                }
                _ if index > 0 => {}
                _ => return Err(foreign(&path, "this program has not written it")),
            },
            DirectoryEntry::Other(_) if index > 0 => {}
            DirectoryEntry::Other(why) => return Err(foreign(&path, &why)),
        }
    }
    let command = files.iter().find_map(|file| file.marker.as_ref()).map(|marker| marker.command.clone());
    let name = name.to_owned();
    Ok(command.map(|command| InstalledService { manager, scope, name, command, files }))
}

/// Returns the error for a file that is in the way.
pub(crate) fn foreign(path: &Path, why: &str) -> ServiceError {
    let text = format!(
        "refusing to touch `{}`: {why}: remove it, or give this service another name (`--name`, or the key `name`)",
        path.display()
    );
    ServiceError::new(ServiceErrorKind::ForeignFile, text)
}

/// Returns the names that the units of a service can have: its own, and those of its sockets.
fn unit_files(directory: &Path, name: &str) -> Vec<(PathBuf, String)> {
    let mut names = vec![format!("{name}.service"), format!("{name}.socket")];
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let found = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let is_socket = |file: &String| file.starts_with(&format!("{name}-")) && file.ends_with(UNIT_ENDINGS[1]);
    names.extend(found.filter(is_socket));
    names.into_iter().map(|file| (directory.to_owned(), file)).collect()
}

fn service_directory_files(directory: &Path) -> Vec<(PathBuf, String)> {
    let split = |file: &&str| match file.rsplit_once('/') {
        Some((below, file)) => (directory.join(below), file.to_owned()),
        None => (directory.to_owned(), (*file).to_owned()),
    };
    DIRECTORY_FILES.iter().map(split).collect()
}
