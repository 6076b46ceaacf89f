//! The verbs: each is one function, from its options to the exit status.

mod locate;
mod record;
mod reload;
mod run;
mod send;
mod start;
mod status;
mod stop;

use crate::exit_status::VerbResult;
use crate::service_verb;
use crate::target::Subject;
use crate::verb::Verb;
use std::ffi::OsString;
use std::process::ExitCode;

/// A verb, and the arguments after it.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) verb: Verb,
    pub(crate) arguments: Vec<OsString>,
}

/// Performs a verb.
pub(crate) fn perform(request: Request, subject: &Subject<'_>) -> VerbResult {
    let Request { verb, arguments } = request;
    match verb {
        Verb::Start(options) => start::start(subject, &options, &arguments),
        Verb::Run(options) => run::run(subject, &options, &arguments),
        Verb::Stop(options) => stop::stop(subject, &options),
        Verb::Restart(_) => Ok(ExitCode::FAILURE),
        Verb::TryRestart(_) => Ok(ExitCode::FAILURE),
        Verb::Reload(options) => reload::reload(subject, &options),
        Verb::Status(options) => status::status(subject, &options),
        Verb::Send(options) => send::send(subject, &options),
        Verb::Logs(_) => Ok(ExitCode::FAILURE),
        Verb::Service(verb) => service_verb::run(&verb, subject),
    }
}
