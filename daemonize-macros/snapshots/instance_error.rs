fn main() -> ::std::process::ExitCode {
    #[allow(clippy::needless_pass_by_value)]
    fn main() -> ExitCode {
        serve()
    }
    ::daemon::control::__private::Opening::new(
            ::daemon::control::Instance::new(::core::env!("CARGO_PKG_NAME")),
        )
        .main(|_running| main())
}
::core::compile_error! {
    "unknown key `colour`, expected one of `name`, `app_dir`, `address`, `without_token`, `on_open`, `configure`, `crate`"
}
