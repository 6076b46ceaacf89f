//! A program that is a service: its name, its defaults, and the two ways in.

use crate::verb::Verb;
use clap::{CommandFactory, FromArgMatches};
use daemonize_core::Daemon;
use daemonize_core::body::Work;
use daemonize_service::Service;
use std::process::ExitCode;

/// A program whose command line is that of its daemon.
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
#[derive(clap::Parser, Clone, Debug, Default)]
#[non_exhaustive]
pub struct NoArguments {}

impl Program {
    /// Returns a program with the daemon's name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Program {
        let (version, about) = (None, None);
        Program { name: name.into(), version, about, default: DefaultVerb::Auto, service: Service::new() }
    }

    /// Sets the version, which `--version` prints.
    #[must_use]
    pub fn version(mut self, version: impl Into<Option<&'static str>>) -> Self {
        self.version = version.into();
        self
    }

    /// Sets the sentence above the help, and the description of the service.
    #[must_use]
    pub fn about(mut self, about: impl Into<Option<&'static str>>) -> Self {
        self.about = about.into();
        self
    }

    /// Sets the verb of a call without one.
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

    /// Parses the program's command line and performs its verb. `settings` is called for the arguments of the daemon that the verb is about, `body`
    /// gives the daemon its work.
    pub fn main<A, W>(self, settings: impl Fn(A) -> Daemon, body: impl FnOnce(Daemon, A) -> Daemon<W>) -> ExitCode
    where
        A: CommandFactory + FromArgMatches,
        W: Work,
    {
        let _ = (self.name, self.version, self.about, self.default, self.service, settings, body);
        ExitCode::FAILURE
    }

    /// Performs a verb that the program has parsed itself.
    pub fn dispatch<W: Work>(self, verb: Verb, daemon: Daemon<W>) -> ExitCode {
        let _ = (verb, daemon);
        ExitCode::FAILURE
    }
}
