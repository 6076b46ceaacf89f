//! Explains why a pidfile names no process that a verb could act on.

use crate::pidfile::Holder;
use crate::settings::Settings;
use crate::stage::Stage;
use std::path::Path;

/// Returns `true` if a hook replaces the stage that writes the pidfile.
pub(super) fn pidfile_is_left_to_hook(settings: &Settings) -> bool {
    settings.hooks.replaces(Stage::PidFile)
}

/// Explains why no verb reaches a daemon whose pidfile no stage has written.
pub(super) fn explain_hook(pidfile: &Path) -> String {
    format!(
        "a hook replaces its stage `PidFile`, so the pidfile `{}` does not name its process: send a signal to the pid that its \
         start returned",
        pidfile.display()
    )
}

/// Describes what the pidfile holds.
pub(super) fn describe_holder(pidfile: &Path, holder: &Holder) -> String {
    format!("pidfile `{}`: {holder}", pidfile.display())
}
