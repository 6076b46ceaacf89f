//! Services of a user without a session (`loginctl(1)`, `enable-linger`).

use crate::definition::input;
use crate::manager_kind::{Manager, Scope};
use crate::places::Places;
use crate::service_error::{ServiceError, ServiceErrorKind};
use crate::tool_call::{TOOL_TIMEOUT, call};
use nix::unistd::geteuid;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// The longest time that the service manager of a user takes to start.
const USER_MANAGER_TIMEOUT: Duration = Duration::from_secs(15);

/// The pause between two looks for it.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Checks that lingering makes sense for this service.
pub(crate) fn check(manager: Manager, scope: Scope, places: &Places) -> Result<(), ServiceError> {
    if manager != Manager::Systemd || scope != Scope::User || places.is_image() {
        return Err(input("`--linger` is for services of a user under systemd: use it with `--user`".to_owned()));
    }
    if !Path::new("/run/systemd/system").exists() {
        return Err(ServiceError::new(ServiceErrorKind::Manager, "systemd is not running on this machine"));
    }
    Ok(())
}

/// Lets the services of this user run without a session, and waits for the user's service manager.
pub(crate) fn enable(places: &Places) -> Result<(), ServiceError> {
    if is_enabled(places) && manager_socket().exists() {
        return Ok(());
    }
    call("loginctl", ["enable-linger", "--no-ask-password", &geteuid().to_string()], TOOL_TIMEOUT)?;
    let deadline = Instant::now() + USER_MANAGER_TIMEOUT;
    while !manager_socket().exists() {
        if Instant::now() > deadline {
            let text = format!(
                "the service manager of this user did not start within {} s: see `systemctl status user@{}.service`",
                USER_MANAGER_TIMEOUT.as_secs(),
                geteuid()
            );
            return Err(ServiceError::new(ServiceErrorKind::Failed, text));
        }
        thread::sleep(POLL_INTERVAL);
    }
    Ok(())
}

/// Returns `true` if the services of this user run without a session.
pub(crate) fn is_enabled(places: &Places) -> bool {
    let user = nix::unistd::User::from_uid(geteuid()).ok().flatten();
    user.is_some_and(|user| places.root().join("var/lib/systemd/linger").join(user.name).exists())
}

fn manager_socket() -> PathBuf {
    PathBuf::from(format!("/run/user/{}/systemd/private", geteuid()))
}
