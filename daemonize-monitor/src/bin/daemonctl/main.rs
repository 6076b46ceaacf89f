//! `daemonctl`: starts the monitor, queries it and controls its bots.

#![forbid(unsafe_code)]

mod args;
mod bot_filter;
mod bulk_client;
mod commands;
mod exit_status;
mod find_config;
mod human_format;
mod import;
mod log_client;
mod monitor_client;
mod output;
mod paragraph;
mod progress;
mod table;
mod word_candidates;

use exit_status::ExitStatus;
use output::Output;
use std::process::ExitCode;

fn main() -> ExitCode {
    commands::answer_shell();
    let arguments = args::parse();
    let output = Output::new(&arguments);
    let exit = commands::run(arguments, output).unwrap_or_else(|failure| {
        if !failure.text.is_empty() {
            output.error(&failure.text);
        }
        failure.exit
    });
    ExitStatus::into(exit)
}
