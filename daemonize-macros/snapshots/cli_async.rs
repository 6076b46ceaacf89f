fn main() -> ::std::process::ExitCode {
    ::daemon::cli::__private::main::<
        Args,
        _,
    >(
        ::daemon::cli::Program::new(
                ::daemon::__private::program_name(
                    ::core::option_env!("CARGO_BIN_NAME"),
                    ::core::module_path!(),
                ),
            )
            .version(::core::option_env!("CARGO_PKG_VERSION"))
            .about(
                ::core::option_env!("CARGO_PKG_DESCRIPTION")
                    .filter(|description| !description.is_empty()),
            ),
        main::__settings,
        |__daemon, argument_1| __daemon.run_async(move || main::call(argument_1)),
    )
}
/// Calls the plain function of [`fn@main`].
#[allow(non_camel_case_types, dead_code)]
enum main {}
impl main {
    /// Calls the plain function, in the current process.
    async fn call(argument_1: Args) -> anyhow::Result<()> {
        #[allow(clippy::needless_pass_by_value)]
        async fn main(Args { port, .. }: Args) -> anyhow::Result<()> {
            serve(port).await
        }
        main(argument_1).await
    }
    #[allow(clippy::needless_pass_by_value)]
    fn __settings(
        #[allow(unused_variables, unused_mut)]
        Args { port, .. }: Args,
    ) -> ::daemon::Daemon {
        ::daemon::Daemon::new(
                ::daemon::__private::program_name(
                    ::core::option_env!("CARGO_BIN_NAME"),
                    ::core::module_path!(),
                ),
            )
            .pidfile(format!("/run/a-{port}"))
    }
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
