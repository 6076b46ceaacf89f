//! Parses the command line.

mod completion_shell;
mod import;
mod init;
mod log;
mod run;
mod selection;
mod show;
#[cfg(test)]
mod tests;
mod values;

pub(crate) use completion_shell::CompletionShell;
pub(crate) use import::ImportArguments;
pub(crate) use init::InitArguments;
pub(crate) use log::{LineSelection, TailArguments};
pub(crate) use run::{ConsoleFormat, RunArguments};
pub(crate) use selection::{BotSelection, FreezeArguments, ParallelOption, StopArguments, Wait};
pub(crate) use show::ShowArguments;

use crate::exit_status;
use crate::word_candidates;
use clap::{CommandFactory, Parser, Subcommand, ValueHint};
use daemonize_core::Signal;
use daemonize_monitor::State;
use daemonize_sys::escape::escape_bytes;
use selection::DEFAULT_WAIT;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;
use values::{duration, signal, state};

/// Keeps programs running: starts the monitor, queries it and controls its bots.
#[derive(Debug, Parser)]
#[command(name = "daemonctl", version, after_help = exit_status::HELP, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// Configuration file of the monitor.
    #[arg(short, long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Pidfile of a running monitor, instead of its configuration, which may have been removed or replaced.
    #[arg(long, global = true, value_name = "PATH", value_hint = ValueHint::FilePath, conflicts_with = "config")]
    pub(crate) pidfile: Option<PathBuf>,
    /// Prints JSON instead of text and tables.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) color: colorchoice_clap::Color,
    #[command(subcommand)]
    pub(crate) command: CliCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CliCommand {
    /// Starts bots, and the monitor if it is not running.
    ///
    /// Without names, starts the monitor with all bots that have `autostart`; if it is already running, starts those of them that
    /// are down, except those that have ended with success. A name with a slash is a program that no configuration has; arguments after `--` are passed to it.
    Start {
        /// Names of bots (`web` includes all instances `web:1`, `web:2`), groups, globs such as `web:*`, or `all`.
        #[arg(value_name = "BOT", add = word_candidates::bots())]
        bots: Vec<String>,
        #[command(flatten)]
        wait: Wait,
        /// Arguments for a program that no configuration has.
        #[arg(last = true, value_name = "ARG")]
        arguments: Vec<OsString>,
    },
    /// Stops bots, and first all bots that depend on them.
    #[command(override_usage = "daemonctl stop [OPTIONS] <BOT...|--all>")]
    Stop(StopArguments),
    /// Restarts bots, and all bots that depend on them; several instances of a bot one after another, and no other bot.
    #[command(override_usage = "daemonctl restart [OPTIONS] <BOT...|--all>")]
    Restart {
        #[command(flatten)]
        stop: StopArguments,
        #[command(flatten)]
        parallel: ParallelOption,
    },
    /// Kills bots at once, and stops bots that depend on them; removes bots that no configuration has.
    #[command(override_usage = "daemonctl destroy [OPTIONS] <BOT...|--all>")]
    Destroy(StopArguments),
    /// Freezes all processes of bots until they are thawed or stopped; each bot needs a control group.
    #[command(override_usage = "daemonctl freeze [OPTIONS] <BOT...|--all>")]
    Freeze(FreezeArguments),
    /// Thaws bots that were frozen.
    #[command(override_usage = "daemonctl thaw [OPTIONS] <BOT...|--all>")]
    Thaw(FreezeArguments),
    /// Shows the state of bots.
    Status {
        /// Only these bots: names, groups or globs such as `web:*`.
        #[arg(value_name = "BOT", add = word_candidates::bots())]
        bots: Vec<String>,
        /// Only bots in these states, such as `failed,gave-up`.
        #[arg(long = "state", value_name = "STATE", value_delimiter = ',', value_parser = state)]
        states: Vec<State>,
        /// Keeps running: redraws the table on a terminal, else prints a line for each change.
        #[arg(short, long)]
        watch: bool,
    },
    /// Shows all that is known of bots: program, dependencies, logs, the next step and why, and the last exits.
    Show(ShowArguments),
    /// Stops all bots and the monitor, and waits until it has exited.
    Shutdown {
        /// How long to wait until it has exited; `0` does not wait [default: `stop_timeout` plus 60 s].
        #[arg(long, value_name = "TIME", require_equals = true, num_args = 0..=1, default_missing_value = DEFAULT_WAIT,
            value_parser = duration)]
        wait: Option<Duration>,
    },
    /// Applies changes of the configuration; bots that did not change keep running.
    Reload {
        /// Only prints what would change.
        #[arg(short = 'n', long)]
        dry_run: bool,
        #[command(flatten)]
        parallel: ParallelOption,
        #[command(flatten)]
        wait: Wait,
    },
    /// Sends a signal to the main process of bots, not to its children.
    #[command(override_usage = "daemonctl signal [OPTIONS] <SIGNAL> <BOT...|--all>")]
    Signal {
        /// Signal: `HUP`, `SIGHUP`, `RTMIN+3` or a number.
        #[arg(value_parser = signal, add = word_candidates::signals())]
        signal: Signal,
        #[command(flatten)]
        which: BotSelection,
    },
    /// Prints the last lines of the output of bots, merged by time.
    Tail(TailArguments),
    /// Prints the last messages of the monitor itself, wherever its log goes.
    Log(LineSelection),
    /// Counts an event, as if the bot had reported it.
    Event {
        #[arg(value_name = "BOT", add = word_candidates::single_bot())]
        bot: String,
        /// Event name: 1 to 64 printable ASCII characters without spaces.
        #[arg(value_name = "EVENT")]
        name: String,
    },
    /// Prints the address of the status page, with a code that logs a browser in once, within a minute.
    ///
    /// The monitor needs a TCP port: `control = { tcp = "127.0.0.1:4711" }`. The code is not the token of the monitor: it is
    /// exchanged for a session, which ends with a logout or with the monitor. For root and the monitor's user.
    Open,
    /// Validates the configuration, and prints each error with a fix.
    Check {
        /// Configuration file, instead of that of `-c`.
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: Option<PathBuf>,
    },
    /// Writes a commented configuration to start with; never over a file.
    Init(InitArguments),
    /// Prints the JSON schema of a configuration, by which editors complete and check it.
    ///
    /// Write it to a file, and name that in the first line of the configuration: `#:schema ./daemonctl.schema.json`.
    Schema,
    /// Translates a configuration of supervisord, circus, pm2 or foreman into one of the monitor.
    /// Prints it, or writes it to a new file. What has no translation becomes a comment with the reason.
    Import(ImportArguments),
    /// Runs the monitor in the foreground.
    Run(RunArguments),
    /// Prints a completion script for a shell.
    Completions { shell: CompletionShell },
}

/// Parses the command line. Prints an error and exits with status 2 if it is invalid, as clap does.
pub(crate) fn parse() -> Arguments {
    let words: Vec<OsString> = std::env::args_os().collect();
    Arguments::try_parse_from(&words).unwrap_or_else(|error| {
        // clap does not escape words in its messages, so the error of the escaped words is the one to show.
        let escaped = words.iter().map(|word| escape_bytes(word.as_bytes()).into_owned());
        if let Err(escaped) = Arguments::try_parse_from(escaped) {
            escaped.exit();
        }
        // The escaped words are valid: a word is not UTF-8.
        let word = words.iter().find(|word| word.to_str().is_none()).map(|word| word.as_bytes());
        let text = format!("`{}` is not UTF-8", escape_bytes(word.unwrap_or_default()));
        Arguments::command().error(error.kind(), text).exit()
    })
}
