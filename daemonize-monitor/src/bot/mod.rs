//! The specification of a bot: how its program is run, restarted and stopped.

mod bot_group;
mod builder;
mod check;
mod cron;
mod hook_builder;
mod hooks;
mod http_url;
mod listen;
mod name;
mod parts;
mod probes;
mod program;
mod resources;
mod schedule;
mod scheduled_action;
mod stop_time;
mod validate;

pub use check::{Check, Probe};
pub use hooks::Hooks;
pub(crate) use http_url::HttpServer;
pub use http_url::HttpUrl;
pub use listen::ListenAddress;
pub(crate) use listen::check_addresses;
pub(crate) use name::{ALL_BOTS, check_bot_name, check_name, is_variable};
pub(crate) use parts::LARGEST_LIMIT;
pub use parts::{Backoff, Limit, Log, LogTarget, Ready, Restart, StopStep};
pub use resources::{CgroupLimits, Resource, ResourceLimit, ResourceLimits};
pub use schedule::{MissedRuns, Schedule, ScheduledAction, ScheduledTimes};

use daemonize_core::Signal;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Separates a bot's name from the instance number; not allowed in a name.
const INSTANCE: char = ':';

/// The environment variable that holds the number of the instance, starting at 1.
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
    /// The name, used by commands and in the `depends_on` of other bots.
    pub name: String,
    /// The program, executed without a shell. A name without `/` is searched for in `PATH`.
    pub command: PathBuf,
    /// The arguments after the program's name (`argv[1]` and following).
    pub arguments: Vec<OsString>,
    /// Environment variables that are set for the bot.
    pub environment: BTreeMap<OsString, OsString>,
    /// If `true`, the bot does not inherit the monitor's environment.
    pub clear_environment: bool,
    /// The working directory; `/` if `None`, regardless of the monitor's own.
    pub directory: Option<PathBuf>,
    /// The user, by name or number; the monitor's user if `None`.
    pub user: Option<String>,
    /// The group, by name or number; the user's primary group if `None`.
    pub group: Option<String>,
    /// The file mode creation mask, up to `0o777`; `0o022` if `None`, regardless of the monitor's own mask.
    pub umask: Option<u32>,
    /// If `true`, no program that the bot executes can gain privileges (`PR_SET_NO_NEW_PRIVS`, see `prctl(2)`), so that
    /// `sudo` does not work in it. `None` means `true` if the bot has a [`user`](Bot::user).
    pub no_new_privs: Option<bool>,
    /// If `true`, the bot starts when the monitor starts.
    pub autostart: bool,
    /// The number of instances, named `NAME:1`, `NAME:2` and so on; `None` means one bot with the plain name.
    pub instances: Option<u32>,
    /// The exits after which the bot is restarted.
    pub restart: Restart,
    /// The number of exits within a time window that are followed by a restart.
    pub limit: Limit,
    /// The delay before a restart.
    pub backoff: Backoff,
    /// The signals that stop the bot, with their timeouts. Processes left after the last step are sent `SIGKILL`.
    pub stop: Vec<StopStep>,
    /// The bots that must be ready before this bot starts, and that stop after it. `db` means all instances of `db`.
    pub depends_on: Vec<String>,
    /// The condition under which the bot is ready.
    pub ready: Ready,
    /// The time within which the bot must become ready. A bot that does not is stopped, which counts as an exit.
    pub ready_timeout: Duration,
    /// The check that is made while the bot runs.
    pub check: Option<Box<Check>>,
    /// The addresses on which the monitor listens for the bot, see [`ListenAddress`].
    pub listen: Vec<ListenAddress>,
    /// The target of stdout.
    pub stdout: LogTarget,
    /// The target of stderr.
    pub stderr: LogTarget,
    /// The group of bots that it belongs to, by which commands reach all of them.
    pub bot_group: Option<String>,
    /// Its instances, if its table says different things about them (`${INSTANCE}`).
    pub(crate) instance_bots: Option<Box<[Bot]>>,
    /// The times at which the monitor starts or restarts it.
    pub schedule: Option<Box<Schedule>>,
    /// The commands that report what happens to the bot.
    pub hooks: Option<Box<Hooks>>,
    /// The most memory that all its processes may use together, in bytes: anonymous memory, in RAM and swap. A bot that uses more is
    /// stopped, which counts as an exit. Unlimited if `None`.
    pub memory_max: Option<u64>,
    /// The nice value, from -20 (the most processor time) to 19 (`setpriority(2)`); the monitor's if `None`.
    pub nice: Option<i8>,
    /// The limits of its processes (`setrlimit(2)`); the monitor's own for resources that are not there.
    pub rlimits: ResourceLimits,
    /// How likely the kernel kills it when memory is short, from -1000 (never) to 1000 (`proc_pid_oom_score_adj(5)`); the monitor's if
    /// `None`.
    pub oom_score_adjust: Option<i16>,
    /// The limits of its control group; none if `None`.
    pub cgroup: Option<Box<CgroupLimits>>,
}

impl Bot {
    /// Creates a bot that starts with the monitor, is always restarted (up to 5 exits per hour), is stopped by
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
            check: None,
            listen: Vec::new(),
            stdout: LogTarget::Memory,
            stderr: LogTarget::Stdout,
            bot_group: None,
            instance_bots: None,
            schedule: None,
            hooks: None,
            memory_max: None,
            nice: None,
            rlimits: ResourceLimits::new(),
            oom_score_adjust: None,
            cgroup: None,
        }
    }

    /// Returns the name without the instance number, as dependencies and commands may use it.
    pub fn family(&self) -> &str {
        family(&self.name)
    }

    /// Returns the bot itself, or its instances, each with its own name, log files and `DAEMON_INSTANCE`
    /// (`web.log` becomes `web:2.log`).
    pub fn units(&self) -> Vec<Bot> {
        self.clone().into_units()
    }

    pub(crate) fn into_units(self) -> Vec<Bot> {
        if let Some(bots) = self.instance_bots {
            return bots.into_vec();
        }
        match self.instances {
            Some(count) => (1..=count).map(|number| self.clone().into_instance(number, [false; 2])).collect(),
            None => vec![self],
        }
    }

    /// Makes one instance of the bot. `has_own_logs`: the paths of stdout and stderr are those of the instance already.
    pub(crate) fn into_instance(mut self, number: u32, has_own_logs: [bool; 2]) -> Bot {
        (self.instances, self.instance_bots) = (None, None);
        self.name = format!("{}{INSTANCE}{number}", self.name);
        self.environment.insert(INSTANCE_VARIABLE.into(), number.to_string().into());
        for (target, is_own) in [&mut self.stdout, &mut self.stderr].into_iter().zip(has_own_logs) {
            if let LogTarget::File(log) = target {
                if !is_own {
                    log.path = numbered(&log.path, number);
                }
            }
        }
        self
    }

    /// Returns the bots as they were read: the instances, if they differ by more than their number, else the bot itself.
    pub(crate) fn as_read(&self) -> &[Bot] {
        self.instance_bots.as_deref().unwrap_or(std::slice::from_ref(self))
    }
}

/// Returns a name without its instance number.
pub(crate) fn family(name: &str) -> &str {
    name.split_once(INSTANCE).map_or(name, |(family, _)| family)
}

/// Inserts the instance number into a file name: `web.log` becomes `web:2.log`.
fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("{INSTANCE}{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}
