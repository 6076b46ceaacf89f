fn tick(
    state: impl ::core::borrow::BorrowMut<State>,
    name: impl ::core::borrow::Borrow<str>,
    limit: u64,
) -> ::daemon::Result<::daemon::Started> {
    let () = tick::__SET_COMPANION_TO_ANOTHER_NAME;
    tick::start(state, name, limit)
}
/// Starts, stops and inspects the daemon of [`fn@tick`].
#[allow(non_camel_case_types, dead_code)]
enum tick {}
impl tick {
    #[allow(dead_code)]
    /// Launches the daemon, and returns when it is ready or has failed.
    fn start(
        mut state: impl ::core::borrow::BorrowMut<State>,
        name: impl ::core::borrow::Borrow<str>,
        limit: u64,
    ) -> ::daemon::Result<::daemon::Started> {
        Self::__daemon()
            .step(move || Self::call(
                ::core::borrow::BorrowMut::<State>::borrow_mut(&mut state),
                ::core::borrow::Borrow::<str>::borrow(&name),
                ::daemon::__private::step_argument::<u64>(&limit),
            ))
            .start()
    }
    /// Stops the daemon if it is running, then launches it.
    fn restart(
        mut state: impl ::core::borrow::BorrowMut<State>,
        name: impl ::core::borrow::Borrow<str>,
        limit: u64,
    ) -> ::daemon::Result<::daemon::Started> {
        Self::__daemon()
            .step(move || Self::call(
                ::core::borrow::BorrowMut::<State>::borrow_mut(&mut state),
                ::core::borrow::Borrow::<str>::borrow(&name),
                ::daemon::__private::step_argument::<u64>(&limit),
            ))
            .restart()
    }
    /// Runs the daemon in the current process, without detaching.
    fn foreground(
        mut state: impl ::core::borrow::BorrowMut<State>,
        name: impl ::core::borrow::Borrow<str>,
        limit: u64,
    ) -> ::daemon::Result<::core::convert::Infallible> {
        Self::__daemon()
            .step(move || Self::call(
                ::core::borrow::BorrowMut::<State>::borrow_mut(&mut state),
                ::core::borrow::Borrow::<str>::borrow(&name),
                ::daemon::__private::step_argument::<u64>(&limit),
            ))
            .foreground()
    }
    ::daemon::__private::companion_verbs! {
        fn
    }
    /// Calls the plain function, in the current process.
    fn call(state: &mut State, name: &str, limit: u64) -> Result<(), Error> {
        fn tick(state: &mut State, name: &str, limit: u64) -> Result<(), Error> {
            state.tick(name, limit)
        }
        tick(state, name, limit)
    }
    const __SET_COMPANION_TO_ANOTHER_NAME: () = ();
    fn __daemon() -> ::daemon::Daemon {
        static __DAEMON: ::std::sync::OnceLock<::daemon::Daemon> = ::std::sync::OnceLock::new();
        ::core::clone::Clone::clone(
            __DAEMON
                .get_or_init(|| {
                    ::daemon::Daemon::new("tick")
                        .every(::core::time::Duration::from_millis(1000))
                }),
        )
    }
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
