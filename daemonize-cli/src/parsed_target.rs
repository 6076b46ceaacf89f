//! A daemon whose settings and body depend on the program's arguments.

use crate::exit_status::Failed;
use crate::options::StartOptions;
use crate::target::{LaunchWay, Target, launch};
use clap::{Command, FromArgMatches};
use daemonize_core::body::Work;
use daemonize_core::{Daemon, Started};
use std::cell::Cell;
use std::ffi::OsString;
use std::marker::PhantomData;

/// The daemon of [`Program::main`](crate::Program::main).
pub(crate) struct ParsedTarget<'a, A, S, B> {
    command: &'a Command,
    settings: S,
    body: Cell<Option<B>>,
    arguments: PhantomData<fn() -> A>,
}

impl<'a, A, S, B> ParsedTarget<'a, A, S, B> {
    pub(crate) fn new<W>(command: &'a Command, settings: S, body: B) -> Self
    where
        A: FromArgMatches,
        S: Fn(A) -> Daemon,
        B: FnOnce(Daemon, A) -> Daemon<W>,
        W: Work,
    {
        ParsedTarget { command, settings, body: Cell::new(Some(body)), arguments: PhantomData }
    }

    /// Parses arguments as those of `start`.
    fn parse(&self, arguments: &[OsString]) -> Result<(A, StartOptions), clap::Error>
    where
        A: FromArgMatches,
    {
        let name = OsString::from(self.command.get_name());
        let line = [name, "start".into()].into_iter().chain(arguments.iter().cloned());
        let mut matches = self.command.clone().try_get_matches_from(line)?;
        let Some((_, mut matches)) = matches.remove_subcommand() else { return Err(missing_verb(self.command)) };
        let options = StartOptions::from_arg_matches(&matches)?;
        let own = A::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut self.command.clone()))?;
        Ok((own, options))
    }
}

fn missing_verb(command: &Command) -> clap::Error {
    command.clone().error(clap::error::ErrorKind::MissingSubcommand, "the verb is missing")
}

impl<A, S, B, W> Target for ParsedTarget<'_, A, S, B>
where
    A: FromArgMatches,
    S: Fn(A) -> Daemon,
    B: FnOnce(Daemon, A) -> Daemon<W>,
    W: Work,
{
    fn daemon(&self, arguments: &[OsString]) -> Result<Daemon, clap::Error> {
        let (own, options) = self.parse(arguments)?;
        Ok(options.apply((self.settings)(own)))
    }

    fn launch(&self, daemon: Daemon, arguments: &[OsString], way: &LaunchWay) -> Result<Started, Failed> {
        let (own, options) = self.parse(arguments)?;
        // A verb launches once.
        let body = self
            .body
            .take()
            .ok_or_else(|| Failed::to("launch", daemon.settings().name(), "it was launched already"))?;
        launch(body(daemon, own), &options, way)
    }
}
