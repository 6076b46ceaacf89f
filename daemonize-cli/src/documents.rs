//! The verbs `completions` and `man`: print documents about the command line.

use crate::exit_status::{Failed, VerbResult};
use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
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

/// Prints the manual page in the language of `troff(1)`: the program, and a section for each verb.
pub(crate) fn print_manual(command: &Command) -> VerbResult {
    let mut command = command.clone().disable_help_subcommand(true);
    command.build();
    let page = manual_page(&command).map_err(|error| Failed::to("write", "the manual page", cause(&error)))?;
    print("the manual page", &page)
}

fn manual_page(command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let program = Man::new(command.clone());
    program.render_title(&mut page)?;
    program.render_name_section(&mut page)?;
    program.render_synopsis_section(&mut page)?;
    program.render_options_section(&mut page)?;
    for verb in command.get_subcommands() {
        describe_verb(verb, &mut page)?;
    }
    if command.get_version().is_some() {
        program.render_version_section(&mut page)?;
    }
    Ok(page)
}

/// Writes the section of a verb, whose parts are subsections, and those of the verbs below it.
fn describe_verb(verb: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let name = verb.get_bin_name().unwrap_or(verb.get_name()).to_uppercase();
    // A quote ends an argument of a macro (groff(7)).
    writeln!(page, ".SH \"{}\"", name.replace(['"', '\\', '\n'], " "))?;
    let mut section = Vec::new();
    let manual = Man::new(verb.clone());
    manual.render_description_section(&mut section)?;
    manual.render_synopsis_section(&mut section)?;
    if verb.get_arguments().next().is_some() {
        manual.render_options_section(&mut section)?;
    }
    page.write_all(String::from_utf8_lossy(&section).replace("\n.SH ", "\n.SS ").as_bytes())?;
    verb.get_subcommands().try_for_each(|below| describe_verb(below, page))
}

/// Prints a document. A closed pipe ends it quietly.
fn print(document: &str, text: &[u8]) -> VerbResult {
    let mut stdout = io::stdout();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failed::to("print", document, cause(&error))),
        _ => Ok(ExitCode::SUCCESS),
    }
}
