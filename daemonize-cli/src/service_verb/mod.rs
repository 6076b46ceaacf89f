//! The verb `service`: installs, removes, inspects and shows the service of this program.

mod change;
mod failure;
mod inspect;
mod options;
mod plan;
mod warnings;

use crate::exit_status::VerbResult;
use crate::target::Subject;

pub use options::{ServiceInstallOptions, ServicePlace, ServiceShowOptions, ServiceStatusOptions};

/// The verbs below `service`.
///
/// ```
/// use clap::Parser;
/// use daemon::cli::ServiceVerb;
///
/// #[derive(clap::Parser)]
/// struct Command {
///     #[command(subcommand)]
///     verb: ServiceVerb,
/// }
///
/// let command = Command::parse_from(["myd", "install", "--system", "--run-as", "www-data", "--", "--port", "80"]);
/// assert!(matches!(command.verb, ServiceVerb::Install(_)));
/// ```
#[derive(clap::Subcommand, Clone, Debug)]
#[non_exhaustive]
pub enum ServiceVerb {
    /// Install a service that runs this program, with the arguments after `--`
    Install(ServiceInstallOptions),
    /// Stop the service and remove exactly the files that were installed
    Uninstall(ServicePlace),
    /// Show whether the service is installed, enabled and running, and whether its files are up to date
    Status(ServiceStatusOptions),
    /// Print the files of the service, and write none
    Show(ServiceShowOptions),
}

/// Performs a verb below `service`.
pub(crate) fn run(verb: &ServiceVerb, subject: &Subject<'_>) -> VerbResult {
    match verb {
        ServiceVerb::Install(options) => change::install(subject, options),
        ServiceVerb::Uninstall(place) => change::uninstall(subject, place),
        ServiceVerb::Status(options) => inspect::status(subject, options),
        ServiceVerb::Show(options) => inspect::show(subject, options),
    }
}
