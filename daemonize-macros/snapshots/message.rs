#[cfg(unix)]
/// Does a job.
#[allow(clippy::needless_pass_by_value)]
#[allow(clippy::needless_pass_by_value)]
#[inline]
pub(crate) fn handle(Job { id, .. }: Job<'_>) -> anyhow::Result<()> {
    work(id)
}
#[cfg(unix)]
/// Starts, stops and inspects the daemon of [`fn@handle`].
#[allow(non_camel_case_types, dead_code)]
pub(crate) enum handle {}
#[cfg(unix)]
#[allow(clippy::needless_pass_by_value)]
impl handle {
    #[allow(dead_code)]
    /// Launches the daemon, and returns when it is ready or has failed.
    pub(crate) fn start() -> ::daemon::Result<::daemon::Started> {
        Self::__daemon().messages(next_job, ::daemon::__private::handler(handle)).start()
    }
    /// Stops the daemon if it is running, then launches it.
    pub(crate) fn restart() -> ::daemon::Result<::daemon::Started> {
        Self::__daemon()
            .messages(next_job, ::daemon::__private::handler(handle))
            .restart()
    }
    /// Runs the daemon in the current process, without detaching.
    pub(crate) fn foreground() -> ::daemon::Result<::core::convert::Infallible> {
        Self::__daemon()
            .messages(next_job, ::daemon::__private::handler(handle))
            .foreground()
    }
    ::daemon::__private::companion_verbs! {
        pub (crate) fn
    }
    const __SET_COMPANION_TO_ANOTHER_NAME: () = ();
    fn __daemon() -> ::daemon::Daemon {
        static __DAEMON: ::std::sync::OnceLock<::daemon::Daemon> = ::std::sync::OnceLock::new();
        ::core::clone::Clone::clone(
            __DAEMON
                .get_or_init(|| {
                    ::daemon::Daemon::new("handle")
                        .pool_size(8)
                        .idle_time(::core::time::Duration::from_millis(50))
                        .grace(::core::time::Duration::from_millis(60000))
                        .nack_timeout(::core::time::Duration::from_millis(3000))
                        .retry(
                            ::daemon::messages::Retry::new()
                                .delay(::core::time::Duration::from_millis(200))
                                .attempts(limit()),
                        )
                }),
        )
    }
}
#[cfg(unix)]
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
