#[allow(clippy::needless_pass_by_value)]
fn handle(job: Job) {}
/// Starts, stops and inspects the daemon of [`fn@handle`].
#[allow(non_camel_case_types, dead_code)]
enum handle {}
impl handle {
    #[allow(dead_code)]
    /// Launches the daemon, and returns when it is ready or has failed.
    fn start() -> ::daemon::Result<::daemon::Started> {
        Self::__daemon().messages(next, ::daemon::__private::handler(handle)).start()
    }
    /// Stops the daemon if it is running, then launches it.
    fn restart() -> ::daemon::Result<::daemon::Started> {
        Self::__daemon().messages(next, ::daemon::__private::handler(handle)).restart()
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
    /// Performs a verb that the program has parsed itself, and returns the exit status for `main`.
    #[allow(clippy::too_many_arguments)]
    fn dispatch(verb: ::daemon::cli::Verb) -> ::std::process::ExitCode {
        ::daemon::cli::Program::new("handle")
            .version(::core::option_env!("CARGO_PKG_VERSION"))
            .about(
                ::core::option_env!("CARGO_PKG_DESCRIPTION")
                    .filter(|description| !description.is_empty()),
            )
            .dispatch(
                verb,
                Self::__daemon()
                    .ends_with(::daemon::settings::EndsWith::LauncherParent)
                    .messages(next, ::daemon::__private::handler(handle)),
            )
    }
    const __SET_COMPANION_TO_ANOTHER_NAME: () = ();
    fn __daemon() -> ::daemon::Daemon {
        static __DAEMON: ::std::sync::OnceLock<::daemon::Daemon> = ::std::sync::OnceLock::new();
        ::core::clone::Clone::clone(
            __DAEMON
                .get_or_init(|| {
                    ::daemon::Daemon::new("handle")
                        .ends_with(::daemon::settings::EndsWith::Parent)
                }),
        )
    }
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
