fn beat(
    state: impl ::core::borrow::BorrowMut<State>,
    pace: u8,
) -> ::daemon::Result<::daemon::Started> {
    let () = beat::__SET_COMPANION_TO_ANOTHER_NAME;
    beat::start(state, pace)
}
/// Starts, stops and inspects the daemon of [`fn@beat`].
#[allow(non_camel_case_types, dead_code)]
enum beat {}
impl beat {
    #[allow(dead_code)]
    /// Launches the daemon, and returns when it is ready or has failed.
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
    /// Stops the daemon if it is running, then launches it.
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
    /// Runs the daemon in the current process, without detaching.
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
    ::daemon::__private::companion_verbs! {
        fn
    }
    /// Calls the plain function, in the current process.
    async fn call(state: &mut State, pace: u8) {
        async fn beat(state: &mut State, pace: u8) {
            go(state).await
        }
        beat(state, pace).await
    }
    const __SET_COMPANION_TO_ANOTHER_NAME: () = ();
    fn __daemon() -> ::daemon::Daemon {
        static __DAEMON: ::std::sync::OnceLock<::daemon::Daemon> = ::std::sync::OnceLock::new();
        ::core::clone::Clone::clone(
            __DAEMON
                .get_or_init(|| {
                    ::daemon::Daemon::new("beat")
                        .every(::core::time::Duration::from_millis(1000))
                }),
        )
    }
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
