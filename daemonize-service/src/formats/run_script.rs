//! The script `run` of a service directory, which s6 and runit share.

use crate::definition::Definition;
use crate::quote::shell;
use std::fmt::Write;

/// Returns the script with which a supervisor runs the program: the variables of the environment file, and the program in place of the
/// shell.
pub(super) fn run_script(definition: &Definition) -> String {
    let mut script = String::from("exec 2>&1\n");
    if let Some(file) = &definition.options.environment_file {
        let file = shell::word(&file.to_string_lossy());
        let _ = write!(script, "set -a\n. {file} || exit 1\nset +a\n");
    }
    let _ = writeln!(script, "exec {}", shell::words(&definition.command(&definition.run_arguments)));
    script
}
