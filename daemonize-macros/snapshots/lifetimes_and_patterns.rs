pub fn serve<'a, 'b>(
    name: &'a str,
    argument_2: &'b Config<'a>,
    argument_3: u8,
) -> ::daemon::Result<::daemon::Started>
where
    'a: 'b,
{
    let () = serve::__SET_COMPANION_TO_ANOTHER_NAME;
    serve::start(name, argument_2, argument_3)
}
/// Starts, stops and inspects the daemon of [`fn@serve`].
#[allow(non_camel_case_types, dead_code)]
pub enum serve {}
impl serve {
    #[allow(dead_code)]
    /// Launches the daemon, and returns when it is ready or has failed.
    pub fn start<'a, 'b>(
        name: &'a str,
        argument_2: &'b Config<'a>,
        argument_3: u8,
    ) -> ::daemon::Result<::daemon::Started>
    where
        'a: 'b,
    {
        Self::__daemon()
            .run(move || -> () { Self::call(name, argument_2, argument_3) })
            .start()
    }
    /// Stops the daemon if it is running, then launches it.
    pub fn restart<'a, 'b>(
        name: &'a str,
        argument_2: &'b Config<'a>,
        argument_3: u8,
    ) -> ::daemon::Result<::daemon::Started>
    where
        'a: 'b,
    {
        Self::__daemon()
            .run(move || -> () { Self::call(name, argument_2, argument_3) })
            .restart()
    }
    /// Runs the daemon in the current process, without detaching.
    pub fn foreground<'a, 'b>(
        name: &'a str,
        argument_2: &'b Config<'a>,
        argument_3: u8,
    ) -> ::daemon::Result<::core::convert::Infallible>
    where
        'a: 'b,
    {
        Self::__daemon()
            .run(move || -> () { Self::call(name, argument_2, argument_3) })
            .foreground()
    }
    ::daemon::__private::companion_verbs! {
        pub fn
    }
    /// Calls the plain function, in the current process.
    pub fn call<'a, 'b>(name: &'a str, argument_2: &'b Config<'a>, argument_3: u8) -> !
    where
        'a: 'b,
    {
        fn serve<'a, 'b>(
            mut name: &'a str,
            Config { port, .. }: &'b Config<'a>,
            _: u8,
        ) -> !
        where
            'a: 'b,
        {
            loop {}
        }
        serve(name, argument_2, argument_3)
    }
    const __SET_COMPANION_TO_ANOTHER_NAME: () = ();
    fn __daemon() -> ::daemon::Daemon {
        static __DAEMON: ::std::sync::OnceLock<::daemon::Daemon> = ::std::sync::OnceLock::new();
        ::core::clone::Clone::clone(
            __DAEMON.get_or_init(|| ::daemon::Daemon::new("serve")),
        )
    }
}
#[allow(unused_imports)]
use ::daemon::__private::CompanionVerbs as _;
