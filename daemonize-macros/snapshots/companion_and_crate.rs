fn r#type() -> crate::facade::Result<crate::facade::Started> {
    let () = Sleepy::__SET_COMPANION_TO_ANOTHER_NAME;
    Sleepy::start()
}
/// Starts, stops and inspects the daemon of [`fn@type`].
#[allow(non_camel_case_types, dead_code)]
enum Sleepy {}
impl Sleepy {
    #[allow(dead_code)]
    /// Launches the daemon, and returns when it is ready or has failed.
    fn start() -> crate::facade::Result<crate::facade::Started> {
        Self::__daemon().run(|| Self::call()).start()
    }
    /// Stops the daemon if it is running, then launches it.
    fn restart() -> crate::facade::Result<crate::facade::Started> {
        Self::__daemon().run(|| Self::call()).restart()
    }
    /// Runs the daemon in the current process, without detaching.
    fn foreground() -> crate::facade::Result<::core::convert::Infallible> {
        Self::__daemon().run(|| Self::call()).foreground()
    }
    crate::facade::__private::companion_verbs! {
        fn
    }
    /// Calls the plain function, in the current process.
    fn call() {
        fn r#type() {}
        r#type()
    }
    const __SET_COMPANION_TO_ANOTHER_NAME: () = ();
    fn __daemon() -> crate::facade::Daemon {
        static __DAEMON: ::std::sync::OnceLock<crate::facade::Daemon> = ::std::sync::OnceLock::new();
        ::core::clone::Clone::clone(
            __DAEMON.get_or_init(|| crate::facade::Daemon::new("type")),
        )
    }
}
#[allow(unused_imports)]
use crate::facade::__private::CompanionVerbs as _;
