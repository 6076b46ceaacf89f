#[allow(clippy::needless_pass_by_value)]
fn handle(job: Job) {}
/// Starts, stops and inspects the daemon of [`fn@handle`].
#[allow(non_camel_case_types, dead_code)]
enum handle {}
impl handle {
    #[allow(dead_code)]
    /// Launches the daemon, and returns when it is ready or has failed.
    fn start() -> ::daemon::Result<::daemon::Started> {
        Self::__exec(&Self::__arguments())?.start()
    }
    /// Stops the daemon if it is running, then launches it.
    fn restart() -> ::daemon::Result<::daemon::Started> {
        Self::__exec(&Self::__arguments())?.restart()
    }
    /// Runs the daemon in the current process, without detaching.
    fn foreground() -> ::daemon::Result<::core::convert::Infallible> {
        Self::__daemon()
            .messages(next, ::daemon::__private::handler(handle))
            .foreground()
    }
    ::daemon::__private::companion_verbs! {
        fn
    }
    const __SET_COMPANION_TO_ANOTHER_NAME: () = ();
    fn __daemon() -> ::daemon::Daemon {
        static __DAEMON: ::std::sync::OnceLock<::daemon::Daemon> = ::std::sync::OnceLock::new();
        ::core::clone::Clone::clone(
            __DAEMON.get_or_init(|| ::daemon::Daemon::new("handle")),
        )
    }
    /// The name by which a fresh execution of the program finds the daemon.
    const __ENTRY: &'static str = ::core::concat!(::core::module_path!(), "::handle");
    fn __exec(
        arguments: &::daemon::exec::__private::Arguments,
    ) -> ::daemon::Result<::daemon::exec::ExecDaemon> {
        let daemon = ::daemon::exec::__private::exec_daemon(
            Self::__daemon(),
            Self::__ENTRY,
            arguments,
        )?;
        ::core::result::Result::Ok(daemon)
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
                >::Ok(
                    Self::__daemon().messages(next, ::daemon::__private::handler(handle)),
                )
            })
    }
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
::daemon::exec::__private::submit! {
    ::daemon::exec::__private::Entry { name : handle::__ENTRY, run : handle::__run }
}
