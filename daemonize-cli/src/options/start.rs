//! The standard options of `start`, `run` and `restart`, which override the daemon's keys.

use super::DAEMON_OPTIONS;
use super::read::{implement_args, value};
use super::strip::{Removed, without};
use super::target::TargetOptions;
use clap::{Arg, ArgMatches, ValueHint, value_parser};
use daemonize_core::Daemon;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// The standard options of `start`, `run` and `restart`: `--pidfile`, `--log`, `--run-as`, `--group`, `--working-directory`,
/// `--start-timeout`, `--name`, `--lsb`, and `--log-level` with the library's logging. Each overrides the key of the daemon.
#[derive(Clone, Debug, Default)]
pub struct StartOptions {
    pub(crate) target: TargetOptions,
    pub(crate) log: Option<PathBuf>,
    pub(crate) user: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) working_directory: Option<PathBuf>,
    pub(crate) start_timeout: Option<Duration>,
    pub(crate) log_level: Option<String>,
}

const LOG: &str = "daemon:log";
const USER: &str = "daemon:run-as";
const GROUP: &str = "daemon:group";
const WORKING_DIRECTORY: &str = "daemon:working-directory";
const START_TIMEOUT: &str = "daemon:start-timeout";
pub(super) const LOG_LEVEL: &str = "daemon:log-level";

/// Returns the option `--log-level`, in a program with the library's logging.
pub(super) fn log_level_argument() -> Option<Arg> {
    let option = Arg::new(LOG_LEVEL)
        .long("log-level")
        .value_name("LEVEL")
        .help_heading(DAEMON_OPTIONS)
        .help("Log level, such as `debug` or `warn,web=trace`, in place of RUST_LOG");
    cfg!(feature = "logging").then_some(option)
}

impl StartOptions {
    pub(super) fn arguments() -> Vec<Arg> {
        let option = |id: &'static str, value: &'static str, help: &'static str| {
            let long = id.trim_start_matches(super::PREFIX);
            Arg::new(id).long(long).value_name(value).help_heading(DAEMON_OPTIONS).help(help)
        };
        let mut arguments = Vec::from(TargetOptions::arguments());
        arguments.extend([
            option(LOG, "PATH", "File for the output of the daemon")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath),
            option(USER, "USER", "User to run as, by name or number").value_hint(ValueHint::Username),
            option(GROUP, "GROUP", "Group to run as, by name or number"),
            option(WORKING_DIRECTORY, "DIRECTORY", "Working directory of the daemon")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::DirPath),
            option(START_TIMEOUT, "TIME", "Limit of the start, such as `30s` or `2min`").value_parser(parse_duration),
        ]);
        arguments.extend(log_level_argument());
        arguments
    }

    pub(crate) fn read(matches: &ArgMatches) -> StartOptions {
        StartOptions {
            target: TargetOptions::read(matches),
            log: value(matches, LOG),
            user: value(matches, USER),
            group: value(matches, GROUP),
            working_directory: value(matches, WORKING_DIRECTORY),
            start_timeout: value(matches, START_TIMEOUT),
            log_level: value(matches, LOG_LEVEL),
        }
    }

    /// Returns the daemon with these options in place of its keys.
    pub(crate) fn apply(&self, daemon: Daemon) -> Daemon {
        self.apply_instance(daemon)
            .pidfile(self.target.pidfile.clone())
            .log(self.log.clone())
            .user(self.user.clone())
            .group(self.group.clone())
            .working_directory(self.working_directory.clone())
            .start_timeout(self.start_timeout)
    }

    /// Gives an instance its own name, pidfile and log.
    fn apply_instance(&self, daemon: Daemon) -> Daemon {
        let Some(instance) = &self.target.instance else { return daemon };
        let settings = daemon.settings();
        let name = instance.daemon_name(settings.name());
        let [pidfile, log] = [settings.pidfile(), settings.log()].map(|path| path.map(|path| instance.path(path)));
        let daemon = daemon.name(name).pidfile(pidfile);
        // A log of the options replaces it, and one that is set has options of its own, such as its size.
        match log.filter(|_| self.log.is_none()) {
            Some(log) => daemon.log(log),
            None => daemon,
        }
    }

    /// Returns the arguments without the options that choose a daemon and do not describe it: its instance, the kind of exit
    /// statuses, and the log level, which a restart changes alone.
    pub(crate) fn without_choice(&self, arguments: &[OsString]) -> Vec<OsString> {
        let mut removed = Vec::new();
        // Unless it is an option of the program that has the name.
        if self.target.instance.is_some() {
            removed.push(Removed { name: "--name", has_value: true });
        }
        if self.target.lsb {
            removed.push(Removed { name: "--lsb", has_value: false });
        }
        if self.log_level.is_some() {
            removed.push(LOG_LEVEL_OPTION);
        }
        without(arguments, &removed)
    }

    /// Returns arguments of an earlier start with the log level of these options, if that is set.
    pub(crate) fn with_log_level(&self, arguments: &[OsString]) -> Vec<OsString> {
        let Some(level) = &self.log_level else { return arguments.to_vec() };
        let level = [OsString::from(LOG_LEVEL_OPTION.name), OsString::from(level)];
        level.into_iter().chain(without(arguments, &[LOG_LEVEL_OPTION])).collect()
    }

    /// Returns the command line of these options.
    pub(crate) fn to_arguments(&self) -> Vec<OsString> {
        let text = |text: &String| OsString::from(text);
        let time = |time: &Duration| OsString::from(humantime::format_duration(*time).to_string());
        let path = |path: &PathBuf| path.clone().into_os_string();
        let options = [
            ("--log", self.log.as_ref().map(path)),
            ("--run-as", self.user.as_ref().map(text)),
            ("--group", self.group.as_ref().map(text)),
            ("--working-directory", self.working_directory.as_ref().map(path)),
            ("--start-timeout", self.start_timeout.as_ref().map(time)),
            ("--log-level", self.log_level.as_ref().map(text)),
        ];
        let given = options.into_iter().filter_map(|(option, value)| Some([OsString::from(option), value?]));
        self.target.to_arguments().into_iter().chain(given.flatten()).collect()
    }
}

/// The option `--log-level` among arguments.
const LOG_LEVEL_OPTION: Removed = Removed { name: "--log-level", has_value: true };

/// Parses a duration; a number without a unit is in seconds.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map(Duration::from_secs);
    let time = seconds
        .or_else(|_| humantime::parse_duration(text))
        .map_err(|error| format!("{error}: write `30s` or `2min`"))?;
    if time.is_zero() { Err("it is zero: a start takes time".to_owned()) } else { Ok(time) }
}

implement_args!(StartOptions);
