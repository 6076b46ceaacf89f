#[allow(clippy::needless_pass_by_value)]
pub fn handle(job: &Job) -> u8 {
    job.run()
}
/// Starts, stops and inspects the daemon of [`fn@handle`].
#[allow(non_camel_case_types, dead_code)]
pub enum handle {}
impl handle {
    #[allow(dead_code)]
    /// Launches the daemon, and returns when it is ready or has failed.
    pub fn start() -> ::daemon::Result<::daemon::Started> {
        Self::__daemon().run(|| ()).start()
    }
    /// Stops the daemon if it is running, then launches it.
    pub fn restart() -> ::daemon::Result<::daemon::Started> {
        Self::__daemon().run(|| ()).restart()
    }
    /// Runs the daemon in the current process, without detaching.
    pub fn foreground() -> ::daemon::Result<::core::convert::Infallible> {
        Self::__daemon().run(|| ()).foreground()
    }
    ::daemon::__private::companion_verbs! {
        pub fn
    }
    const __SET_COMPANION_TO_ANOTHER_NAME: () = ();
    fn __daemon() -> ::daemon::Daemon {
        static __DAEMON: ::std::sync::OnceLock<::daemon::Daemon> = ::std::sync::OnceLock::new();
        ::core::clone::Clone::clone(
            __DAEMON.get_or_init(|| ::daemon::Daemon::new("handle")),
        )
    }
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
::core::compile_error! {
    "`pool_size` must be between 1 and 32768: each worker is a thread"
}
::core::compile_error! {
    "a handler takes its message by value: remove the `&`"
}
