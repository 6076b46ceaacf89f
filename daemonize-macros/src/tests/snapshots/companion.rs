fn tick() -> ::daemon::Result<::daemon::Started> {
    let () = tick::__SET_COMPANION_TO_ANOTHER_NAME;
    tick::start()
}
/// Starts, stops and inspects the daemon of [`fn@tick`].
#[allow(non_camel_case_types, dead_code)]
enum tick {}
impl tick {
    /// Launches the daemon and returns once it is ready, or why it is not.
    #[allow(dead_code)]
    fn start() -> ::daemon::Result<::daemon::Started> {
        Self::__daemon().step(|| Self::call()).start()
    }
    /// Stops the daemon if it runs, then launches it.
    fn restart() -> ::daemon::Result<::daemon::Started> {
        Self::__daemon().step(|| Self::call()).restart()
    }
    /// Runs the daemon in this very process, without detaching.
    fn foreground() -> ::daemon::Result<::core::convert::Infallible> {
        Self::__daemon().step(|| Self::call()).foreground()
    }
    /// Stops the daemon and returns once it has ended. Succeeds as well if it did not run.
    fn stop() -> ::daemon::Result<::daemon::Stopped> {
        Self::__daemon().stop()
    }
    /// Returns whether the daemon runs, and as which process.
    fn status() -> ::daemon::Result<::daemon::Status> {
        Self::__daemon().status()
    }
    /// Sends the daemon a signal, such as `"HUP"`.
    fn send(
        signal: impl ::core::convert::TryInto<
            ::daemon::Signal,
            Error: ::core::fmt::Display,
        >,
    ) -> ::daemon::Result<()> {
        Self::__daemon().send(signal)
    }
    /// Returns the daemon's process, if it runs.
    fn pid() -> ::daemon::Result<::core::option::Option<::daemon::Pid>> {
        Self::__daemon().pid()
    }
    /// Returns the path of the pidfile.
    fn pidfile() -> ::std::path::PathBuf {
        Self::__daemon().pidfile_path()
    }
    /// Calls the plain function, here and now.
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
