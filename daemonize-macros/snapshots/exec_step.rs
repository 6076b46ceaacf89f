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
        state: impl ::core::borrow::BorrowMut<State>,
        name: impl ::core::borrow::Borrow<str>,
        limit: u64,
    ) -> ::daemon::Result<::daemon::Started> {
        Self::__exec(&Self::__arguments(state, name, limit))?.start()
    }
    /// Stops the daemon if it is running, then launches it.
    fn restart(
        state: impl ::core::borrow::BorrowMut<State>,
        name: impl ::core::borrow::Borrow<str>,
        limit: u64,
    ) -> ::daemon::Result<::daemon::Started> {
        Self::__exec(&Self::__arguments(state, name, limit))?.restart()
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
    fn call(state: &mut State, name: &str, limit: u64) {
        fn tick(state: &mut State, name: &str, limit: u64) {
            state.tick(name, limit)
        }
        tick(state, name, limit)
    }
    const __SET_COMPANION_TO_ANOTHER_NAME: () = ();
    /// The name by which a fresh execution of the program finds the daemon.
    const __ENTRY: &'static str = ::core::concat!(::core::module_path!(), "::tick");
    fn __exec(
        arguments: &::daemon::exec::__private::Arguments,
    ) -> ::daemon::Result<::daemon::exec::ExecDaemon> {
        let daemon = ::daemon::exec::__private::exec_daemon(
            Self::__daemon(),
            Self::__ENTRY,
            arguments,
        )?;
        ::core::result::Result::Ok(
            daemon.environment(::daemon::exec::Environment::Inherit),
        )
    }
    #[allow(clippy::needless_pass_by_value)]
    fn __arguments(
        state: impl ::core::borrow::BorrowMut<State>,
        name: impl ::core::borrow::Borrow<str>,
        limit: u64,
    ) -> ::daemon::exec::__private::Arguments {
        ::daemon::exec::__private::Arguments::new()
            .with(
                &::daemon::exec::__private::parameter::<State>("state"),
                ::core::borrow::Borrow::<State>::borrow(&state),
            )
            .with(
                &::daemon::exec::__private::parameter::<str>("name"),
                ::core::borrow::Borrow::<str>::borrow(&name),
            )
            .with(&::daemon::exec::__private::parameter::<u64>("limit"), &limit)
    }
    #[allow(clippy::extra_unused_lifetimes)]
    fn __run(
        request: &::daemon::exec::__private::Request,
    ) -> ::daemon::Result<::daemon::Started> {
        request
            .run(|__arguments: &::daemon::exec::__private::Arguments| {
                let mut __reader = __arguments.reader();
                let mut state = __reader
                    .next(&::daemon::exec::__private::parameter::<State>("state"))?;
                let name = __reader
                    .next(&::daemon::exec::__private::parameter::<str>("name"))?;
                let limit = __reader
                    .next(&::daemon::exec::__private::parameter::<u64>("limit"))?;
                ::core::result::Result::<
                    _,
                    ::std::string::String,
                >::Ok(
                    Self::__daemon()
                        .step(move || Self::call(
                            ::core::borrow::BorrowMut::<State>::borrow_mut(&mut state),
                            ::core::borrow::Borrow::<str>::borrow(&name),
                            ::daemon::__private::step_argument::<u64>(&limit),
                        )),
                )
            })
    }
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
::daemon::exec::__private::submit! {
    ::daemon::exec::__private::Entry { name : tick::__ENTRY, run : tick::__run }
}
