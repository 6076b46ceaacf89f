fn main() -> ::std::process::ExitCode {
    ::core::unimplemented!()
}
/// Calls the plain function of [`fn@main`].
#[allow(non_camel_case_types, dead_code)]
enum main {}
impl main {
    /// Calls the plain function, in the current process.
    fn call(args: &Args) {
        #[allow(dead_code)]
        #[allow(clippy::needless_pass_by_value)]
        fn main(args: &Args) {}
        ::core::unimplemented!()
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
            .pidfile(args.pidfile)
    }
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
::core::compile_error! {
    "unknown key `defualt`, did you mean `default`?"
}
::core::compile_error! {
    "`main` takes the parsed arguments by value: write `Args`"
}
