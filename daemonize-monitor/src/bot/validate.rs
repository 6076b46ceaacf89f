//! Validates the specification of a bot before the bot is started, wherever the specification comes from.

use super::listen::check_addresses;
use super::name::{check_bot_name, is_variable};
use super::{Bot, LogTarget, Ready, Schedule};
use std::ffi::{OsStr, OsString};
use std::time::Duration;

/// A century, as in a configuration: beyond any use, and still safe to add to every clock.
const MAX_TIME: Duration = Duration::from_secs(100 * 365 * 86_400);

impl Bot {
    /// Validates the specification.
    ///
    /// # Errors
    ///
    /// The first field that is not valid, and how to correct it.
    pub fn check(&self) -> Result<(), String> {
        check_bot_name(&self.name)?;
        if self.command.as_os_str().is_empty() {
            return Err(format!("bot `{}` has no program", self.name));
        }
        check_addresses(&self.listen).map_err(|wrong| format!("bot `{}`: {wrong}", self.name))?;
        if let Some(group) = &self.bot_group {
            check_bot_name(group)?;
        }
        self.validate_probes().map_err(|wrong| format!("bot `{}` {wrong}", self.name))?;
        if let Some(Err(wrong)) = self.schedule.as_deref().map(Schedule::check) {
            return Err(format!("bot `{}`: `schedule`: {wrong}", self.name));
        }
        let wrong = match () {
            () if self.texts().any(|text| text.as_encoded_bytes().contains(&0)) => {
                "holds a NUL character, which no program can be given"
            }
            () if self.environment.keys().any(|name| !is_variable(name)) => "sets a variable whose name none can have",
            () if self.stop.is_empty() => "has no step to be stopped by",
            () if self.limit.window.is_zero() => "has a limit whose window is zero",
            () if self.times().any(|time| time > MAX_TIME) => "has a time that is too long: a century is the most",
            () if self.ready == Ready::Output(String::new()) => "is ready by a text that is in every line",
            () if self.stdout == LogTarget::Stdout => "sends its stdout to its stdout",
            () if !self.listen.is_empty() && self.environment.keys().any(is_of_sockets) => {
                "sets a variable `LISTEN_…`, which the monitor sets for `listen`"
            }
            () if self.umask.is_some_and(|mask| mask > 0o777) => "has a umask beyond 0o777",
            () if self.memory_max == Some(0) => "may use no memory at all",
            () if self.nice.is_some_and(|nice| !(-20..=19).contains(&nice)) => "has a nice value beyond -20 and 19",
            () if self.oom_score_adjust.is_some_and(|score| !(-1000..=1000).contains(&score)) => {
                "has an `oom_score_adjust` beyond -1000 and 1000"
            }
            () => return Ok(()),
        };
        Err(format!("bot `{}` {wrong}", self.name))
    }

    /// Returns all times in the specification.
    fn times(&self) -> impl Iterator<Item = Duration> {
        let backoff = [self.backoff.first, self.backoff.cap, self.backoff.stable_after];
        let steps = self.stop.iter().map(|step| step.timeout);
        let after = match self.ready {
            Ready::After(time) => Some(time),
            _ => None,
        };
        let check = self.check.iter().flat_map(|check| [check.every, check.timeout]);
        steps.chain(backoff).chain([self.limit.window, self.ready_timeout]).chain(after).chain(check)
    }

    /// Returns all texts, paths and names that are passed to the kernel.
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
        let given = given.chain(self.probe_programs().flat_map(|(_, argv)| argv));
        given.map(AsRef::as_ref).chain(names).chain(paths.map(|path| path.as_os_str()))
    }
}

/// Returns `true` if a variable tells a program of sockets that it is passed (`sd_listen_fds(3)`).
fn is_of_sockets(name: &OsString) -> bool {
    ["LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID", "LISTEN_PIDFDID"].iter().any(|other| name == other)
}
