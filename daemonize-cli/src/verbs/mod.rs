//! The verbs: each is one function, from its options to the exit status.

mod failed_start;
mod locate;
mod log_place;
mod logs;
mod other_users;
mod progress;
mod record;
mod reload;
mod restart;
mod run;
mod send;
mod service_manager;
mod start;
mod status;
mod stop;

use crate::exit_status::VerbResult;
use crate::service_verb;
use crate::target::Subject;
use crate::verb::Verb;
use std::ffi::OsString;

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
        Verb::Restart(options) => restart::restart(subject, &options, &arguments),
        Verb::TryRestart(options) => restart::try_restart(subject, &options),
        Verb::Reload(options) => reload::reload(subject, &options),
        Verb::Status(options) => status::status(subject, &options),
        Verb::Send(options) => send::send(subject, &options),
        Verb::Logs(options) => logs::logs(subject, &options),
        Verb::Service(verb) => service_verb::run(&verb, subject),
    }
}
