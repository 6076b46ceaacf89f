//! The methods that set the fields of a bot.

use super::{
    Backoff, Bot, CgroupLimits, Limit, ListenAddress, LogTarget, Ready, Resource, ResourceLimit, Restart, StopStep,
};
use daemonize_core::Signal;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

impl Bot {
    /// Adds an argument.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<OsString>) -> Bot {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn arguments<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Bot {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Bot {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Does not let the bot inherit the monitor's environment.
    #[must_use]
    pub fn clear_environment(mut self) -> Bot {
        self.clear_environment = true;
        self
    }

    /// Sets the working directory; `/` by default.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Bot {
        self.directory = Some(directory.into());
        self
    }

    /// Sets the user that the bot runs as, by name or number.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Bot {
        self.user = Some(user.into());
        self
    }

    /// Sets the group that the bot runs as, by name or number.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Bot {
        self.group = Some(group.into());
        self
    }

    /// Sets the file mode creation mask; `0o022` by default.
    #[must_use]
    pub fn umask(mut self, umask: u32) -> Bot {
        self.umask = Some(umask);
        self
    }

    /// Sets `PR_SET_NO_NEW_PRIVS`; by default set if the bot has a [`user`](Bot::user).
    #[must_use]
    pub fn no_new_privs(mut self, yes: bool) -> Bot {
        self.no_new_privs = Some(yes);
        self
    }

    /// Sets whether the bot starts when the monitor starts; `true` by default.
    #[must_use]
    pub fn autostart(mut self, autostart: bool) -> Bot {
        self.autostart = autostart;
        self
    }

    /// Sets the number of instances.
    #[must_use]
    pub fn instances(mut self, count: u32) -> Bot {
        self.instances = Some(count);
        self
    }

    /// Sets the exits after which the bot is restarted.
    #[must_use]
    pub fn restart(mut self, restart: Restart) -> Bot {
        self.restart = restart;
        self
    }

    /// Sets how many exits within `window` are followed by a restart; 5 per hour by default.
    #[must_use]
    pub fn limit(mut self, exits: u32, window: Duration) -> Bot {
        self.limit = Limit { exits, window };
        self
    }

    /// Sets the delay before a restart.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Bot {
        self.backoff = backoff;
        self
    }

    /// Sets the signals that stop the bot, each with its timeout.
    #[must_use]
    pub fn stop(mut self, steps: impl IntoIterator<Item = (Signal, Duration)>) -> Bot {
        self.stop = steps.into_iter().map(|(signal, timeout)| StopStep { signal, timeout }).collect();
        self
    }

    /// Starts this bot after `name` is ready, and stops it before `name`.
    #[must_use]
    pub fn depends_on(mut self, name: impl Into<String>) -> Bot {
        self.depends_on.push(name.into());
        self
    }

    /// Sets the condition under which the bot is ready.
    #[must_use]
    pub fn ready(mut self, ready: Ready) -> Bot {
        self.ready = ready;
        self
    }

    /// Sets the time within which the bot must become ready; 60 s by default.
    #[must_use]
    pub fn ready_timeout(mut self, timeout: Duration) -> Bot {
        self.ready_timeout = timeout;
        self
    }

    /// Adds an address on which the monitor listens: the bot finds the socket from descriptor 3 on, as from systemd
    /// (`sd_listen_fds(3)`). All instances share it, and it stays open while they restart.
    #[must_use]
    pub fn listen(mut self, address: ListenAddress) -> Bot {
        self.listen.push(address);
        self
    }

    /// Sets the target of stdout.
    #[must_use]
    pub fn stdout(mut self, target: impl Into<LogTarget>) -> Bot {
        self.stdout = target.into();
        self
    }

    /// Sets the target of stderr; the same as stdout by default.
    #[must_use]
    pub fn stderr(mut self, target: impl Into<LogTarget>) -> Bot {
        self.stderr = target.into();
        self
    }

    /// Sets the most memory that all its processes may use together, in bytes.
    #[must_use]
    pub fn memory_max(mut self, bytes: u64) -> Bot {
        self.memory_max = Some(bytes);
        self
    }

    /// Sets the nice value, from -20 to 19.
    #[must_use]
    pub fn nice(mut self, nice: i8) -> Bot {
        self.nice = Some(nice);
        self
    }

    /// Limits a resource of each of its processes (`setrlimit(2)`).
    #[must_use]
    pub fn rlimit(mut self, resource: Resource, limit: impl Into<ResourceLimit>) -> Bot {
        self.rlimits.insert(resource, limit.into());
        self
    }

    /// Sets how likely the kernel kills it when memory is short, from -1000 to 1000.
    #[must_use]
    pub fn oom_score_adjust(mut self, adjustment: i16) -> Bot {
        self.oom_score_adjust = Some(adjustment);
        self
    }

    /// Sets the limits of its control group.
    #[must_use]
    pub fn cgroup(mut self, limits: CgroupLimits) -> Bot {
        self.cgroup = Some(Box::new(limits));
        self
    }
}
