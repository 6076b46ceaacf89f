//! Stage `CoreDumps`: disables core dumps (`setrlimit(2)`, `core(5)`), which could expose secrets of the daemon.

use crate::error::{Error, Result, cause};
use crate::settings::Settings;
use crate::stage::Stage;
use nix::sys::resource::{Resource, setrlimit};

pub(super) fn run(settings: &Settings) -> Result<()> {
    if settings.core_dumps {
        return Ok(());
    }
    // The hard limit as well, so that the daemon cannot raise it again after it has changed its user.
    setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(|errno| Error::stage(Stage::CoreDumps, cause(&errno.into())))
}
