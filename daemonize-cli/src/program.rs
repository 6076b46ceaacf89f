//! A program that is a service: its name, its defaults, and the two ways in.

use crate::command_line::{ProgramTexts, command_line};
use crate::documents::{print_completions, print_manual};
use crate::exit_status::{Failed, FailureClass, VerbResult};
use crate::fixed_target::FixedTarget;
use crate::invocation::{Fallback, Invocation, Requested};
use crate::output;
use crate::parsed_target::ParsedTarget;
use crate::target::{Subject, Target};
use crate::verb::Verb;
use crate::verbs::{self, Request};
use clap::{Command, CommandFactory, FromArgMatches, Parser};
use daemonize_core::Daemon;
use daemonize_core::body::Work;
use daemonize_service::Service;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

/// A program whose command line is that of its daemon.
///
/// ```no_run
/// use daemon::Daemon;
/// use daemon::cli::{NoArguments, Program};
///
/// fn main() -> std::process::ExitCode {
///     let settings = |_: NoArguments| Daemon::new("myd").pidfile("~/myd.pid");
///     Program::new("myd").main(settings, |daemon, _| daemon.run(|| while !daemon::stopping() {}))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Program {
    name: String,
    version: Option<&'static str>,
    about: Option<&'static str>,
    default: DefaultVerb,
    service: Service,
}

/// The verb of a program that is called without one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DefaultVerb {
    /// `run`, unless stdout is a terminal: then the help.
    #[default]
    Auto,
    /// `run`.
    Run,
    /// `start`.
    Start,
    /// The help.
    Help,
}

/// The arguments of a program that has none of its own.
#[derive(Parser, Clone, Debug, Default)]
#[command(about = None, long_about = None)]
#[non_exhaustive]
pub struct NoArguments {}

impl Program {
    /// Returns a program with the daemon's name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Program {
        let (version, about) = (None, None);
        Program { name: name.into(), version, about, default: DefaultVerb::Auto, service: Service::new() }
    }

    /// Sets the version, which `--version` prints, unless the arguments of the program have one.
    #[must_use]
    pub fn version(mut self, version: impl Into<Option<&'static str>>) -> Self {
        self.version = version.into();
        self
    }

    /// Sets the sentence above the help, unless the arguments of the program have one, and the description of the service.
    #[must_use]
    pub fn about(mut self, about: impl Into<Option<&'static str>>) -> Self {
        self.about = about.into().filter(|about| !about.is_empty());
        self
    }

    /// Sets the verb of a call without one; [`DefaultVerb::Auto`] unless set.
    #[must_use]
    pub fn default_verb(mut self, verb: DefaultVerb) -> Self {
        self.default = verb;
        self
    }

    /// Sets the options of the service definition.
    #[must_use]
    pub fn service(mut self, service: Service) -> Self {
        self.service = service;
        self
    }

    /// Parses the program's command line and performs its verb, and returns the exit status: 0, or that of
    /// [`ErrorKind`](daemonize_core::ErrorKind), or 2 for a wrong command line; see `--lsb` for the statuses of init scripts.
    ///
    /// `settings` returns the daemon for arguments of the program. It is called for the arguments of this call, and for those of the last start,
    /// when a verb looks for the daemon that was started with them. `body` gives the daemon its work. The arguments are those of any
    /// `clap::Parser` without subcommands, parsed before anything forks.
    ///
    /// The calling process must have one thread, as for [`Daemon::start`].
    pub fn main<A, W>(self, settings: impl Fn(A) -> Daemon, body: impl FnOnce(Daemon, A) -> Daemon<W>) -> ExitCode
    where
        A: CommandFactory + FromArgMatches,
        W: Work,
    {
        let own = A::command();
        let command = match self.command(&own) {
            Ok(command) => command,
            Err(text) => return conclude(Err(Failed::new(FailureClass::Usage, text)), false),
        };
        self.main_with(&command, &own, &ParsedTarget::new(&command, settings, body))
    }

    /// Performs a verb that the program has parsed itself, and returns the exit status as [`main`](Program::main) does.
    ///
    /// The daemon is the one that the program would start now; a `restart` without options uses those of the last start.
    pub fn dispatch<W: Work>(self, verb: Verb, daemon: Daemon<W>) -> ExitCode {
        let lsb = verb.lsb();
        let mut arguments = std::env::args_os().skip(1).collect::<Vec<OsString>>();
        let verb_at = arguments.iter().position(|argument| argument == verb.name()).unwrap_or(arguments.len());
        arguments.truncate(verb_at);
        let target = FixedTarget::new(daemon);
        let options = FixedTarget::<W>::arguments(&verb);
        conclude(verbs::perform(Request { verb, arguments: options }, &self.subject(&target, &arguments, lsb)), lsb)
    }

    /// The part of `main` that does not depend on the types of the program.
    fn main_with(&self, command: &Command, own: &Command, target: &dyn Target) -> ExitCode {
        let invocation = match Invocation::parse(command, own, std::env::args_os().collect(), self.fallback()) {
            Ok(invocation) => invocation,
            Err(failed) => return conclude(Err(failed), false),
        };
        let Invocation { verb, arguments, lsb } = invocation;
        // The sentence above the help: that of the arguments' type, or the program's.
        let about = command.get_about().map(ToString::to_string);
        let subject = Subject { about: about.as_deref(), ..self.subject(target, &[], lsb) };
        let result = match verb {
            Requested::Verb(verb) => verbs::perform(Request { verb, arguments }, &subject),
            Requested::Completions(shell) => print_completions(command, shell),
            Requested::Man => print_manual(command),
            Requested::Help => {
                let _ = command.clone().print_help();
                Ok(ExitCode::SUCCESS)
            }
        };
        conclude(result, lsb)
    }

    fn command(&self, own: &Command) -> Result<Command, String> {
        command_line(ProgramTexts { name: &self.name, version: self.version, about: self.about }, own)
    }

    fn subject<'a>(&'a self, target: &'a dyn Target, prefix: &'a [OsString], lsb: bool) -> Subject<'a> {
        Subject {
            name: &self.name,
            about: self.about,
            version: self.version,
            service: &self.service,
            prefix,
            target,
            lsb,
        }
    }

    /// Returns the verb of a call without one.
    fn fallback(&self) -> Fallback {
        match self.default {
            DefaultVerb::Auto if io::stdout().is_terminal() => Fallback::Help,
            DefaultVerb::Auto | DefaultVerb::Run => Fallback::Run,
            DefaultVerb::Start => Fallback::Start,
            DefaultVerb::Help => Fallback::Help,
        }
    }
}

/// Prints the failure of a verb, and returns the exit status.
fn conclude(result: VerbResult, lsb: bool) -> ExitCode {
    match result {
        Ok(status) => status,
        Err(failed) => {
            output::failure(&failed);
            ExitCode::from(failed.status(lsb))
        }
    }
}
