fn main() -> ::std::process::ExitCode {
    ::daemon::cli::__private::main::<
        ::daemon::cli::NoArguments,
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
        |__daemon, _| __daemon.run(|| main::call()),
    )
}
/// Calls the plain function of [`fn@main`].
#[allow(non_camel_case_types, dead_code)]
enum main {}
impl main {
    /// Calls the plain function, in the current process.
    fn call() {
        #[allow(clippy::needless_pass_by_value)]
        fn main() {}
        main()
    }
    #[allow(clippy::needless_pass_by_value)]
    fn __settings(
        #[allow(unused_variables, unused_mut)]
        _: ::daemon::cli::NoArguments,
    ) -> ::daemon::Daemon {
        ::daemon::Daemon::new(
            ::daemon::__private::program_name(
                ::core::option_env!("CARGO_BIN_NAME"),
                ::core::module_path!(),
            ),
        )
    }
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
