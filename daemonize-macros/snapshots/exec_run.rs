pub fn agent<'a>(
    port: u16,
    name: &'a str,
    hosts: &[Host<'a>],
    state: &mut State,
) -> ::daemon::Result<::daemon::Started> {
    let () = agent::__SET_COMPANION_TO_ANOTHER_NAME;
    agent::start(port, name, hosts, state)
}
/// Starts, stops and inspects the daemon of [`fn@agent`].
#[allow(non_camel_case_types, dead_code)]
pub enum agent {}
impl agent {
    #[allow(dead_code)]
    /// Launches the daemon, and returns when it is ready or has failed.
    pub fn start<'a>(
        port: u16,
        name: &'a str,
        hosts: &[Host<'a>],
        state: &mut State,
    ) -> ::daemon::Result<::daemon::Started> {
        Self::__exec(&Self::__arguments(port, name, hosts, state))?.start()
    }
    /// Stops the daemon if it is running, then launches it.
    pub fn restart<'a>(
        port: u16,
        name: &'a str,
        hosts: &[Host<'a>],
        state: &mut State,
    ) -> ::daemon::Result<::daemon::Started> {
        Self::__exec(&Self::__arguments(port, name, hosts, state))?.restart()
    }
    /// Runs the daemon in the current process, without detaching.
    pub fn foreground<'a>(
        port: u16,
        name: &'a str,
        hosts: &[Host<'a>],
        state: &mut State,
    ) -> ::daemon::Result<::core::convert::Infallible> {
        Self::__daemon().run(move || Self::call(port, name, hosts, state)).foreground()
    }
    ::daemon::__private::companion_verbs! {
        pub fn
    }
    /// Calls the plain function, in the current process.
    pub fn call<'a>(
        port: u16,
        name: &'a str,
        hosts: &[Host<'a>],
        state: &mut State,
    ) -> Result<(), Error<'a>> {
        fn agent<'a>(
            port: u16,
            name: &'a str,
            hosts: &[Host<'a>],
            state: &mut State,
        ) -> Result<(), Error<'a>> {
            body()
        }
        agent(port, name, hosts, state)
    }
    const __SET_COMPANION_TO_ANOTHER_NAME: () = ();
    fn __daemon() -> ::daemon::Daemon {
        static __DAEMON: ::std::sync::OnceLock<::daemon::Daemon> = ::std::sync::OnceLock::new();
        ::core::clone::Clone::clone(
            __DAEMON
                .get_or_init(|| {
                    ::daemon::Daemon::new("agent")
                        .ends_with(::daemon::settings::EndsWith::Parent)
                }),
        )
    }
    /// The name by which a fresh execution of the program finds the daemon.
    const __ENTRY: &'static str = ::core::concat!(::core::module_path!(), "::agent");
    fn __exec(
        arguments: &::daemon::exec::__private::Arguments,
    ) -> ::daemon::Result<::daemon::exec::ExecDaemon> {
        let daemon = ::daemon::exec::__private::exec_daemon(
            Self::__daemon(),
            Self::__ENTRY,
            arguments,
        )?;
        ::core::result::Result::Ok(
            daemon
                .environment(
                    ::daemon::exec::Environment::Names(
                        ::std::vec![
                            ::std::string::String::from("LANG"),
                            ::std::string::String::from(EXTRA)
                        ],
                    ),
                ),
        )
    }
    #[allow(clippy::needless_pass_by_value)]
    fn __arguments<'a>(
        port: u16,
        name: &'a str,
        hosts: &[Host<'a>],
        state: &mut State,
    ) -> ::daemon::exec::__private::Arguments {
        ::daemon::exec::__private::Arguments::new()
            .with(&::daemon::exec::__private::parameter::<u16>("port"), &port)
            .with(&::daemon::exec::__private::parameter::<str>("name"), &*name)
            .with(&::daemon::exec::__private::parameter::<[Host<'a>]>("hosts"), &*hosts)
            .with(&::daemon::exec::__private::parameter::<State>("state"), &*state)
    }
    #[allow(clippy::extra_unused_lifetimes)]
    fn __run<'a>(
        request: &::daemon::exec::__private::Request,
    ) -> ::daemon::Result<::daemon::Started> {
        request
            .run(|__arguments: &::daemon::exec::__private::Arguments| {
                let mut __reader = __arguments.reader();
                let port = __reader
                    .next(&::daemon::exec::__private::parameter::<u16>("port"))?;
                let name: &str = ::core::borrow::Borrow::borrow(
                    &*::std::boxed::Box::leak(
                        ::std::boxed::Box::new(
                            __reader
                                .next(&::daemon::exec::__private::parameter::<str>("name"))?,
                        ),
                    ),
                );
                let hosts: &[Host<'a>] = ::core::borrow::Borrow::borrow(
                    &*::std::boxed::Box::leak(
                        ::std::boxed::Box::new(
                            __reader
                                .next(
                                    &::daemon::exec::__private::parameter::<[Host<'a>]>("hosts"),
                                )?,
                        ),
                    ),
                );
                let state: &mut State = ::core::borrow::BorrowMut::borrow_mut(
                    ::std::boxed::Box::leak(
                        ::std::boxed::Box::new(
                            __reader
                                .next(
                                    &::daemon::exec::__private::parameter::<State>("state"),
                                )?,
                        ),
                    ),
                );
                ::core::result::Result::<
                    _,
                    ::std::string::String,
                >::Ok(Self::__daemon().run(move || Self::call(port, name, hosts, state)))
            })
    }
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
::daemon::exec::__private::submit! {
    ::daemon::exec::__private::Entry { name : agent::__ENTRY, run : agent::__run }
}
