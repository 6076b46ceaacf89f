fn main() -> ::std::process::ExitCode {
    fn main() {
        serve();
    }
    ::daemon::control::__private::Opening::without(
            ::daemon::control::Instance::new(::core::env!("CARGO_PKG_NAME")),
        )
        .main(|_running| main())
}
