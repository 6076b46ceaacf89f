//! `daemonctl`: starts the monitor, asks it, tells it.

#![forbid(unsafe_code)]

mod args;
mod commands;
mod connect;
mod exit;
mod find;
mod progress;
mod screen;
mod table;
mod text;

use exit::Exit;
use screen::Screen;
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
