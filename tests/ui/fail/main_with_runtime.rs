//! `#[tokio::main]` under ours would build its runtime before there is a daemon.

#[daemon::run(umask = 0o022)]
#[tokio::main]
async fn main(arguments: Vec<String>) -> Result<(), std::io::Error> {
    std::future::ready(arguments).await;
    Ok(())
}
