fn sleepy(idle: u64) -> ::daemon::Result<::daemon::Started> {
    let () = sleepy::__SET_COMPANION_TO_ANOTHER_NAME;
    sleepy::start(idle)
}
/// Starts, stops and inspects the daemon of [`fn@sleepy`].
#[allow(non_camel_case_types, dead_code)]
enum sleepy {}
impl sleepy {
    #[allow(dead_code)]
    /// Launches the daemon, and returns when it is ready or has failed.
    fn start(idle: u64) -> ::daemon::Result<::daemon::Started> {
        Self::__daemon().run(move || Self::call(idle)).start()
    }
    /// Stops the daemon if it is running, then launches it.
    fn restart(idle: u64) -> ::daemon::Result<::daemon::Started> {
        Self::__daemon().run(move || Self::call(idle)).restart()
    }
    /// Runs the daemon in the current process, without detaching.
    fn foreground(idle: u64) -> ::daemon::Result<::core::convert::Infallible> {
        Self::__daemon().run(move || Self::call(idle)).foreground()
    }
    ::daemon::__private::companion_verbs! {
        fn
    }
    /// Calls the plain function, in the current process.
    fn call(idle: u64) -> u64 {
        fn sleepy(idle: u64) -> u64 {
            nap(idle)
        }
        sleepy(idle)
    }
    const __SET_COMPANION_TO_ANOTHER_NAME: () = ();
    fn __daemon() -> ::daemon::Daemon {
        static __DAEMON: ::std::sync::OnceLock<::daemon::Daemon> = ::std::sync::OnceLock::new();
        ::core::clone::Clone::clone(
            __DAEMON.get_or_init(|| ::daemon::Daemon::new("sleepy").kill(false)),
        )
    }
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
::core::compile_error! {
    "unknown key `pid_file`, use `pidfile`: it is one word"
}
::core::compile_error! {
    "`22` is decimal: write `0o22`"
}
