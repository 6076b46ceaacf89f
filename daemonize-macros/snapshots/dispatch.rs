pub fn tick(
    state: impl ::core::borrow::BorrowMut<State>,
    verb: u8,
) -> ::daemon::Result<::daemon::Started> {
    let () = tick::__SET_COMPANION_TO_ANOTHER_NAME;
    tick::start(state, verb)
}
/// Starts, stops and inspects the daemon of [`fn@tick`].
#[allow(non_camel_case_types, dead_code)]
pub enum tick {}
impl tick {
    #[allow(dead_code)]
    /// Launches the daemon, and returns when it is ready or has failed.
    pub fn start(
        mut state: impl ::core::borrow::BorrowMut<State>,
        verb: u8,
    ) -> ::daemon::Result<::daemon::Started> {
        Self::__daemon()
            .step(move || Self::call(
                ::core::borrow::BorrowMut::<State>::borrow_mut(&mut state),
                ::daemon::__private::step_argument::<u8>(&verb),
            ))
            .start()
    }
    /// Stops the daemon if it is running, then launches it.
    pub fn restart(
        mut state: impl ::core::borrow::BorrowMut<State>,
        verb: u8,
    ) -> ::daemon::Result<::daemon::Started> {
        Self::__daemon()
            .step(move || Self::call(
                ::core::borrow::BorrowMut::<State>::borrow_mut(&mut state),
                ::daemon::__private::step_argument::<u8>(&verb),
            ))
            .restart()
    }
    /// Runs the daemon in the current process, without detaching.
    pub fn foreground(
        mut state: impl ::core::borrow::BorrowMut<State>,
        verb: u8,
    ) -> ::daemon::Result<::core::convert::Infallible> {
        Self::__daemon()
            .step(move || Self::call(
                ::core::borrow::BorrowMut::<State>::borrow_mut(&mut state),
                ::daemon::__private::step_argument::<u8>(&verb),
            ))
            .foreground()
    }
    ::daemon::__private::companion_verbs! {
        pub fn
    }
    /// Performs a verb that the program has parsed itself, and returns the exit status for `main`.
    #[allow(clippy::too_many_arguments)]
    pub fn dispatch(
        __verb: ::daemon::cli::Verb,
        mut state: impl ::core::borrow::BorrowMut<State>,
        verb: u8,
    ) -> ::std::process::ExitCode {
        ::daemon::cli::Program::new("tick")
            .version(::core::option_env!("CARGO_PKG_VERSION"))
            .about(
                ::core::option_env!("CARGO_PKG_DESCRIPTION")
                    .filter(|description| !description.is_empty()),
            )
            .service(
                ::daemon::cli::Service::new()
                    .hardening(::daemon::cli::Hardening::Strict)
                    .watchdog(::core::time::Duration::from_millis(30000))
                    .restart(::daemon::cli::RestartPolicy::Always)
                    .socket("80")
                    .socket("443")
                    .environment_file("/etc/a"),
            )
            .dispatch(
                __verb,
                Self::__daemon()
                    .step(move || Self::call(
                        ::core::borrow::BorrowMut::<State>::borrow_mut(&mut state),
                        ::daemon::__private::step_argument::<u8>(&verb),
                    )),
            )
    }
    /// Calls the plain function, in the current process.
    pub fn call(state: &mut State, verb: u8) {
        fn tick(state: &mut State, verb: u8) {
            state.tick(verb)
        }
        tick(state, verb)
    }
    const __SET_COMPANION_TO_ANOTHER_NAME: () = ();
    fn __daemon() -> ::daemon::Daemon {
        static __DAEMON: ::std::sync::OnceLock<::daemon::Daemon> = ::std::sync::OnceLock::new();
        ::core::clone::Clone::clone(
            __DAEMON.get_or_init(|| ::daemon::Daemon::new("tick")),
        )
    }
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
