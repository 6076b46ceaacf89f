//! What must hold of a bot before anybody starts it, wherever its specification comes from.

use super::{Bot, LogTarget, Ready};
use std::ffi::OsStr;
use std::time::Duration;

/// A century, as in a configuration: beyond any use, and still safe to add to every clock.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// The longest name, in bytes.
const LONGEST_NAME: usize = 64;

impl Bot {
    /// Whether it can be run at all.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it, and what to do.
    pub fn check(&self) -> Result<(), String> {
        check_name(&self.name)?;
        if self.command.as_os_str().is_empty() {
            return Err(format!("bot `{}` has no program", self.name));
        }
        let wrong = match () {
            () if self.texts().any(|text| text.as_encoded_bytes().contains(&0)) => {
                "holds a NUL character, which no program can be given"
            }
            () if self.environment.keys().any(|name| !is_variable(name)) => "sets a variable whose name none can have",
            () if self.stop.is_empty() => "has no step to be stopped by",
            () if self.limit.window.is_zero() => "has a limit whose window is zero",
            () if self.times().any(|time| time > LONGEST) => "has a time that is too long: a century is the most",
            () if self.ready == Ready::Output(String::new()) => "is ready by a text that is in every line",
            () if self.stdout == LogTarget::Stdout => "sends its stdout to its stdout",
            () if self.umask.is_some_and(|mask| mask > 0o777) => "has a umask beyond 0o777",
            () => return Ok(()),
        };
        Err(format!("bot `{}` {wrong}", self.name))
    }

    /// Everything that it is given as a time.
    fn times(&self) -> impl Iterator<Item = Duration> {
        let backoff = [self.backoff.first, self.backoff.cap, self.backoff.stable_after];
        let steps = self.stop.iter().map(|step| step.timeout);
        let after = match self.ready {
            Ready::After(time) => Some(time),
            _ => None,
        };
        steps.chain(backoff).chain([self.limit.window, self.ready_timeout]).chain(after)
    }

    /// Everything that it is given as text, and every path and name that the kernel is told for it.
    fn texts(&self) -> impl Iterator<Item = &OsStr> {
        let given = self.arguments.iter().chain(self.environment.keys()).chain(self.environment.values());
        let names = [&self.user, &self.group].into_iter().flatten().map(OsStr::new);
        let logs = [&self.stdout, &self.stderr].into_iter().filter_map(|target| match target {
            LogTarget::File(log) => Some(&log.path),
            _ => None,
        });
        let ready = match &self.ready {
            Ready::File(path) => Some(path),
            _ => None,
        };
        let paths = [&self.command].into_iter().chain(&self.directory).chain(logs).chain(ready);
        given.map(AsRef::as_ref).chain(names).chain(paths.map(|path| path.as_os_str()))
    }
}

/// Whether a variable can have this name.
pub(crate) fn is_variable(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    !bytes.is_empty() && !bytes.contains(&b'=') && !bytes.contains(&0)
}

/// A name of a bot or a monitor: it is part of file names, commands and log lines, so it is plain.
pub(crate) fn check_name(text: &str) -> Result<String, String> {
    let plain = |letter: char| letter.is_alphanumeric() || "-_.+@".contains(letter);
    let why = match text.chars().find(|letter| !plain(*letter)) {
        _ if text.is_empty() => "it is empty".to_owned(),
        Some(letter) => format!("{letter:?} cannot be in a name"),
        None if !text.starts_with(char::is_alphanumeric) => "a name begins with a letter or a digit".to_owned(),
        None if text.len() > LONGEST_NAME => format!("a name has at most {LONGEST_NAME} bytes"),
        None => return Ok(text.to_owned()),
    };
    Err(format!("{text:?} is no name: {why}; write letters, digits and `-_.+@`"))
}
