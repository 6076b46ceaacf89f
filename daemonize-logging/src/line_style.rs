//! The beginning of a line: priority, time and level.

use log::Level;
use std::fmt::{self, Write};
use std::io::{IsTerminal, stderr};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::SystemTime;

/// The module of the core that logs an error right before it prints the error on stderr.
const REPORTED_TARGET: &str = "daemonize_core::report";

/// The parts that precede the text of a record in each line of stderr.
#[derive(Debug)]
pub(crate) struct LineStyle {
    pub(crate) time: bool,
    /// The line begins with the priority that journald reads: `<6>` (`sd-daemon(3)`).
    pub(crate) prefix: bool,
    pub(crate) color: Color,
}

/// The use of colours.
#[derive(Debug)]
pub(crate) enum Color {
    Never,
    Always,
    /// As long as stderr is a terminal: a logger that was set up before the start stays in the daemon, whose stderr is its log.
    OnTerminal(AtomicBool),
}

impl Color {
    /// Returns `true` if the next line has colours.
    fn is_on(&self) -> bool {
        match self {
            Color::Never => false,
            Color::Always => true,
            Color::OnTerminal(flag) => {
                let is_on = flag.load(Relaxed) && stderr().is_terminal();
                if !is_on {
                    flag.store(false, Relaxed);
                }
                is_on
            }
        }
    }
}

impl LineStyle {
    /// Writes what precedes the target.
    pub(crate) fn write_head(&self, level: Level, out: &mut dyn Write) -> fmt::Result {
        if self.prefix {
            // journald adds the time, and shows the level by the priority.
            return write!(out, "<{}>", priority(level));
        }
        let is_colored = self.color.is_on();
        if self.time {
            let now = humantime::format_rfc3339_micros(SystemTime::now());
            if is_colored { write!(out, "\x1b[2m{now}\x1b[0m ")? } else { write!(out, "{now} ")? }
        }
        let color = match level {
            Level::Error => 31,
            Level::Warn => 33,
            Level::Info => 32,
            Level::Debug => 34,
            Level::Trace => 35,
        };
        if is_colored { write!(out, "\x1b[{color}m{level:>5}\x1b[0m ") } else { write!(out, "{level:>5} ") }
    }
}

/// Returns `true` for a record whose text the core prints on stderr anyway.
pub(crate) fn is_printed_by_core(target: &str, level: Level) -> bool {
    level == Level::Error && target == REPORTED_TARGET
}

/// Returns the priority of a level (`syslog(3)`).
pub(crate) fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(style: &LineStyle, level: Level) -> String {
        let mut out = String::new();
        style.write_head(level, &mut out).unwrap();
        out
    }

    #[test]
    fn head_has_time_and_level_in_fixed_columns() {
        let style = LineStyle { time: true, prefix: false, color: Color::Never };
        let (warn, error) = (head(&style, Level::Warn), head(&style, Level::Error));
        assert_eq!((warn.len(), error.len()), ("2026-01-01T00:00:00.000000Z  WARN ".len(), warn.len()));
        assert!(warn.ends_with("Z  WARN ") && error.ends_with("Z ERROR "), "{warn:?} {error:?}");
    }

    #[test]
    fn prefix_is_the_priority_alone() {
        let style = LineStyle { time: true, prefix: true, color: Color::Always };
        assert_eq!(
            [Level::Error, Level::Warn, Level::Info, Level::Trace].map(|level| head(&style, level)),
            ["<3>", "<4>", "<6>", "<7>"]
        );
    }

    #[test]
    fn colors_end_for_good_when_stderr_is_not_a_terminal() {
        let style = LineStyle { time: false, prefix: false, color: Color::Always };
        assert_eq!(head(&style, Level::Error), "\x1b[31mERROR\x1b[0m ");
        // Tests have no terminal under cargo; where they do, it stays one.
        let color = Color::OnTerminal(AtomicBool::new(true));
        assert_eq!(color.is_on(), stderr().is_terminal());
    }
}
