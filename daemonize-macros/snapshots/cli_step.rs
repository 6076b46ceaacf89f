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
        |__daemon, args| {
            __daemon
                .step(move || main::call(::core::borrow::Borrow::<Args>::borrow(&args)))
        },
    )
}
/// Calls the plain function of [`fn@main`].
#[allow(non_camel_case_types, dead_code)]
enum main {}
impl main {
    /// Calls the plain function, in the current process.
    fn call(args: &Args) {
        #[allow(clippy::needless_pass_by_value)]
        fn main(args: &Args) {}
        main(args)
    }
    #[allow(clippy::needless_pass_by_value)]
    fn __settings(
        #[allow(unused_variables, unused_mut)]
        args: Args,
    ) -> ::daemon::Daemon {
        ::daemon::Daemon::new(
                ::daemon::__private::program_name(
                    ::core::option_env!("CARGO_BIN_NAME"),
                    ::core::module_path!(),
                ),
            )
            .every(::core::time::Duration::from_millis(1000))
    }
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
