fn serve(port: u16) -> ::daemon::Result<::daemon::Started> {
    let () = serve::__SET_COMPANION_TO_ANOTHER_NAME;
    serve::start(port)
}
/// Starts, stops and inspects the daemon of [`fn@serve`].
#[allow(non_camel_case_types, dead_code)]
enum serve {}
impl serve {
    #[allow(dead_code)]
    /// Launches the daemon, and returns when it is ready or has failed.
    fn start(port: u16) -> ::daemon::Result<::daemon::Started> {
        Self::__daemon().run_async(move || Self::call(port)).start()
    }
    /// Stops the daemon if it is running, then launches it.
    fn restart(port: u16) -> ::daemon::Result<::daemon::Started> {
        Self::__daemon().run_async(move || Self::call(port)).restart()
    }
    /// Runs the daemon in the current process, without detaching.
    fn foreground(port: u16) -> ::daemon::Result<::core::convert::Infallible> {
        Self::__daemon().run_async(move || Self::call(port)).foreground()
    }
    ::daemon::__private::companion_verbs! {
        fn
    }
    /// Calls the plain function, in the current process.
    async fn call(port: u16) -> std::io::Result<()> {
        async fn serve(port: u16) -> std::io::Result<()> {
            listen(port).await
        }
        serve(port).await
    }
    const __SET_COMPANION_TO_ANOTHER_NAME: () = ();
    fn __daemon() -> ::daemon::Daemon {
        static __DAEMON: ::std::sync::OnceLock<::daemon::Daemon> = ::std::sync::OnceLock::new();
        ::core::clone::Clone::clone(
            __DAEMON.get_or_init(|| ::daemon::Daemon::new("serve")),
        )
    }
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
