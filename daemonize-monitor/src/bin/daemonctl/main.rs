//! `daemonctl`: starts the monitor, asks it, tells it.

#![forbid(unsafe_code)]

mod args;
mod commands;
mod exit_status;
mod find_config;
mod human_format;
mod monitor_client;
mod output;
mod progress;
mod table;

use exit_status::Exit;
use output::Screen;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = args::parse();
    let screen = Screen::new(&arguments);
    let exit = commands::run(arguments, screen).unwrap_or_else(|failure| {
        if !failure.text.is_empty() {
            screen.error(&failure.text);
        }
        failure.exit
    });
    Exit::into(exit)
}
