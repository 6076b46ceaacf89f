//! Warnings about arguments that do in a shell what they would not do in a service.

use super::plan::ServicePlan;
use crate::output;
use daemonize_service::{Manager, secrets_in};
use std::ffi::OsString;
use std::path::Path;

/// Warns of secrets, and of paths that are relative to the working directory of this shell.
pub(super) fn warn(plan: &ServicePlan, arguments: &[OsString]) {
    for secret in secrets_in(arguments) {
        let more = match plan.manager {
            Manager::Systemd => ", or from a file of `LoadCredential=` (`systemctl edit`)",
            _ => "",
        };
        output::warning(format_args!(
            "`{secret}` looks like a secret: every user can read the file of the service (mode 0644), and its arguments in `ps`; let the program \
             read it from a variable of `--environment-file PATH` (mode 0600){more}"
        ));
    }
    for path in relative_paths(arguments) {
        output::warning(format_args!(
            "`{path}` is a file of this directory, but the service runs in another one: give its absolute path"
        ));
    }
}

/// Returns the arguments, and values of `--option=value`, that name files of the working directory.
fn relative_paths(arguments: &[OsString]) -> Vec<String> {
    let texts = arguments.iter().map(|argument| argument.to_string_lossy());
    let values = texts.map(|text| match text.split_once('=') {
        Some((option, value)) if option.starts_with('-') => value.to_owned(),
        _ => text.into_owned(),
    });
    let is_relative = |text: &String| {
        let path = Path::new(text);
        text.contains(['/', '.']) && !text.starts_with('-') && path.is_relative() && path.symlink_metadata().is_ok()
    };
    values.filter(is_relative).collect()
}
