//! Prints a log: unchanged into a pipe, without escape sequences on a terminal.

use super::read::ReadFailure;
use anstream::adapter::StripBytes;
use daemonize_sys::escape::escape_bytes;
use std::io::{self, IsTerminal, StdoutLock, Write};

/// The longest line that is printed at once on a terminal, in bytes.
const MAX_PIECE: usize = 64 * 1024;

/// Prints a log on stdout.
pub(crate) struct Printer {
    stdout: StdoutLock<'static>,
    is_terminal: bool,
    stripped: StripBytes,
    /// The beginning of a line whose end was not read yet, on a terminal.
    pending: Vec<u8>,
}

impl Printer {
    pub(crate) fn new() -> Printer {
        let stdout = io::stdout();
        Printer {
            is_terminal: stdout.is_terminal(),
            stdout: stdout.lock(),
            stripped: StripBytes::new(),
            pending: Vec::new(),
        }
    }

    /// Prints a part of the log.
    pub(super) fn print(&mut self, text: &[u8]) -> Result<(), ReadFailure> {
        if !self.is_terminal {
            return self.stdout.write_all(text).map_err(ReadFailure::Print);
        }
        for part in self.stripped.strip_next(text) {
            self.pending.extend_from_slice(part);
        }
        if let Some(last) = self.pending.iter().rposition(|byte| *byte == b'\n') {
            for line in self.pending[..last].split(|byte| *byte == b'\n') {
                writeln!(self.stdout, "{}", escape_bytes(line.trim_ascii_end())).map_err(ReadFailure::Print)?;
            }
            self.pending.drain(..=last);
        }
        if self.pending.len() >= MAX_PIECE { self.print_pending() } else { Ok(()) }
    }

    /// Prints everything that was given, including a line without its end.
    pub(super) fn finish(&mut self) -> Result<(), ReadFailure> {
        self.print_pending()?;
        self.stdout.flush().map_err(ReadFailure::Print)
    }

    fn print_pending(&mut self) -> Result<(), ReadFailure> {
        let shown = escape_bytes(&self.pending).into_owned();
        self.pending.clear();
        self.stdout.write_all(shown.as_bytes()).map_err(ReadFailure::Print)
    }
}
