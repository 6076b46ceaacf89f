//! A daemon that a program with a command line of its own has made already.

use crate::exit_status::Failed;
use crate::options::StartOptions;
use crate::target::{LaunchWay, Target, launch};
use crate::verb::Verb;
use clap::{Args, Command, FromArgMatches};
use daemonize_core::body::Work;
use daemonize_core::{Daemon, Started};
use std::cell::Cell;
use std::ffi::OsString;

/// The daemon of [`Program::dispatch`](crate::Program::dispatch).
pub(crate) struct FixedTarget<W> {
    daemon: Daemon,
    work: Cell<Option<W>>,
}

impl<W: Work> FixedTarget<W> {
    pub(crate) fn new(daemon: Daemon<W>) -> FixedTarget<W> {
        let (daemon, work) = daemon.into_parts();
        FixedTarget { daemon, work: Cell::new(Some(work)) }
    }

    /// Returns the standard options of a verb, as arguments.
    pub(crate) fn arguments(verb: &Verb) -> Vec<OsString> {
        match verb {
            Verb::Start(options) | Verb::Run(options) | Verb::Restart(options) => options.to_arguments(),
            _ => Vec::new(),
        }
    }
}

impl<W: Work> Target for FixedTarget<W> {
    fn daemon(&self, arguments: &[OsString]) -> Result<Daemon, clap::Error> {
        Ok(parse(arguments)?.apply(self.daemon.clone()))
    }

    fn launch(&self, daemon: Daemon, arguments: &[OsString], way: &LaunchWay) -> Result<Started, Failed> {
        // A verb launches once.
        let work = self.work.take();
        let work = work.ok_or_else(|| Failed::to("launch", daemon.settings().name(), "it was launched already"))?;
        launch(daemon.work(work), &parse(arguments)?, way)
    }
}

/// Parses the standard options of a verb.
fn parse(arguments: &[OsString]) -> Result<StartOptions, clap::Error> {
    let command = StartOptions::augment_args(Command::new("options").no_binary_name(true));
    StartOptions::from_arg_matches(&command.try_get_matches_from(arguments)?)
}
