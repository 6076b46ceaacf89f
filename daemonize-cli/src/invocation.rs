//! The command line of this call: its verb, and the arguments for the daemon.

use crate::command_line::{COMPLETIONS, MAN, SHELL, has_own_lsb};
use crate::exit_status::{Failed, FailureClass};
use crate::options::{StartOptions, TargetOptions};
use crate::verb::Verb;
use clap::{ArgMatches, Command, FromArgMatches};
use clap_complete::Shell;
use std::ffi::{OsStr, OsString};

/// The call of a program.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) verb: Requested,
    /// The arguments after the verb.
    pub(crate) arguments: Vec<OsString>,
    pub(crate) lsb: bool,
}

/// The verb of a call.
#[derive(Debug)]
pub(crate) enum Requested {
    Verb(Verb),
    Completions(Shell),
    Man,
    Help,
}

/// The verb of a call without one, for this call's stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fallback {
    Run,
    Start,
    Help,
}

impl Invocation {
    /// Parses the arguments of the process, the first of which is the name of the program.
    ///
    /// # Errors
    /// The command line is wrong, or asks for help or version.
    pub(crate) fn parse(
        command: &Command,
        own: &Command,
        mut arguments: Vec<OsString>,
        fallback: Fallback,
    ) -> Result<Invocation, Failed> {
        let called = if arguments.is_empty() { OsString::from(command.get_name()) } else { arguments.remove(0) };
        let mut lsb = false;
        while !has_own_lsb(own) && arguments.first().is_some_and(|first| first == "--lsb") {
            arguments.remove(0);
            lsb = true;
        }
        if arguments.is_empty() && fallback == Fallback::Help {
            return Ok(Invocation { verb: Requested::Help, arguments, lsb });
        }
        let matches = command.clone().try_get_matches_from(std::iter::once(&called).chain(&arguments))?;
        let verb = match matches.subcommand() {
            Some((name, of_verb)) => {
                check_first(&called, name, &arguments)?;
                arguments.remove(0);
                requested(&matches, name, of_verb)?
            }
            None => Requested::Verb(fallback_verb(&called, &matches, &arguments, fallback)?),
        };
        lsb |= matches!(&verb, Requested::Verb(verb) if verb.lsb());
        Ok(Invocation { verb, arguments, lsb })
    }
}

fn requested(matches: &ArgMatches, name: &str, of_verb: &ArgMatches) -> Result<Requested, Failed> {
    match (name, of_verb.try_get_one(SHELL)) {
        (COMPLETIONS, Ok(Some(shell))) => Ok(Requested::Completions(*shell)),
        (MAN, _) => Ok(Requested::Man),
        _ => Ok(Requested::Verb(Verb::from_arg_matches(matches)?)),
    }
}

/// Refuses arguments before the verb: they would be mistaken for those of the verb.
fn check_first(called: &OsStr, verb: &str, arguments: &[OsString]) -> Result<(), Failed> {
    if arguments.first().is_some_and(|first| first == verb) {
        return Ok(());
    }
    let program = called.to_string_lossy();
    let others = arguments.iter().filter(|argument| *argument != verb).map(|argument| argument.to_string_lossy());
    let others = others.collect::<Vec<_>>().join(" ");
    let text = format!("arguments stand before the verb `{verb}`: write them after it, `{program} {verb} {others}`");
    Err(Failed::new(FailureClass::Usage, text))
}

/// Returns the verb of a call without one.
fn fallback_verb(
    called: &OsStr,
    matches: &ArgMatches,
    arguments: &[OsString],
    fallback: Fallback,
) -> Result<Verb, Failed> {
    let options = StartOptions { target: TargetOptions::read(matches), ..StartOptions::default() };
    match fallback {
        Fallback::Run => Ok(Verb::Run(options)),
        Fallback::Start => Ok(Verb::Start(options)),
        Fallback::Help => {
            let program = called.to_string_lossy();
            let arguments = arguments.iter().map(|argument| argument.to_string_lossy()).collect::<Vec<_>>().join(" ");
            Err(Failed::new(
                FailureClass::Usage,
                format!(
                    "the verb is missing: write `{program} run {arguments}` to run it here, or `{program} start {arguments}` to start it \
                     in the background"
                ),
            ))
        }
    }
}
