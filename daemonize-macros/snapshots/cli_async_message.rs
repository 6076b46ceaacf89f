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
            let args: &'static _ = ::std::boxed::Box::leak(::std::boxed::Box::new(args));
            #[allow(unused_variables, unused_mut)]
            let args = args;
            __daemon
                .messages_async(
                    move || args.next(),
                    ::daemon::__private::handler_async(move |__message| main::call(
                        __message,
                        args,
                    )),
                )
        },
    )
}
/// Calls the plain function of [`fn@main`].
#[allow(non_camel_case_types, dead_code)]
enum main {}
impl main {
    /// Calls the plain function, in the current process.
    async fn call(job: Job, args: &Args) {
        #[allow(clippy::needless_pass_by_value)]
        async fn main(job: Job, args: &Args) {
            args.run(job).await
        }
        main(job, args).await
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
    }
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
