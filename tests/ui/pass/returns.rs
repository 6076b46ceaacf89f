//! Supported return types.
#![deny(warnings)]
#![allow(missing_docs, clippy::all, clippy::pedantic, reason = "users have a style of their own")]

use std::error::Error;
use std::ops::ControlFlow;
use std::process::ExitCode;

#[daemon::run]
fn nothing() {}

#[daemon::run]
fn never() -> ! {
    loop {
        daemon::sleep(std::time::Duration::from_secs(1));
    }
}

#[daemon::step]
fn never_steps(message: &str) -> ! {
    panic!("{message}");
}

#[daemon::run]
fn status() -> ExitCode {
    ExitCode::SUCCESS
}

#[daemon::run]
// An alias hides what it is of; nothing is decided by its name.
fn aliased() -> anyhow::Result<()> {
    Ok(())
}

#[daemon::run]
fn boxed() -> Result<(), Box<dyn Error + Send + Sync>> {
    Err("no".into())
}

#[daemon::run]
fn nested() -> Result<ExitCode, std::io::Error> {
    Ok(ExitCode::from(3))
}

#[daemon::step]
fn bare() {}

#[daemon::step]
fn fallible() -> std::io::Result<()> {
    Ok(())
}

#[daemon::step(every = "1s")]
fn until() -> ControlFlow<()> {
    ControlFlow::Break(())
}

fn main() {}
