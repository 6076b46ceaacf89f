#[allow(clippy::needless_pass_by_value)]
fn handle(job: Job) {}
/// Starts, stops and asks after the daemon of [`fn@handle`].
#[allow(non_camel_case_types, dead_code)]
enum handle {}
impl handle {
    /// Launches the daemon and returns once it is ready, or why it is not.
    #[allow(dead_code)]
    fn start() -> ::daemon::Result<::daemon::Started> {
        Self::__daemon().messages(next, ::daemon::__private::handler(handle)).start()
    }
    /// Stops the daemon if it runs, then launches it.
    fn restart() -> ::daemon::Result<::daemon::Started> {
        Self::__daemon().messages(next, ::daemon::__private::handler(handle)).restart()
    }
    /// Runs the daemon in this very process, without detaching.
    fn foreground() -> ::daemon::Result<::core::convert::Infallible> {
        Self::__daemon()
            .messages(next, ::daemon::__private::handler(handle))
            .foreground()
    }
    /// Stops the daemon and returns once it is gone; success as well if it did not run.
    fn stop() -> ::daemon::Result<::daemon::Stopped> {
        Self::__daemon().stop()
    }
    /// Whether the daemon runs, and as which process.
    fn status() -> ::daemon::Result<::daemon::Status> {
        Self::__daemon().status()
    }
    /// Sends the daemon a signal, such as `"HUP"`.
    fn send(
        signal: impl ::core::convert::TryInto<
            ::daemon::Signal,
            Error: ::core::fmt::Display,
        >,
    ) -> ::daemon::Result<()> {
        Self::__daemon().send(signal)
    }
    /// The daemon's process, if it runs.
    fn pid() -> ::daemon::Result<::core::option::Option<::daemon::Pid>> {
        Self::__daemon().pid()
    }
    /// Where the pidfile is.
    fn pidfile() -> ::std::path::PathBuf {
        Self::__daemon().pidfile_path()
    }
    /// Talks to the daemon's endpoint, if it runs.
    fn client() -> ::daemon::control::Client {
        ::daemon::control::Client::of(&Self::__daemon())
    }
    /// Sends the daemon's endpoint an event; what its handler replied.
    fn event(
        name: &str,
        data: impl ::core::convert::Into<::daemon::control::serde_json::Value>,
    ) -> ::daemon::control::Result<::daemon::control::serde_json::Value> {
        Self::client().event(name, data)
    }
    fn __daemon() -> ::daemon::Daemon {
        static __DAEMON: ::std::sync::OnceLock<::daemon::Daemon> = ::std::sync::OnceLock::new();
        ::core::clone::Clone::clone(
            __DAEMON
                .get_or_init(|| {
                    ::daemon::Daemon::new("handle")
                        .attach(
                            <::daemon::control::Endpoint as ::core::convert::From<
                                _,
                            >>::from(Endpoint::from("127.0.0.1:0").on("add", add)),
                        )
                        .umask(0o022)
                }),
        )
    }
}
