//! What one program is to run as, and what to do when it ends: plain data.

mod check;
mod parts;
mod program;
mod stop_time;

pub(crate) use check::{check_name, is_variable};
pub(crate) use parts::LARGEST_LIMIT;
pub use parts::{Backoff, Limit, Log, LogTarget, Ready, Restart, StopStep};

use daemonize_core::Signal;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Between a bot's name and the number of its instance; no name contains it.
const INSTANCE: char = ':';

/// The variable that tells an instance its number, from 1.
const INSTANCE_VARIABLE: &str = "DAEMON_INSTANCE";

/// The specification of one program that is kept alive.
///
/// ```
/// use daemonize_monitor::{Bot, Ready, Restart};
/// use std::time::Duration;
///
/// let db = Bot::new("db", "/usr/lib/db").user("db").ready(Ready::Notify);
/// let web = Bot::new("web", "/usr/bin/web").argument("-v").depends_on("db").restart(Restart::OnFailure).instances(2);
/// assert_eq!(web.units().iter().map(|unit| &*unit.name).collect::<Vec<_>>(), ["web:1", "web:2"]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Bot {
    /// What it is called, by commands and by those that depend on it.
    pub name: String,
    /// The program, executed directly: no shell looks at it. A name without `/` is looked for in `PATH`.
    pub command: PathBuf,
    /// What it is given after its own name.
    pub arguments: Vec<OsString>,
    /// Variables set in its environment.
    pub environment: BTreeMap<OsString, OsString>,
    /// Whether it gets nothing of the monitor's own environment.
    pub clear_environment: bool,
    /// Its working directory; `/` if `None`, wherever the monitor itself runs.
    pub directory: Option<PathBuf>,
    /// As whom, by name or number; as the monitor's user if `None`.
    pub user: Option<String>,
    /// The group, by name or number; the user's own if `None`.
    pub group: Option<String>,
    /// Which permissions its files do not get, up to `0o777`; `0o022` if `None`, whatever the monitor's own mask is.
    pub umask: Option<u32>,
    /// Whether no program that it executes may give it more rights (`PR_SET_NO_NEW_PRIVS`), so that `sudo` and the like do
    /// not work in it; if `None`, when it has a user.
    pub no_new_privs: Option<bool>,
    /// Whether it starts with the monitor.
    pub autostart: bool,
    /// How many of it run, as `NAME:1`, `NAME:2` and so on; one, by its own name, if `None`.
    pub instances: Option<u32>,
    /// When it is started again.
    pub restart: Restart,
    /// How often, before it is given up.
    pub limit: Limit,
    /// How soon.
    pub backoff: Backoff,
    /// How it is stopped, step by step. What is still there after the last step is sent `SIGKILL`.
    pub stop: Vec<StopStep>,
    /// Which bots must be ready before it is started; they are stopped after it. `db` means all instances of `db`.
    pub depends_on: Vec<String>,
    /// How one knows that it is ready.
    pub ready: Ready,
    /// How long it may take to become ready; then it is stopped, which counts as an exit.
    pub ready_timeout: Duration,
    /// Where its output goes.
    pub stdout: LogTarget,
    /// Where its errors go.
    pub stderr: LogTarget,
}

impl Bot {
    /// A bot that starts with the monitor, is always restarted (5 exits per hour are forgiven), is stopped by
    /// `SIGTERM` and 10 s later by `SIGKILL`, and is ready when it has run for 1 s.
    pub fn new(name: impl Into<String>, command: impl Into<PathBuf>) -> Bot {
        Bot {
            name: name.into(),
            command: command.into(),
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            clear_environment: false,
            directory: None,
            user: None,
            group: None,
            umask: None,
            no_new_privs: None,
            autostart: true,
            instances: None,
            restart: Restart::default(),
            limit: Limit::default(),
            backoff: Backoff::default(),
            stop: vec![StopStep { signal: Signal::SIGTERM, timeout: Duration::from_secs(10) }],
            depends_on: Vec::new(),
            ready: Ready::default(),
            ready_timeout: Duration::from_secs(60),
            stdout: LogTarget::Memory,
            stderr: LogTarget::Stdout,
        }
    }

    /// The name without the number of an instance: what dependencies and commands may mean.
    pub fn family(&self) -> &str {
        family(&self.name)
    }

    /// What really runs: the bot itself, or its instances, each with a name, log files and `DAEMON_INSTANCE` of its own
    /// (`web.log` becomes `web:2.log`).
    pub fn units(&self) -> Vec<Bot> {
        self.clone().into_units()
    }

    pub(crate) fn into_units(self) -> Vec<Bot> {
        match self.instances {
            None => vec![self],
            Some(count) => (1..=count).map(|number| self.unit(number)).collect(),
        }
    }

    fn unit(&self, number: u32) -> Bot {
        let mut unit = self.clone();
        unit.instances = None;
        unit.name = format!("{}{INSTANCE}{number}", self.name);
        unit.environment.insert(INSTANCE_VARIABLE.into(), number.to_string().into());
        for target in [&mut unit.stdout, &mut unit.stderr] {
            if let LogTarget::File(log) = target {
                log.path = numbered(&log.path, number);
            }
        }
        unit
    }
}

/// A name without the number of an instance.
pub(crate) fn family(name: &str) -> &str {
    name.split_once(INSTANCE).map_or(name, |(family, _)| family)
}

/// `web.log` → `web:2.log`.
fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("{INSTANCE}{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// The builder.
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
