//! The options of `status`, `reload`, `send` and `logs`.

use super::log_lines::LineCount;
use super::read::{flag, implement_args, value};
use super::start::{LOG_LEVEL, log_level_argument};
use super::target::TargetOptions;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches};
use daemonize_core::Signal;

/// The options of `status`: `--json`, and those of [`TargetOptions`].
#[derive(Clone, Debug, Default)]
pub struct StatusOptions {
    pub(crate) target: TargetOptions,
    pub(crate) json: bool,
}

/// The options of `reload`: those of [`TargetOptions`], and `--log-level` with the library's logging.
#[derive(Clone, Debug, Default)]
pub struct ReloadOptions {
    pub(crate) target: TargetOptions,
    pub(crate) log_level: Option<String>,
}

/// The options of `send`: the signal, and those of [`TargetOptions`].
#[derive(Clone, Debug)]
pub struct SendOptions {
    pub(crate) target: TargetOptions,
    pub(crate) signal: Signal,
}

/// The options of `logs`: `--follow`, `--lines`, and those of [`TargetOptions`].
#[derive(Clone, Debug)]
pub struct LogsOptions {
    pub(crate) target: TargetOptions,
    pub(crate) follow: bool,
    pub(crate) lines: LineCount,
}

const JSON: &str = "daemon:json";
const SIGNAL: &str = "daemon:signal";
const FOLLOW: &str = "daemon:follow";
const LINES: &str = "daemon:lines";

/// The number of lines that `logs` prints by default.
const DEFAULT_LINES: LineCount = LineCount::Last(10);

impl StatusOptions {
    fn arguments() -> Vec<Arg> {
        let json = Arg::new(JSON).long("json").action(ArgAction::SetTrue).help("Print JSON");
        std::iter::once(json).chain(TargetOptions::arguments()).collect()
    }

    fn read(matches: &ArgMatches) -> StatusOptions {
        StatusOptions { target: TargetOptions::read(matches), json: flag(matches, JSON) }
    }
}

impl ReloadOptions {
    fn arguments() -> Vec<Arg> {
        TargetOptions::arguments().into_iter().chain(log_level_argument()).collect()
    }

    fn read(matches: &ArgMatches) -> ReloadOptions {
        ReloadOptions { target: TargetOptions::read(matches), log_level: value(matches, LOG_LEVEL) }
    }
}

impl SendOptions {
    fn arguments() -> Vec<Arg> {
        let signal = Arg::new(SIGNAL)
            .value_name("SIGNAL")
            .required(true)
            .value_parser(SignalParser)
            .help("Signal, by name or number: `HUP`, `SIGUSR1`, `12`");
        std::iter::once(signal).chain(TargetOptions::arguments()).collect()
    }

    fn read(matches: &ArgMatches) -> SendOptions {
        // Required by the parser.
        let signal = value(matches, SIGNAL).unwrap_or(Signal::SIGHUP);
        SendOptions { target: TargetOptions::read(matches), signal }
    }
}

impl LogsOptions {
    fn arguments() -> Vec<Arg> {
        let follow = Arg::new(FOLLOW)
            .short('f')
            .long("follow")
            .action(ArgAction::SetTrue)
            .help("Print new lines as they are written, until Ctrl-C");
        let lines = Arg::new(LINES)
            .short('n')
            .long("lines")
            .value_name("NUMBER")
            .value_parser(LineCount::parse)
            .default_value("10")
            .help("Number of last lines to print, or `all`");
        [follow, lines].into_iter().chain(TargetOptions::arguments()).collect()
    }

    fn read(matches: &ArgMatches) -> LogsOptions {
        LogsOptions {
            target: TargetOptions::read(matches),
            follow: flag(matches, FOLLOW),
            lines: value(matches, LINES).unwrap_or(DEFAULT_LINES),
        }
    }
}

implement_args!(StatusOptions);
implement_args!(ReloadOptions);
implement_args!(SendOptions);
implement_args!(LogsOptions);

/// Parses a signal by name or number; offers the names to completions.
#[derive(Clone)]
struct SignalParser;

impl TypedValueParser for SignalParser {
    type Value = Signal;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Signal, clap::Error> {
        let parse = |text: String| Signal::try_from(text.as_str()).map_err(|error| error.to_string());
        clap::builder::StringValueParser::new().try_map(parse).parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = clap::builder::PossibleValue> + '_>> {
        let names = Signal::all().filter_map(Signal::name);
        let names: Vec<&'static str> = names.map(|name| name.trim_start_matches("SIG")).collect();
        let parser = PossibleValuesParser::new(names);
        let values: Vec<_> = parser.possible_values().into_iter().flatten().collect();
        Some(Box::new(values.into_iter()))
    }
}
