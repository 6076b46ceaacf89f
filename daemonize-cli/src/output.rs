//! Prints lines to the standard streams, with colours on a terminal only. Text of other processes is escaped here or by the caller.

use crate::exit_status::Failed;
use clap::builder::styling::{AnsiColor, Style};
use daemonize_sys::escape::{escape_lines, is_escaped};
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

/// The meaning of a text, shown by its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// On the way, or worth a look.
    Warning,
    /// Wrong.
    Bad,
    /// At rest.
    Dimmed,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Warning => AnsiColor::Yellow.on_default().bold(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
            Tone::Dimmed => Style::new().dimmed(),
        }
    }

    /// Returns a text in its colour.
    pub(crate) fn paint(self, text: impl Display) -> String {
        let style = self.style();
        format!("{style}{text}{style:#}")
    }
}

/// Prints a line on stdout. A closed pipe is not an error of a verb that has done its work.
pub(crate) fn line(text: impl Display) {
    let mut stdout = anstream::stdout().lock();
    let _ = writeln!(stdout, "{text}");
    let _ = stdout.flush();
}

/// Prints `myd: TEXT` on stdout, escaped except for line ends.
pub(crate) fn say(name: &str, text: impl Display) {
    line(escape_lines(&format!("{name}: {text}")));
}

/// Prints a note on stderr, escaped except for line ends.
pub(crate) fn note(text: impl Display) {
    print_error(&escape_lines(&text.to_string()));
}

/// Prints a warning on stderr, escaped except for line ends.
pub(crate) fn warning(text: impl Display) {
    print_error(&format!("{} {}", Tone::Warning.paint("warning:"), escape_lines(&text.to_string())));
}

/// Prints a failure on stderr; a requested help or version on stdout.
pub(crate) fn failure(failed: &Failed) {
    match failed {
        // clap repeats arguments as they are, between its own colours. A script may have received them from another user.
        Failed::Usage(error) if error.use_stderr() && arguments_are_escaped() => {
            print_error(escape_lines(&error.render().to_string()).trim_end());
        }
        Failed::Usage(error) => drop(error.print()),
        _ => print_error(&format!("{} {}", Tone::Bad.paint("error:"), escape_lines(&failed.to_string()))),
    }
}

/// Returns `true` if an argument of this process has characters that a terminal must not receive.
fn arguments_are_escaped() -> bool {
    std::env::args_os().any(|argument| argument.to_string_lossy().contains(is_escaped))
}

fn print_error(text: &str) {
    let _ = io::stdout().flush();
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Returns `true` if stderr is a terminal that shows colours.
pub(crate) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}
