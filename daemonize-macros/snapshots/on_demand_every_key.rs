fn agent(name: &str, limit: u64) -> ::daemon::Result<::daemon::Started> {
    let () = agent::__SET_COMPANION_TO_ANOTHER_NAME;
    agent::start(name, limit)
}
/// Starts, stops and inspects the daemon of [`fn@agent`].
#[allow(non_camel_case_types, dead_code)]
enum agent {}
impl agent {
    #[allow(dead_code)]
    /// Launches the daemon, and returns when it is ready or has failed.
    fn start(name: &str, limit: u64) -> ::daemon::Result<::daemon::Started> {
        Self::__exec(&Self::__arguments(name, limit))?.start()
    }
    /// Stops the daemon if it is running, then launches it.
    fn restart(name: &str, limit: u64) -> ::daemon::Result<::daemon::Started> {
        Self::__exec(&Self::__arguments(name, limit))?.restart()
    }
    /// Connects to the daemon. If it does not run, it is started with these arguments.
    fn connect(
        name: &str,
        limit: u64,
    ) -> ::daemon::Result<::daemon::on_demand::Connection> {
        let __arguments = Self::__arguments(name, limit);
        ::daemon::on_demand::connect(
            Self::__settings(),
            Self::__on_demand(),
            move |deadline| { Self::__exec(&__arguments)?.start_until(deadline) },
        )
    }
    /// Connects to the daemon as `connect` does, in a task of a tokio runtime.
    async fn connect_async(
        name: &str,
        limit: u64,
    ) -> ::daemon::Result<::daemon::on_demand::AsyncConnection> {
        let __arguments = Self::__arguments(name, limit);
        ::daemon::on_demand::connect_async(
                Self::__settings(),
                Self::__on_demand(),
                move |deadline| { Self::__exec(&__arguments)?.start_until(deadline) },
            )
            .await
    }
    /// Runs the daemon in the current process, without detaching.
    fn foreground(
        name: &str,
        limit: u64,
    ) -> ::daemon::Result<::core::convert::Infallible> {
        Self::__daemon().run_async(move || Self::call(name, limit)).foreground()
    }
    ::daemon::__private::companion_verbs! {
        fn
    }
    /// Calls the plain function, in the current process.
    async fn call(name: &str, limit: u64) {
        async fn agent(name: &str, limit: u64) {
            body().await
        }
        agent(name, limit).await
    }
    const __SET_COMPANION_TO_ANOTHER_NAME: () = ();
    fn __settings() -> &'static ::daemon::Daemon {
        static __DAEMON: ::std::sync::OnceLock<::daemon::Daemon> = ::std::sync::OnceLock::new();
        __DAEMON
            .get_or_init(|| {
                ::daemon::Daemon::new("agent")
                    .attach(::core::clone::Clone::clone(Self::__on_demand()))
            })
    }
    fn __daemon() -> ::daemon::Daemon {
        ::core::clone::Clone::clone(Self::__settings())
    }
    fn __on_demand() -> &'static ::daemon::on_demand::OnDemand {
        static __ON_DEMAND: ::std::sync::OnceLock<::daemon::on_demand::OnDemand> = ::std::sync::OnceLock::new();
        __ON_DEMAND
            .get_or_init(|| {
                ::daemon::on_demand::OnDemand::new(
                        ::core::time::Duration::from_millis(600000),
                    )
                    .package(::core::env!("CARGO_PKG_NAME"))
                    .version(::core::env!("CARGO_PKG_VERSION"))
                    .on_mismatch(::daemon::on_demand::OnMismatch::Keep)
                    .greeting_timeout(::core::time::Duration::from_millis(2000))
                    .connect_timeout(limit())
                    .protocol(3)
                    .constraint(
                        <::std::string::String as ::core::convert::From<_>>::from(hash()),
                    )
            })
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
            daemon.environment(ENVIRONMENT).isolation(::daemon::exec::Isolation::Reset),
        )
    }
    #[allow(clippy::needless_pass_by_value)]
    fn __arguments(name: &str, limit: u64) -> ::daemon::exec::__private::Arguments {
        ::daemon::exec::__private::Arguments::new()
            .with(&::daemon::exec::__private::parameter::<str>("name"), &*name)
            .with(&::daemon::exec::__private::parameter::<u64>("limit"), &limit)
    }
    #[allow(clippy::extra_unused_lifetimes)]
    fn __run(
        request: &::daemon::exec::__private::Request,
    ) -> ::daemon::Result<::daemon::Started> {
        request
            .run(|__arguments: &::daemon::exec::__private::Arguments| {
                let mut __reader = __arguments.reader();
                let name: &str = ::core::borrow::Borrow::borrow(
                    &*::std::boxed::Box::leak(
                        ::std::boxed::Box::new(
                            __reader
                                .next(&::daemon::exec::__private::parameter::<str>("name"))?,
                        ),
                    ),
                );
                let limit = __reader
                    .next(&::daemon::exec::__private::parameter::<u64>("limit"))?;
                ::core::result::Result::<
                    _,
                    ::std::string::String,
                >::Ok(Self::__daemon().run_async(move || Self::call(name, limit)))
            })
    }
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
::daemon::exec::__private::submit! {
    ::daemon::exec::__private::Entry { name : agent::__ENTRY, run : agent::__run }
}
