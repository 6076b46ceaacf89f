//! `completions`: the script by which a shell asks this program for words.

use crate::args::{Arguments, CompletionShell};
use crate::exit_status::{CliError, ExitStatus};
use clap::CommandFactory;
use clap_complete::CompleteEnv;
use clap_complete::env::Shells;
use std::io::{self, Write};

/// The variable by which the script asks for words; the usual `COMPLETE` may mean something else to a bot.
const COMPLETE_VARIABLE: &str = "DAEMONCTL_COMPLETE";

/// The name of the program, for the shell.
const PROGRAM: &str = "daemonctl";

/// Lets bash take `web:1` and `getty@tty1` as one word.
const BASH_WORD_BREAKS: &str = "COMP_WORDBREAKS=${COMP_WORDBREAKS//[:@]}\n";

/// Prints the script.
pub(crate) fn completions(shell: CompletionShell) -> Result<ExitStatus, CliError> {
    // Into memory first: a pipe may be closed.
    let mut script = Vec::new();
    if shell == CompletionShell::Bash {
        script.extend_from_slice(BASH_WORD_BREAKS.as_bytes());
    }
    let shells = Shells::builtins();
    if let Some(completer) = shells.completer(shell.name()) {
        completer.write_registration(COMPLETE_VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)?;
    }
    io::stdout().write_all(&script).and_then(|()| io::stdout().flush())?;
    Ok(ExitStatus::Done)
}

/// Prints the words that a shell asks for, and exits, if one does.
pub(crate) fn answer_shell() {
    CompleteEnv::with_factory(Arguments::command).var(COMPLETE_VARIABLE).bin(PROGRAM).complete();
}
