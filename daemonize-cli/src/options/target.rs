//! The options that say which daemon of the program a verb is about.

use super::DAEMON_OPTIONS;
use super::instance::InstanceName;
use super::read::{flag, implement_args, value};
use clap::{Arg, ArgAction, ArgMatches, ValueHint, value_parser};
use std::ffi::OsString;
use std::path::PathBuf;

/// The options of the verbs that act on a running daemon: `--name INSTANCE`, `--pidfile PATH`, `--lsb`.
#[derive(Clone, Debug, Default)]
pub struct TargetOptions {
    pub(crate) instance: Option<InstanceName>,
    pub(crate) pidfile: Option<PathBuf>,
    pub(crate) lsb: bool,
}

const INSTANCE: &str = "daemon:name";
const PIDFILE: &str = "daemon:pidfile";
const LSB: &str = "daemon:lsb";

impl TargetOptions {
    pub(super) fn arguments() -> [Arg; 3] {
        [
            Arg::new(INSTANCE)
                .long("name")
                .value_name("INSTANCE")
                .value_parser(InstanceName::parse)
                .help_heading(DAEMON_OPTIONS)
                .help("Instance of the daemon, with its own pidfile, log and unit"),
            Arg::new(PIDFILE)
                .long("pidfile")
                .value_name("PATH")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .help_heading(DAEMON_OPTIONS)
                .help("Pidfile of the daemon"),
            TargetOptions::lsb_argument(),
        ]
    }

    /// Returns the flag `--lsb`.
    pub(crate) fn lsb_argument() -> Arg {
        Arg::new(LSB)
            .long("lsb")
            .action(ArgAction::SetTrue)
            .help_heading(DAEMON_OPTIONS)
            .help("Exit with the statuses of an LSB init script")
    }

    /// Returns the command line of the options that choose the daemon.
    pub(crate) fn to_arguments(&self) -> Vec<OsString> {
        let instance = self.instance.as_ref().map(|name| OsString::from(name.to_string()));
        let pidfile = self.pidfile.clone().map(PathBuf::into_os_string);
        let given = [("--name", instance), ("--pidfile", pidfile)];
        given.into_iter().filter_map(|(option, value)| Some([option.into(), value?])).flatten().collect()
    }

    pub(crate) fn read(matches: &ArgMatches) -> TargetOptions {
        TargetOptions { instance: value(matches, INSTANCE), pidfile: value(matches, PIDFILE), lsb: flag(matches, LSB) }
    }
}

implement_args!(TargetOptions);
