//! The file with the secrets of a service.

use crate::definition::Definition;
use crate::manager_kind::Scope;
use crate::places::Places;
use crate::service_error::{ServiceError, ServiceErrorKind};
use daemonize_sys::account::describe;
use daemonize_sys::error::cause;
use nix::unistd::{Uid, geteuid};
use std::os::unix::fs::MetadataExt;

/// Bits with which others could read or write the file.
const OTHERS: u32 = 0o077;

/// Checks that the file is there, and that no other user can read it.
pub(crate) fn check(definition: &Definition, scope: Scope, places: &Places) -> Result<(), ServiceError> {
    let Some(path) = &definition.options.environment_file else { return Ok(()) };
    let inside = match scope {
        Scope::System => places.root().join(path.strip_prefix("/").unwrap_or(path)),
        Scope::User => path.clone(),
    };
    let shown = inside.display();
    let wrong = |text: String| Err(ServiceError::new(ServiceErrorKind::Input, text));
    let status = match inside.symlink_metadata() {
        Ok(status) => status,
        Err(error) => {
            return wrong(format!(
                "failed to find the environment file `{shown}`: {}: `install -m 600 /dev/null {shown}` makes it; write `NAME=value` lines into it",
                cause(&error)
            ));
        }
    };
    let owner = Uid::from_raw(status.uid());
    if !status.is_file() {
        return wrong(format!("the environment file `{shown}` is not a regular file"));
    }
    if !(owner.is_root() || owner == geteuid()) {
        return wrong(format!("the environment file `{shown}` belongs to {}: `chown` it to yourself", describe(owner)));
    }
    if status.mode() & OTHERS != 0 {
        let mode = status.mode() & 0o7777;
        return wrong(format!(
            "the environment file `{shown}` can be read or written by others (mode {mode:04o}): `chmod 600 {shown}`"
        ));
    }
    Ok(())
}
