#[cfg(unix)]
/// Serves files.
///
/// Further text.
fn main() -> ::std::process::ExitCode {
    ::daemon::cli::__private::main::<
        Args,
        _,
    >(
        ::daemon::cli::Program::new("myd")
            .version(::core::option_env!("CARGO_PKG_VERSION"))
            .about("Serves files")
            .default_verb(::daemon::cli::DefaultVerb::Start)
            .service(
                ::daemon::cli::Service::new().hardening(::daemon::cli::Hardening::Strict),
            ),
        main::__settings,
        |__daemon, args| __daemon.run(move || main::call(args)),
    )
}
#[cfg(unix)]
/// Calls the plain function of [`fn@main`].
#[allow(non_camel_case_types, dead_code)]
enum main {}
#[cfg(unix)]
impl main {
    /// Calls the plain function, in the current process.
    fn call(args: Args) -> anyhow::Result<()> {
        #[allow(clippy::needless_pass_by_value)]
        fn main(mut args: Args) -> anyhow::Result<()> {
            serve(args)
        }
        main(args)
    }
    #[allow(clippy::needless_pass_by_value)]
    fn __settings(
        #[allow(unused_variables, unused_mut)]
        mut args: Args,
    ) -> ::daemon::Daemon {
        ::daemon::Daemon::new("myd")
            .pidfile(args.pidfile)
            .log(
                ::daemon::settings::Log::new()
                    .path(args.log)
                    .max_size(10485760u64)
                    .keep(3)
                    .timestamps(true),
            )
            .ends_with(::daemon::settings::EndsWith::LauncherParent)
            .signals(
                ::daemon::signals::Signals::new()
                    .handle(::daemon::Signal::SIGHUP, move || reload(&args.path)),
            )
    }
}
#[cfg(unix)]
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
