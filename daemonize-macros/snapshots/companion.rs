fn tick() -> ::daemon::Result<::daemon::Started> {
    let () = tick::__SET_COMPANION_TO_ANOTHER_NAME;
    tick::start()
}
/// Starts, stops and inspects the daemon of [`fn@tick`].
#[allow(non_camel_case_types, dead_code)]
enum tick {}
impl tick {
    #[allow(dead_code)]
    /// Launches the daemon, and returns when it is ready or has failed.
    fn start() -> ::daemon::Result<::daemon::Started> {
        Self::__daemon().step(|| Self::call()).start()
    }
    /// Stops the daemon if it is running, then launches it.
    fn restart() -> ::daemon::Result<::daemon::Started> {
        Self::__daemon().step(|| Self::call()).restart()
    }
    /// Runs the daemon in the current process, without detaching.
    fn foreground() -> ::daemon::Result<::core::convert::Infallible> {
        Self::__daemon().step(|| Self::call()).foreground()
    }
    ::daemon::__private::companion_verbs! {
        fn
    }
    /// Calls the plain function, in the current process.
    fn call() {
        fn tick() {
            count();
        }
        tick()
    }
    const __SET_COMPANION_TO_ANOTHER_NAME: () = ();
    fn __daemon() -> ::daemon::Daemon {
        static __DAEMON: ::std::sync::OnceLock<::daemon::Daemon> = ::std::sync::OnceLock::new();
        ::core::clone::Clone::clone(
            __DAEMON.get_or_init(|| ::daemon::Daemon::new("tick")),
        )
    }
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
