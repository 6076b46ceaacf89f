#[allow(unused)]
/// The program.
fn main() -> ::std::process::ExitCode {
    #[allow(clippy::needless_pass_by_value)]
    #[allow(unused)]
    fn main(running: Running) -> Result<(), Failure> {
        serve(running)
    }
    ::my::daemon::control::__private::Opening::new(
            ::my::daemon::control::Instance::new("my_app")
                .app_dir("/srv/my_app")
                .address("127.0.0.1:0")
                .without_token(),
        )
        .configure(|app| app.on("ack", ack))
        .on_open(open)
        .main(main)
}
