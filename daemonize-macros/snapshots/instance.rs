fn main() -> ::std::process::ExitCode {
    #[allow(clippy::needless_pass_by_value)]
    fn main() {
        serve();
    }
    ::daemon::control::__private::Opening::new(
            ::daemon::control::Instance::new(::core::env!("CARGO_PKG_NAME")),
        )
        .main(|_running| main())
}
