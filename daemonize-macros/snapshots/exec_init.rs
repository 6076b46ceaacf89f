#[cfg(unix)]
/// The program.
fn main() -> Result<(), Failure> {
    #[tokio::main]
    async fn main() -> Result<(), Failure> {
        serve().await
    }
    ::daemon::exec::init();
    main()
}
