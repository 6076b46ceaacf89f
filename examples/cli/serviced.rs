//! A program that is a service: `serviced start --port 9000`, then `status`, `logs -f`, `restart`, `stop`, and the other verbs of `serviced help`.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Context;
use daemon::control::Endpoint;
use daemon::settings::Capability;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Greets every HTTP client
#[derive(clap::Parser)]
struct Args {
    /// Port to listen on
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

#[daemon::run(
    cli,
    ready = manual,
    control = Endpoint::new(),
    capabilities = (args.port < 1024).then_some([Capability::NET_BIND_SERVICE]),
    service(hardening = strict, watchdog = "30s")
)]
async fn main(args: Args) -> anyhow::Result<()> {
    daemon::logging::init()?;
    let address = (Ipv4Addr::UNSPECIFIED, args.port);
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("failed to listen on port {}", args.port))?;
    tracing::info!("serving port {}", args.port);
    daemon::ready()?;
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => drop(tokio::spawn(greet(client))),
            goes_on = daemon::sleep_async(Duration::from_secs(1)) => if !goes_on { return Ok(()) },
        }
    }
}

async fn greet(mut client: TcpStream) -> std::io::Result<()> {
    tracing::info!("greeted {}", client.peer_addr()?);
    let mut request = [0; 1024];
    tokio::time::timeout(Duration::from_secs(5), client.read(&mut request)).await??;
    client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n").await
}
