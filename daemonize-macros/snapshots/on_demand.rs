pub fn agent() -> ::daemon::Result<::daemon::Started> {
    let () = agent::__SET_COMPANION_TO_ANOTHER_NAME;
    agent::start()
}
/// Starts, stops and inspects the daemon of [`fn@agent`].
#[allow(non_camel_case_types, dead_code)]
pub enum agent {}
impl agent {
    #[allow(dead_code)]
    /// Launches the daemon, and returns when it is ready or has failed.
    pub fn start() -> ::daemon::Result<::daemon::Started> {
        Self::__exec(&Self::__arguments())?.start()
    }
    /// Stops the daemon if it is running, then launches it.
    pub fn restart() -> ::daemon::Result<::daemon::Started> {
        Self::__exec(&Self::__arguments())?.restart()
    }
    /// Connects to the daemon. If it does not run, it is started with these arguments.
    pub fn connect() -> ::daemon::Result<::daemon::on_demand::Connection> {
        let __arguments = Self::__arguments();
        ::daemon::on_demand::connect(
            Self::__settings(),
            Self::__on_demand(),
            move |deadline| { Self::__exec(&__arguments)?.start_until(deadline) },
        )
    }
    /// Connects to the daemon as `connect` does, in a task of a tokio runtime.
    pub async fn connect_async() -> ::daemon::Result<
        ::daemon::on_demand::AsyncConnection,
    > {
        let __arguments = Self::__arguments();
        ::daemon::on_demand::connect_async(
                Self::__settings(),
                Self::__on_demand(),
                move |deadline| { Self::__exec(&__arguments)?.start_until(deadline) },
            )
            .await
    }
    /// Runs the daemon in the current process, without detaching.
    pub fn foreground() -> ::daemon::Result<::core::convert::Infallible> {
        Self::__daemon().run(|| Self::call()).foreground()
    }
    ::daemon::__private::companion_verbs! {
        pub fn
    }
    /// Calls the plain function, in the current process.
    pub fn call() -> daemon::Result<()> {
        fn agent() -> daemon::Result<()> {
            body()
        }
        agent()
    }
    const __SET_COMPANION_TO_ANOTHER_NAME: () = ();
    fn __settings() -> &'static ::daemon::Daemon {
        static __DAEMON: ::std::sync::OnceLock<::daemon::Daemon> = ::std::sync::OnceLock::new();
        __DAEMON
            .get_or_init(|| {
                ::daemon::Daemon::new("agent")
                    .attach(::daemon::scope::Scope::new())
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
            daemon
                .environment(::daemon::exec::Environment::Clean)
                .isolation(::daemon::exec::Isolation::Reset),
        )
    }
    #[allow(clippy::needless_pass_by_value)]
    fn __arguments() -> ::daemon::exec::__private::Arguments {
        ::daemon::exec::__private::Arguments::new()
    }
    #[allow(clippy::extra_unused_lifetimes)]
    fn __run(
        request: &::daemon::exec::__private::Request,
    ) -> ::daemon::Result<::daemon::Started> {
        request
            .run(|__arguments: &::daemon::exec::__private::Arguments| {
                ::core::result::Result::<
                    _,
                    ::std::string::String,
                >::Ok(Self::__daemon().run(|| Self::call()))
            })
    }
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
::daemon::exec::__private::submit! {
    ::daemon::exec::__private::Entry { name : agent::__ENTRY, run : agent::__run }
}
