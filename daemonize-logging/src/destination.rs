//! Decides where the records of this process go.

use crate::error::Result;
use crate::line_style::{Color, LineStyle};
use crate::syslog::Syslog;
use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{IsTerminal, stderr};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::sync::atomic::AtomicBool;

/// The destination of all records.
#[derive(Debug)]
pub(crate) enum Destination {
    /// Lines on stderr: the log of a detached daemon.
    Stderr(LineStyle),
    /// The journal, with fields, if its socket is there.
    Journal,
    Syslog(Syslog),
}

/// The choices of the program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    pub(crate) name: Option<String>,
    pub(crate) ansi: Option<bool>,
    pub(crate) without_time: bool,
    pub(crate) stderr: bool,
    pub(crate) syslog: bool,
}

impl Choice {
    /// Returns the destination of this process.
    pub(crate) fn destination(&self) -> Result<Destination> {
        if self.syslog {
            return Ok(Destination::Syslog(Syslog::connect(&self.name())?));
        }
        if !self.stderr && stderr_is_journal() {
            return Ok(Destination::Journal);
        }
        Ok(Destination::Stderr(self.line_style()))
    }

    /// Returns the style of lines on stderr.
    pub(crate) fn line_style(&self) -> LineStyle {
        let color = match self.ansi {
            Some(true) => Color::Always,
            None if wants_colors() => Color::OnTerminal(AtomicBool::new(true)),
            Some(false) | None => Color::Never,
        };
        LineStyle { time: !self.without_time, prefix: stderr_is_journal(), color }
    }

    /// Returns the name under which the journal and syslog file the records.
    pub(crate) fn name(&self) -> String {
        let own = || env::current_exe().ok().or_else(|| env::args_os().next().map(Into::into));
        let name =
            self.name.clone().or_else(|| own().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned())));
        // In `/dev/log` a space, `[` or `:` ends the name.
        let is_plain = |letter: &char| letter.is_ascii_graphic() && !"[]:<>".contains(*letter);
        name.unwrap_or_default().chars().filter(is_plain).take(64).collect()
    }
}

/// Returns `true` if stderr is a terminal that shows colours, and the user has not set `NO_COLOR` (<https://no-color.org>).
fn wants_colors() -> bool {
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    stderr().is_terminal() && !is_set("NO_COLOR") && env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}

/// Returns `true` if stderr is the socket of the journal that systemd has given this unit.
///
/// systemd names the device and inode of that socket in `JOURNAL_STREAM`. A variable that was inherited by a process with another
/// stderr does not count (`systemd.exec(5)`).
fn stderr_is_journal() -> bool {
    let status = stderr().as_fd().try_clone_to_owned().and_then(|fd| File::from(fd).metadata());
    status.is_ok_and(|status| {
        status.file_type().is_socket()
            && names_stream(env::var_os("JOURNAL_STREAM").as_deref(), status.dev(), status.ino())
    })
}

fn names_stream(variable: Option<&OsStr>, device: u64, inode: u64) -> bool {
    variable.is_some_and(|text| text == OsStr::new(&format!("{device}:{inode}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_is_named_by_device_and_inode() {
        let is_named = |text: &str| names_stream(Some(OsStr::new(text)), 9, 12345);
        assert!(is_named("9:12345"));
        for wrong in ["", "9", "9:1234", "9:12345 ", "8:12345", ":"] {
            assert!(!is_named(wrong), "{wrong}");
        }
        assert!(!names_stream(None, 9, 12345));
    }

    #[test]
    fn name_has_no_letter_that_ends_it_in_syslog() {
        let choice = Choice { name: Some("my d[1]: <3>\n".into()), ..Choice::default() };
        assert_eq!(choice.name(), "myd13");
        assert!(!Choice::default().name().is_empty());
    }
}
