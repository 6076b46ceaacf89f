fn agent<T>(x: T) -> ::daemon::Result<::daemon::Started> {
    ::core::unimplemented!()
}
/// Starts, stops and inspects the daemon of [`fn@agent`].
#[allow(non_camel_case_types, dead_code)]
enum agent {}
impl agent {
    #[allow(dead_code)]
    /// Launches the daemon, and returns when it is ready or has failed.
    fn start<T>(x: T) -> ::daemon::Result<::daemon::Started> {
        Self::__daemon().run(|| ()).start()
    }
    /// Stops the daemon if it is running, then launches it.
    fn restart<T>(x: T) -> ::daemon::Result<::daemon::Started> {
        Self::__daemon().run(|| ()).restart()
    }
    /// Connects to the daemon. If it does not run, it is started with these arguments.
    fn connect<T>(x: T) -> ::daemon::Result<::daemon::on_demand::Connection> {
        ::core::unimplemented!()
    }
    /// Connects to the daemon as `connect` does, in a task of a tokio runtime.
    async fn connect_async<T>(
        x: T,
    ) -> ::daemon::Result<::daemon::on_demand::AsyncConnection> {
        ::core::unimplemented!()
    }
    /// Runs the daemon in the current process, without detaching.
    fn foreground<T>(x: T) -> ::daemon::Result<::core::convert::Infallible> {
        Self::__daemon().run(|| ()).foreground()
    }
    ::daemon::__private::companion_verbs! {
        fn
    }
    /// Calls the plain function, in the current process.
    fn call<T>(x: T) {
        #[allow(dead_code)]
        fn agent<T>(x: T) {
            body()
        }
        ::core::unimplemented!()
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
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
::core::compile_error! {
    "`22` is decimal: write `0o22`"
}
::core::compile_error! {
    "`#[daemon::run]` cannot be on a generic function: write one function for each `T`"
}
