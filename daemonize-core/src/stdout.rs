//! Output to the standard streams of this process.

use std::io::{self, Write};

/// Writes captured output of a start to stdout and stderr of this process. Errors (`EPIPE`) are ignored.
pub(crate) fn copy_out(output: &[u8], errors: &[u8]) {
    if !output.is_empty() {
        let _ = io::stdout().write_all(output);
    }
    if !errors.is_empty() {
        let _ = io::stderr().write_all(errors);
    }
    flush();
}

/// Flushes stdout, so that a forked child does not print the buffer again, and a redirection does not divert it.
pub(crate) fn flush() {
    let _ = io::stdout().flush();
}
