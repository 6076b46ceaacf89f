//! Prints text or JSON, with or without colours, to the standard streams.

use crate::args::Arguments;
use crate::exit_status::CliError;
use crate::human_format::{escape, escape_json};
use anstream::{AutoStream, ColorChoice};
use clap::builder::styling::{AnsiColor, Style};
use daemonize_monitor::__daemonctl::bot_color;
use serde::Serialize;
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
            Tone::Warning => AnsiColor::Yellow.on_default(),
            Tone::Bad => AnsiColor::Red.on_default(),
            Tone::Dimmed => Style::new().dimmed(),
        }
    }
}

/// The settings of the output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// `true` if JSON is requested.
    pub(crate) json: bool,
    colors: bool,
    error_colors: bool,
}

impl Output {
    pub(crate) fn new(arguments: &Arguments) -> Output {
        arguments.color.write_global();
        let colors = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
        let error_colors = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
        Output { json: arguments.json, colors, error_colors }
    }

    /// Makes an output without colours.
    #[cfg(test)]
    pub(crate) fn plain() -> Output {
        Output { json: false, colors: false, error_colors: false }
    }

    /// Returns `true` if stdout is a terminal.
    #[allow(clippy::unused_self)] // Everything that is printed goes through here.
    pub(crate) fn is_terminal(self) -> bool {
        io::stdout().is_terminal()
    }

    /// Returns `true` if colours are enabled.
    pub(crate) fn has_colors(self) -> bool {
        self.colors
    }

    /// Returns a text in its colour, if colours are enabled.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        paint(self.colors, tone, text)
    }

    /// Returns the name of a bot, padded, in the colour of that bot, if colours are enabled.
    pub(crate) fn paint_name(self, name: &str, width: usize) -> String {
        let code = bot_color(name);
        if self.colors { format!("\x1b[{code}m{name:width$}\x1b[0m") } else { format!("{name:width$}") }
    }

    /// Prints a line, in which text of other programs is already escaped.
    #[allow(clippy::unused_self)] // Everything that is printed goes through here.
    pub(crate) fn line(self, text: impl Display) -> Result<(), CliError> {
        Ok(writeln!(io::stdout(), "{text}")?)
    }

    /// Prints lines as [`line`](Output::line) does, but all by one call: stdout would be written to once for each of them.
    pub(crate) fn lines(self, lines: &[String]) -> Result<(), CliError> {
        self.line(lines.join("\n"))
    }

    /// Prints a line of the output of a bot, escaped if stdout is a terminal.
    pub(crate) fn output(self, text: &str) -> Result<(), CliError> {
        if self.is_terminal() { self.line(escape(text)) } else { self.line(text) }
    }

    /// Prints one line of JSON.
    pub(crate) fn document(self, value: &impl Serialize) -> Result<(), CliError> {
        let text = serde_json::to_string(value).map_err(|error| CliError::failed("print", "JSON", error))?;
        self.line(escape_json(&text))
    }

    /// Prints a note to stderr.
    #[allow(clippy::unused_self)]
    pub(crate) fn note(self, text: impl Display) {
        let text = text.to_string();
        let _ = writeln!(io::stderr(), "{}", lines(&text));
    }

    /// Prints a warning to stderr.
    pub(crate) fn warning(self, text: &str) {
        let _ = writeln!(io::stderr(), "{} {}", paint(self.error_colors, Tone::Warning, "warning:"), lines(text));
    }

    /// Prints an error to stderr.
    pub(crate) fn error(self, text: &str) {
        let _ = writeln!(io::stderr(), "{} {}", paint(self.error_colors, Tone::Bad, "error:"), lines(text));
    }
}

fn paint(colors: bool, tone: Tone, text: &str) -> String {
    let style = if colors { tone.style() } else { Style::new() };
    format!("{style}{text}{style:#}")
}

/// Escapes each line of a text.
fn lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(escape).collect();
    lines.join("\n")
}
