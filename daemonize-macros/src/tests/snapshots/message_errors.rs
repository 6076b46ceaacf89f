#[allow(clippy::needless_pass_by_value)]
pub fn handle(job: &Job) -> u8 {
    job.run()
}
/// Starts, stops and asks after the daemon of [`fn@handle`].
#[allow(non_camel_case_types, dead_code)]
pub enum handle {}
impl handle {
    /// Launches the daemon and returns once it is ready, or why it is not.
    #[allow(dead_code)]
    pub fn start() -> ::daemon::Result<::daemon::Started> {
        ::core::unimplemented!()
    }
    /// Stops the daemon if it runs, then launches it.
    pub fn restart() -> ::daemon::Result<::daemon::Started> {
        ::core::unimplemented!()
    }
    /// Runs the daemon in this very process, without detaching.
    pub fn foreground() -> ::daemon::Result<::core::convert::Infallible> {
        ::core::unimplemented!()
    }
    /// Stops the daemon and returns once it is gone; success as well if it did not run.
    pub fn stop() -> ::daemon::Result<::daemon::Stopped> {
        Self::__daemon().stop()
    }
    /// Whether the daemon runs, and as which process.
    pub fn status() -> ::daemon::Result<::daemon::Status> {
        Self::__daemon().status()
    }
    /// Sends the daemon a signal, such as `"HUP"`.
    pub fn send(
        signal: impl ::core::convert::TryInto<
            ::daemon::Signal,
            Error: ::core::fmt::Display,
        >,
    ) -> ::daemon::Result<()> {
        Self::__daemon().send(signal)
    }
    /// The daemon's process, if it runs.
    pub fn pid() -> ::daemon::Result<::core::option::Option<::daemon::Pid>> {
        Self::__daemon().pid()
    }
    /// Where the pidfile is.
    pub fn pidfile() -> ::std::path::PathBuf {
        Self::__daemon().pidfile_path()
    }
    fn __daemon() -> ::daemon::Daemon {
        static __DAEMON: ::std::sync::OnceLock<::daemon::Daemon> = ::std::sync::OnceLock::new();
        ::core::clone::Clone::clone(
            __DAEMON.get_or_init(|| ::daemon::Daemon::new("handle")),
        )
    }
}
::core::compile_error! {
    "a pool without a worker handles no message: at least `1`"
}
::core::compile_error! {
    "the message is handed over by value: take it without `&`"
}
