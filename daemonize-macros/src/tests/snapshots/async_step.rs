fn beat(
    state: impl ::core::borrow::BorrowMut<State>,
    pace: u8,
) -> ::daemon::Result<::daemon::Started> {
    beat::start(state, pace)
}
/// Starts, stops and asks after the daemon of [`fn@beat`].
#[allow(non_camel_case_types, dead_code)]
enum beat {}
impl beat {
    /// Launches the daemon and returns once it is ready, or why it is not.
    #[allow(dead_code)]
    fn start(
        mut state: impl ::core::borrow::BorrowMut<State>,
        pace: u8,
    ) -> ::daemon::Result<::daemon::Started> {
        Self::__daemon()
            .step_async(async move || {
                Self::call(
                        ::core::borrow::BorrowMut::<State>::borrow_mut(&mut state),
                        ::daemon::__private::step_argument::<u8>(&pace),
                    )
                    .await
            })
            .start()
    }
    /// Stops the daemon if it runs, then launches it.
    fn restart(
        mut state: impl ::core::borrow::BorrowMut<State>,
        pace: u8,
    ) -> ::daemon::Result<::daemon::Started> {
        Self::__daemon()
            .step_async(async move || {
                Self::call(
                        ::core::borrow::BorrowMut::<State>::borrow_mut(&mut state),
                        ::daemon::__private::step_argument::<u8>(&pace),
                    )
                    .await
            })
            .restart()
    }
    /// Runs the daemon in this very process, without detaching.
    fn foreground(
        mut state: impl ::core::borrow::BorrowMut<State>,
        pace: u8,
    ) -> ::daemon::Result<::core::convert::Infallible> {
        Self::__daemon()
            .step_async(async move || {
                Self::call(
                        ::core::borrow::BorrowMut::<State>::borrow_mut(&mut state),
                        ::daemon::__private::step_argument::<u8>(&pace),
                    )
                    .await
            })
            .foreground()
    }
    /// Stops the daemon and returns once it is gone; success as well if it did not run.
    fn stop() -> ::daemon::Result<::daemon::Stopped> {
        Self::__daemon().stop()
    }
    /// Whether the daemon runs, and as which process.
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
    /// The daemon's process, if it runs.
    fn pid() -> ::daemon::Result<::core::option::Option<::daemon::Pid>> {
        Self::__daemon().pid()
    }
    /// Where the pidfile is.
    fn pidfile() -> ::std::path::PathBuf {
        Self::__daemon().pidfile_path()
    }
    /// Calls the plain function, here and now.
    async fn call(state: &mut State, pace: u8) {
        async fn beat(state: &mut State, pace: u8) {
            go(state).await
        }
        beat(state, pace).await
    }
    fn __daemon() -> ::daemon::Daemon {
        static __DAEMON: ::std::sync::OnceLock<::daemon::Daemon> = ::std::sync::OnceLock::new();
        ::core::clone::Clone::clone(
            __DAEMON
                .get_or_init(|| {
                    ::daemon::Daemon::new("beat")
                        .every(::core::time::Duration::from_secs(1))
                }),
        )
    }
}
