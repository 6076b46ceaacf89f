//! Stage `WorkingDirectory`: changes the working directory (`chdir(2)`), by default to `/`.

use crate::error::{Error, Result, cause};
use crate::settings::Settings;
use crate::stage::Stage;
use nix::unistd::chdir;
use std::path::Path;

pub(super) fn run(settings: &Settings, detached: bool) -> Result<()> {
    match settings.working_directory.as_deref() {
        Some(directory) => chdir(directory).map_err(|errno| failed(directory, errno)),
        // A daemon in the directory where it was started would keep that file system busy (umount(2), EBUSY).
        None if detached => chdir(c"/").map_err(|errno| failed(Path::new("/"), errno)),
        None => Ok(()),
    }
}

fn failed(directory: &Path, errno: nix::Error) -> Error {
    Error::stage(Stage::WorkingDirectory, format_args!("`{}`: {}", directory.display(), cause(&errno.into())))
}
