fn main() -> ::std::process::ExitCode {
    ::daemon::__private::main(main::__daemon().run(|| main::call()))
}
/// Starts, stops and inspects the daemon of [`fn@main`].
#[allow(non_camel_case_types, dead_code)]
enum main {}
impl main {
    #[allow(dead_code)]
    /// Launches the daemon, and returns when it is ready or has failed.
    fn start() -> ::daemon::Result<::daemon::Started> {
        Self::__daemon().run(|| Self::call()).start()
    }
    /// Stops the daemon if it is running, then launches it.
    fn restart() -> ::daemon::Result<::daemon::Started> {
        Self::__daemon().run(|| Self::call()).restart()
    }
    /// Runs the daemon in the current process, without detaching.
    fn foreground() -> ::daemon::Result<::core::convert::Infallible> {
        Self::__daemon().run(|| Self::call()).foreground()
    }
    ::daemon::__private::companion_verbs! {
        fn
    }
    /// Calls the plain function, in the current process.
    fn call() {
        fn main() {
            body()
        }
        main()
    }
    const __SET_COMPANION_TO_ANOTHER_NAME: () = ();
    fn __daemon() -> ::daemon::Daemon {
        static __DAEMON: ::std::sync::OnceLock<::daemon::Daemon> = ::std::sync::OnceLock::new();
        ::core::clone::Clone::clone(
            __DAEMON
                .get_or_init(|| {
                    ::daemon::Daemon::new(
                            ::daemon::__private::program_name(
                                ::core::option_env!("CARGO_BIN_NAME"),
                                ::core::module_path!(),
                            ),
                        )
                        .attach(::daemon::scope::Scope::new())
                        .attach(
                            ::daemon::on_demand::OnDemand::new(
                                    ::core::time::Duration::from_millis(600000),
                                )
                                .package(::core::env!("CARGO_PKG_NAME"))
                                .version(::core::env!("CARGO_PKG_VERSION")),
                        )
                }),
        )
    }
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
