#[cfg(unix)]
#[allow(clippy::needless_pass_by_value)]
/// Sleeps, and sleeps again.
#[must_use]
pub(crate) fn sleepy(idle: Duration) -> ::daemon::Result<::daemon::Started> {
    let () = sleepy::__SET_COMPANION_TO_ANOTHER_NAME;
    sleepy::start(idle)
}
#[cfg(unix)]
/// Starts, stops and inspects the daemon of [`fn@sleepy`].
#[allow(non_camel_case_types, dead_code)]
pub(crate) enum sleepy {}
#[cfg(unix)]
#[allow(clippy::needless_pass_by_value)]
impl sleepy {
    #[allow(dead_code)]
    /// Launches the daemon, and returns when it is ready or has failed.
    pub(crate) fn start(idle: Duration) -> ::daemon::Result<::daemon::Started> {
        Self::__daemon()
            .step(move || Self::call(
                ::daemon::__private::step_argument::<Duration>(&idle),
            ))
            .start()
    }
    /// Stops the daemon if it is running, then launches it.
    pub(crate) fn restart(idle: Duration) -> ::daemon::Result<::daemon::Started> {
        Self::__daemon()
            .step(move || Self::call(
                ::daemon::__private::step_argument::<Duration>(&idle),
            ))
            .restart()
    }
    /// Runs the daemon in the current process, without detaching.
    pub(crate) fn foreground(
        idle: Duration,
    ) -> ::daemon::Result<::core::convert::Infallible> {
        Self::__daemon()
            .step(move || Self::call(
                ::daemon::__private::step_argument::<Duration>(&idle),
            ))
            .foreground()
    }
    ::daemon::__private::companion_verbs! {
        pub (crate) fn
    }
    /// Calls the plain function, in the current process.
    pub(crate) fn call(idle: Duration) -> ControlFlow<()> {
        #[allow(clippy::needless_pass_by_value)]
        #[inline]
        fn sleepy(idle: Duration) -> ControlFlow<()> {
            ControlFlow::Continue(sleep(idle))
        }
        sleepy(idle)
    }
    const __SET_COMPANION_TO_ANOTHER_NAME: () = ();
    fn __daemon() -> ::daemon::Daemon {
        static __DAEMON: ::std::sync::OnceLock<::daemon::Daemon> = ::std::sync::OnceLock::new();
        ::core::clone::Clone::clone(
            __DAEMON
                .get_or_init(|| {
                    ::daemon::Daemon::new("sleepy")
                        .pidfile("~/sleepy.pid")
                        .pidfile_mode(0o644)
                        .signals(
                            ::daemon::signals::Signals::new()
                                .handle(::daemon::Signal::SIGTERM, log_goodbye)
                                .handle(::daemon::Signal::SIGHUP, reload)
                                .handle(::daemon::Signal::SIGHUP, || rotate(3))
                                .handle(libc::SIGUSR1, reload)
                                .ignore(::daemon::Signal::SIGUSR2)
                                .default_action(::daemon::Signal::SIGPIPE),
                        )
                        .detach(::daemon::settings::Detach::Always)
                        .working_directory("/srv")
                        .umask(0o027)
                        .user("www-data")
                        .group(33)
                        .init_groups(true)
                        .chroot(jail())
                        .core_dumps(false)
                        .capabilities([
                            ::daemon::settings::Capability::NET_BIND_SERVICE,
                            kept(),
                        ])
                        .no_new_privs(false)
                        .inherit([3, 4])
                        .close(::daemon::settings::Close::All)
                        .stdin(::daemon::settings::Stdio::Null)
                        .stdout("/var/log/sleepy.log")
                        .stderr(::daemon::settings::Stdio::Inherit)
                        .ready(::daemon::settings::Ready::Manual)
                        .start_timeout(::core::time::Duration::from_millis(60000))
                        .stop_timeout(::core::time::Duration::from_millis(3600000))
                        .grace(::core::time::Duration::from_millis(1500))
                        .kill(false)
                        .hooks(
                            ::daemon::settings::Hooks::new()
                                .before(::daemon::settings::Stage::Umask, prepare)
                                .after(::daemon::settings::Stage::PidFile, tell)
                                .after(::daemon::settings::Stage::PidFile, show)
                                .replace(::daemon::settings::Stage::Stdio, || {}),
                        )
                        .every(Duration::from_secs(1))
                        .configure(|daemon| daemon.umask(0o077))
                }),
        )
    }
}
#[cfg(unix)]
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
