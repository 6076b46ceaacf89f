//! The standard streams of this process, as far as printing goes.

use std::io::{self, Write};

/// Writes what stdout and stderr of a start said to our own; a reader that has gone is not our failure.
pub(crate) fn copy_out(output: &[u8], errors: &[u8]) {
    if !output.is_empty() {
        let _ = io::stdout().write_all(output);
    }
    if !errors.is_empty() {
        let _ = io::stderr().write_all(errors);
    }
    flush();
}

/// Empties the buffer of stdout, so that no fork prints it twice and no change of descriptor moves it elsewhere.
pub(crate) fn flush() {
    let _ = io::stdout().flush();
}
