pub fn serve() -> ::daemon::Result<::daemon::Started> {
    let () = serve::__SET_COMPANION_TO_ANOTHER_NAME;
    serve::start()
}
/// Starts, stops and inspects the daemon of [`fn@serve`].
#[allow(non_camel_case_types, dead_code)]
pub enum serve {}
impl serve {
    #[allow(dead_code)]
    /// Launches the daemon, and returns when it is ready or has failed.
    pub fn start() -> ::daemon::Result<::daemon::Started> {
        Self::__daemon().run(|| Self::call()).start()
    }
    /// Stops the daemon if it is running, then launches it.
    pub fn restart() -> ::daemon::Result<::daemon::Started> {
        Self::__daemon().run(|| Self::call()).restart()
    }
    /// Runs the daemon in the current process, without detaching.
    pub fn foreground() -> ::daemon::Result<::core::convert::Infallible> {
        Self::__daemon().run(|| Self::call()).foreground()
    }
    ::daemon::__private::companion_verbs! {
        pub fn
    }
    ::daemon::control::__private::companion_verbs! {
        pub fn
    }
    /// Calls the plain function, in the current process.
    pub fn call() {
        fn serve() {
            body()
        }
        serve()
    }
    const __SET_COMPANION_TO_ANOTHER_NAME: () = ();
    fn __daemon() -> ::daemon::Daemon {
        static __DAEMON: ::std::sync::OnceLock<::daemon::Daemon> = ::std::sync::OnceLock::new();
        ::core::clone::Clone::clone(
            __DAEMON
                .get_or_init(|| {
                    ::daemon::Daemon::new("serve")
                        .attach(::daemon::control::Endpoint::new())
                }),
        )
    }
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
