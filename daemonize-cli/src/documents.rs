//! The verbs `completions` and `man`: print documents about the command line.

use crate::exit_status::{Failed, VerbResult};
use clap::Command;
use clap_complete::Shell;
use daemonize_sys::error::cause;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// Prints what a shell needs to complete the command line.
pub(crate) fn print_completions(command: &Command, shell: Shell) -> VerbResult {
    let mut text = Vec::new();
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command.clone(), name, &mut text);
    print("completions", &text)
}

/// Prints the manual page in the language of `troff(1)`.
pub(crate) fn print_manual(command: &Command) -> VerbResult {
    let mut text = Vec::new();
    let page = clap_mangen::Man::new(command.clone());
    page.render(&mut text).map_err(|error| Failed::to("write", "the manual page", cause(&error)))?;
    print("the manual page", &text)
}

/// Prints a document. A closed pipe ends it quietly.
fn print(document: &str, text: &[u8]) -> VerbResult {
    let mut stdout = io::stdout();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failed::to("print", document, cause(&error))),
        _ => Ok(ExitCode::SUCCESS),
    }
}
