//! The methods that set the fields of a bot.

use super::{Backoff, Bot, Limit, LogTarget, Ready, Restart, StopStep};
use daemonize_core::Signal;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

impl Bot {
    /// One more argument.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<OsString>) -> Bot {
        self.arguments.push(argument.into());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn arguments<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Bot {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Bot {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Gives it nothing of the monitor's own environment.
    #[must_use]
    pub fn clear_environment(mut self) -> Bot {
        self.clear_environment = true;
        self
    }

    /// Sets its working directory; `/` unless this is called.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Bot {
        self.directory = Some(directory.into());
        self
    }

    /// As whom it runs, by name or number.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Bot {
        self.user = Some(user.into());
        self
    }

    /// Its group, by name or number.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Bot {
        self.group = Some(group.into());
        self
    }

    /// Which permissions its files do not get; `0o022` unless this is said.
    #[must_use]
    pub fn umask(mut self, umask: u32) -> Bot {
        self.umask = Some(umask);
        self
    }

    /// Whether no program that it executes may give it more rights; otherwise none may if it has a user.
    #[must_use]
    pub fn no_new_privs(mut self, yes: bool) -> Bot {
        self.no_new_privs = Some(yes);
        self
    }

    /// Whether it starts with the monitor.
    #[must_use]
    pub fn autostart(mut self, autostart: bool) -> Bot {
        self.autostart = autostart;
        self
    }

    /// How many of it run.
    #[must_use]
    pub fn instances(mut self, count: u32) -> Bot {
        self.instances = Some(count);
        self
    }

    /// When it is started again.
    #[must_use]
    pub fn restart(mut self, restart: Restart) -> Bot {
        self.restart = restart;
        self
    }

    /// How many exits within which time are forgiven.
    #[must_use]
    pub fn limit(mut self, exits: u32, window: Duration) -> Bot {
        self.limit = Limit { exits, window };
        self
    }

    /// How long it waits before it is started again.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Bot {
        self.backoff = backoff;
        self
    }

    /// How it is stopped: signals with the time that each of them has.
    #[must_use]
    pub fn stop(mut self, steps: impl IntoIterator<Item = (Signal, Duration)>) -> Bot {
        self.stop = steps.into_iter().map(|(signal, timeout)| StopStep { signal, timeout }).collect();
        self
    }

    /// Starts it only when that bot is ready, and stops it before that one.
    #[must_use]
    pub fn depends_on(mut self, name: impl Into<String>) -> Bot {
        self.depends_on.push(name.into());
        self
    }

    /// How one knows that it is ready.
    #[must_use]
    pub fn ready(mut self, ready: Ready) -> Bot {
        self.ready = ready;
        self
    }

    /// How long it may take to become ready.
    #[must_use]
    pub fn ready_timeout(mut self, timeout: Duration) -> Bot {
        self.ready_timeout = timeout;
        self
    }

    /// Where its output goes.
    #[must_use]
    pub fn stdout(mut self, target: impl Into<LogTarget>) -> Bot {
        self.stdout = target.into();
        self
    }

    /// Where its errors go; with its output unless this is said.
    #[must_use]
    pub fn stderr(mut self, target: impl Into<LogTarget>) -> Bot {
        self.stderr = target.into();
        self
    }
}
